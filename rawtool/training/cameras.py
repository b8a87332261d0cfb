"""Cameras to photograph scenes with: random ones for training, held-out ones for measuring."""

import numpy as np

from rawtool.arrays import Matrix3, Vector3
from rawtool.color.matrices import XYZ_FROM_SRGB, planckian_xy, xyz_of_xy
from rawtool.errors import ConfigError
from rawtool.frames import Cfa
from rawtool.sensor.camera import SimulatedCamera
from rawtool.sensor.cfa import QUAD_RGGB, RGGB, XTRANS
from rawtool.sensor.noise import NoiseModel
from rawtool.training.scenes import CameraFacts

HELD_OUT_CAMERAS = ("EOS 5D Mark II", "D700", "DSLR-A900")
"""Never trained on: the cameras that validation and scoring use."""

SHOT_PER_ISO = 1.68e-7

READ_PER_ISO2 = 2.5e-13
"""Noise variance shot * x + read of a full-frame sensor of about 2010, in units of the white level."""


def balanced_from_rgb(camera: CameraFacts) -> Matrix3:
    """Give the matrix from linear Rec.709 to the camera's balanced RGB; white stays white."""
    matrix = np.array(camera.d65).reshape(3, 3) @ XYZ_FROM_SRGB
    return matrix / matrix.sum(axis=1, keepdims=True)


def neutral_under(camera: CameraFacts, cct_k: float) -> Vector3:
    """Give the camera RGB of white under a black body, largest value 1."""
    d65 = np.array(camera.d65).reshape(3, 3)
    a = np.array(camera.a).reshape(3, 3) if camera.a else d65
    t = float(np.clip((1 / cct_k - 1 / 6504) / (1 / 2856 - 1 / 6504), 0, 1))
    neutral = np.maximum((t * a + (1 - t) * d65) @ xyz_of_xy(planckian_xy(cct_k)), 0.05)
    return neutral / neutral.max()


def usable_cameras(cameras: tuple[CameraFacts, ...], only: str = "") -> list[CameraFacts]:
    """Keep the cameras to train on: not held out, and with a matrix that can be turned round.

    only is the model of the one camera that is wanted, held out or not.

    Raises:
        ConfigError: none is left.
    """
    kept = []
    for camera in cameras:
        matrix = balanced_from_rgb(camera)
        is_sound = np.linalg.cond(matrix) < 20 and np.all(
            np.array(camera.d65).reshape(3, 3).sum(axis=1) > 0.05
        )
        is_wanted = camera.model == only if only else camera.model not in HELD_OUT_CAMERAS
        if is_wanted and is_sound:
            kept.append(camera)
    if not kept and only:
        raise ConfigError(f"the scene folder knows no camera {only}; write a model of its cameras.csv")
    if not kept:
        raise ConfigError(
            "the scene folder knows no cameras; put cameras.csv beside the pictures and prepare again"
        )
    return kept


def random_camera(cameras: list[CameraFacts], rng: np.random.Generator) -> SimulatedCamera:
    """Draw a camera, its light, its sensitivity (ISO 50 to 51200) and its faults."""
    facts = cameras[rng.integers(len(cameras))]
    cct_k = float(np.exp(rng.uniform(np.log(2300), np.log(11000)))) if rng.random() < 0.6 else 6504.0
    neutral = neutral_under(facts, cct_k) * np.array([1.0, np.exp(rng.normal(0, 0.04)), 1.0])
    iso = float(np.exp(rng.uniform(np.log(50), np.log(30000))))
    shot = SHOT_PER_ISO * iso * np.exp(rng.normal(0, 0.35))
    read = READ_PER_ISO2 * iso**2 * np.exp(rng.normal(0, 0.9)) + 1e-10
    bits = int(rng.choice([10, 12, 12, 14, 14, 14, 16]))
    white = 2**bits - 1
    cfa, is_monochrome = _random_sensor(rng)
    return SimulatedCamera(
        np.eye(3) if is_monochrome else balanced_from_rgb(facts),
        np.ones(3) if is_monochrome else neutral / neutral.max(),
        NoiseModel(float(shot), float(read)),
        cfa,
        black_level=white // 32 if rng.random() < 0.8 else 0,
        white_level=white,
        row_noise=float(rng.uniform(0, 0.4) * np.sqrt(read)) if rng.random() < 0.3 else 0.0,
        defects=float(10 ** rng.uniform(-5, -3.5)) if rng.random() < 0.3 else 0.0,
        is_monochrome=is_monochrome,
    )


SENSOR_SHARES: tuple[tuple[Cfa | None, bool, float], ...] = (
    (RGGB, False, 0.84),
    (None, False, 0.05),
    (XTRANS, False, 0.04),
    (QUAD_RGGB, False, 0.04),
    (None, True, 0.03),
)
"""Mosaic, whether the sensor is monochrome, and how often it is drawn."""


def random_colour_camera(cameras: list[CameraFacts], rng: np.random.Generator) -> SimulatedCamera:
    """Draw a camera that sees colours."""
    while (camera := random_camera(cameras, rng)).is_monochrome:
        pass
    return camera


def random_bayer_camera(cameras: list[CameraFacts], rng: np.random.Generator) -> SimulatedCamera:
    """Draw a camera with an RGGB mosaic."""
    while (camera := random_camera(cameras, rng)).cfa is not RGGB:
        pass
    return camera


def _random_sensor(rng: np.random.Generator) -> tuple[Cfa | None, bool]:
    at = int(rng.choice(len(SENSOR_SHARES), p=[share for *_, share in SENSOR_SHARES]))
    cfa, is_monochrome, _ = SENSOR_SHARES[at]
    return cfa, is_monochrome


def validation_camera(
    cameras: tuple[CameraFacts, ...], at: int, iso: int, cfa: Cfa = RGGB
) -> SimulatedCamera:
    """Give one of the held-out cameras at D65 with the scored noise of ISO 100, 1600 or 12800."""
    held = [c for c in cameras if c.model in HELD_OUT_CAMERAS] or list(cameras)
    return scored_camera(held[at % len(held)], iso, cfa)


def scored_camera(facts: CameraFacts, iso: int, cfa: Cfa = RGGB) -> SimulatedCamera:
    """Give a camera at D65 with the scored noise of ISO 100, 1600 or 12800."""
    neutral = np.array(facts.d65).reshape(3, 3) @ XYZ_FROM_SRGB.sum(axis=1)
    shot, read = SCORED_NOISE[iso]
    return SimulatedCamera(balanced_from_rgb(facts), neutral / neutral.max(), NoiseModel(shot, read), cfa)


SCORED_NOISE = {100: (1.7e-5, 2.5e-9), 1600: (2.7e-4, 6.4e-7), 12800: (2.1e-3, 4.1e-5)}
"""Shot and read variance by ISO, as results are scored."""
