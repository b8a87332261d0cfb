"""The forward camera: scene-linear light to plausible counts, for training, tests and the sample.

The chain is the physical one: light through the camera's colour matrix and the colour of the
illuminant, a mosaic of sites, shot and read noise, row noise, defects, clipping, quantisation.
"""

from dataclasses import dataclass

import numpy as np

from rawtool.arrays import AnyArray, Matrix3, Rgb, Vector3
from rawtool.frames import Cfa
from rawtool.sensor.cfa import sample_mosaic
from rawtool.sensor.noise import NoiseModel, add_noise, add_row_noise


@dataclass(frozen=True, slots=True)
class SimulatedCamera:
    """A camera under one light.

    balanced_from_rgb maps scene-linear RGB to balanced camera RGB (white stays 1, 1, 1); neutral
    is the camera RGB of white with its largest value 1. noise is in units of the white level;
    row_noise is the standard deviation of whole rows; defects is the share of hot or dead sites.
    black_level and white_level are counts. A camera without a cfa has three samples at every pixel, a
    monochrome one a single one: that of its second channel.
    """

    balanced_from_rgb: Matrix3
    neutral: Vector3
    noise: NoiseModel
    cfa: Cfa | None
    black_level: int = 512
    white_level: int = 15871
    row_noise: float = 0.0
    defects: float = 0.0
    is_monochrome: bool = False


def camera_light(scene: Rgb, camera: SimulatedCamera) -> Rgb:
    """Give what each channel receives, as a fraction of saturation: (H, W, 3), at least 0, not clipped."""
    flat = scene.reshape(-1, 3) @ camera.balanced_from_rgb.T.astype(np.float32)
    light = flat * camera.neutral.astype(np.float32)
    return np.maximum(light, np.float32(0.0)).reshape(scene.shape)


def expose(scene: Rgb, camera: SimulatedCamera, rng: np.random.Generator) -> AnyArray:
    """Take a picture of a scene: counts, (H, W), or (H, W, 3) with all colours at every pixel, uint16."""
    signal = _sampled(camera_light(scene, camera), camera)
    noisy = _add_noise(signal, camera, rng)
    noisy = _add_defects(noisy, camera.defects, rng)
    span = camera.white_level - camera.black_level
    counts = np.rint(noisy * np.float32(span) + np.float32(camera.black_level))
    return np.clip(counts, 0, camera.white_level).astype(np.uint16)


def _sampled(light: Rgb, camera: SimulatedCamera) -> AnyArray:
    if camera.is_monochrome:
        return np.ascontiguousarray(light[..., 1])
    return light if camera.cfa is None else sample_mosaic(light, camera.cfa)


def levels_of(counts: AnyArray, camera: SimulatedCamera) -> AnyArray:
    """Undo black and white level of simulated counts: float32, 0 black, 1 white."""
    span = np.float32(1.0 / (camera.white_level - camera.black_level))
    return (counts.astype(np.float32) - np.float32(camera.black_level)) * span


def _add_noise(signal: AnyArray, camera: SimulatedCamera, rng: np.random.Generator) -> AnyArray:
    """Add shot and read noise, and rows that are off together."""
    noisy = add_noise(signal.reshape(len(signal), -1), camera.noise, rng)
    if camera.row_noise > 0.0:
        noisy = add_row_noise(noisy, camera.row_noise, rng)
    return noisy.reshape(signal.shape)


def _add_defects(signal: AnyArray, share: float, rng: np.random.Generator) -> AnyArray:
    """Set a share of the sites to light that is not there, or to none."""
    if share <= 0.0:
        return signal
    flat = signal.copy().reshape(-1)
    at = rng.integers(0, flat.size, size=rng.poisson(share * flat.size))
    flat[at] = rng.choice(np.array([0.0, 1.0, 0.5], dtype=np.float32), size=at.size, p=[0.3, 0.4, 0.3])
    return flat.reshape(signal.shape)
