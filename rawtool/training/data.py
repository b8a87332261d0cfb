"""Scenes to batches: crops, cameras, lights, exposures and noise, drawn at random but from a seed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from rawtool.arrays import AnyArray, Matrix3, Rgb, Vector3
from rawtool.color.matrices import XYZ_FROM_SRGB, apply_matrix, planckian_xy, xyz_of_xy
from rawtool.color.tone import expose_ev, finish
from rawtool.color.white_balance import gains_of_neutral
from rawtool.errors import ConfigError
from rawtool.frames import Cfa
from rawtool.pipelines.prepare import balance_samples, restore_condition, restore_input
from rawtool.sensor.camera import SimulatedCamera, expose, levels_of
from rawtool.sensor.cfa import QUAD_RGGB, RGGB, XTRANS
from rawtool.sensor.noise import NoiseModel
from rawtool.training.scenes import CameraFacts, SceneSet, thumbnail_of

HELD_OUT_CAMERAS = ("EOS 5D Mark II", "D700", "DSLR-A900")
"""Never trained on: the cameras that validation and scoring use."""

SHOT_PER_ISO = 1.68e-7
READ_PER_ISO2 = 2.5e-13
"""Noise variance shot * x + read of a full-frame sensor of about 2010, in units of the white level."""


LUMINANCE = XYZ_FROM_SRGB[1].astype(np.float32)
"""Of linear Rec.709."""


@dataclass(frozen=True, slots=True)
class RestoreSample:
    """One crop as Restore-Net sees it, channel first, and its truth as linear RGB in [0, 1]."""

    picture: AnyArray
    condition: AnyArray
    thumbnail: AnyArray
    truth: AnyArray
    neutral: AnyArray
    weight: float


@dataclass(frozen=True, slots=True)
class RestoreBatch:
    """Stacked samples: picture (N, 4, H, W), condition (N, 8), thumbnail (N, 3, T, T), truth (N, 3, H, W)."""

    picture: Tensor
    condition: Tensor
    thumbnail: Tensor
    truth: Tensor
    neutral: Tensor
    weight: Tensor


@dataclass(frozen=True, slots=True)
class JointBatch:
    """A restoration batch with the scene-linear thumbnail of the frame and the finished truth."""

    picture: Tensor
    condition: Tensor
    thumbnail: Tensor
    truth: Tensor
    neutral: Tensor
    weight: Tensor
    light_thumbnail: Tensor
    finished: Tensor

    def restore(self) -> RestoreBatch:
        """Give the part that Restore-Net learns from."""
        return RestoreBatch(*(getattr(self, f.name) for f in fields(RestoreBatch)))


@dataclass(frozen=True, slots=True)
class EnhanceBatch:
    """picture (N, 3, H, W) scene-linear, thumbnail (N, 3, T, T) scene-linear, truth display-encoded."""

    picture: Tensor
    thumbnail: Tensor
    truth: Tensor


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


def usable_cameras(cameras: tuple[CameraFacts, ...]) -> list[CameraFacts]:
    """Keep the cameras to train on: not held out, and with a matrix that can be turned round.

    Raises:
        ConfigError: none is left.
    """
    kept = []
    for camera in cameras:
        matrix = balanced_from_rgb(camera)
        is_sound = np.linalg.cond(matrix) < 20 and np.all(
            np.array(camera.d65).reshape(3, 3).sum(axis=1) > 0.05
        )
        if camera.model not in HELD_OUT_CAMERAS and is_sound:
            kept.append(camera)
    if not kept:
        raise ConfigError(
            "the scene folder knows no cameras; put cameras.csv beside the pictures and prepare again"
        )
    return kept


def check_scenes(scenes: SceneSet) -> None:
    """Refuse scenes that no raw can be simulated from.

    Raises:
        ConfigError: there are no cameras, or no scene on one side of the split.
    """
    usable_cameras(scenes.cameras)
    check_split(scenes)


def check_split(scenes: SceneSet) -> None:
    """Refuse scenes that nothing can be trained or measured on.

    Raises:
        ConfigError: there is no scene on one side of the split.
    """
    for is_validation, what in ((False, "train"), (True, "measure")):
        if not scenes.split(is_validation=is_validation):
            raise ConfigError(f"the scene folder has no scene to {what} on; prepare pictures of more groups")


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


def _random_sensor(rng: np.random.Generator) -> tuple[Cfa | None, bool]:
    at = int(rng.choice(len(SENSOR_SHARES), p=[share for *_, share in SENSOR_SHARES]))
    cfa, is_monochrome, _ = SENSOR_SHARES[at]
    return cfa, is_monochrome


def restore_sample(
    scene: Rgb,
    thumbnail: AnyArray,
    camera: SimulatedCamera,
    rng: np.random.Generator,
    *,
    noise_error: float = 0.25,
) -> RestoreSample:
    """Expose a crop (balanced linear RGB in [0, 1]) and prepare it as ``develop`` does.

    noise_error is the spread (log) by which the noise that is told differs from the truth, as an
    estimate from a frame does.
    """
    if camera.is_monochrome:
        scene = np.repeat((scene @ LUMINANCE)[..., None], 3, axis=2)
    gains = gains_of_neutral(camera.neutral)
    xyz_from_balanced = XYZ_FROM_SRGB @ np.linalg.inv(camera.balanced_from_rgb)
    balanced = balance_samples(levels_of(expose(scene, camera, rng), camera), camera.cfa, gains)
    picture = restore_input(balanced, camera.cfa, xyz_from_balanced)
    told = NoiseModel(
        camera.noise.shot * float(np.exp(rng.normal(0, noise_error))),
        camera.noise.read * float(np.exp(rng.normal(0, 1.5 * noise_error))) + _quantisation(camera),
    )
    tint = (
        XYZ_FROM_SRGB
        @ np.linalg.inv(camera.balanced_from_rgb)
        @ np.diag(camera.neutral)
        @ camera.balanced_from_rgb
    )
    neutral = tint @ np.ones(3)
    spread = np.sqrt(camera.noise.shot * 0.2 + camera.noise.read)
    return RestoreSample(
        _first(picture),
        restore_condition(told, gains, camera.cfa),
        _first(apply_matrix(tint, thumbnail)),
        _first(scene),
        (neutral / neutral[1]).astype(np.float32),
        1.0 / (0.012 + float(spread)),
    )


def _quantisation(camera: SimulatedCamera) -> float:
    """Give the variance of rounding to whole counts."""
    return 1.0 / (12.0 * float(camera.white_level - camera.black_level) ** 2)


def _first(picture: AnyArray) -> AnyArray:
    """Put channels first, as networks want them."""
    return np.ascontiguousarray(np.moveaxis(picture.astype(np.float32, copy=False), 2, 0))


@dataclass(frozen=True, slots=True)
class Draw:
    """How scenes are drawn: crop side in pixels, batch size, share of HDR scenes."""

    crop: int
    batch: int
    hdr_share: float = 0.6


class RestoreStream(IterableDataset[RestoreBatch]):
    """An endless stream of restoration batches; every worker draws from its own seed."""

    def __init__(self, scenes: SceneSet, draw: Draw, seed: int) -> None:
        self.scenes, self.draw, self.seed = scenes, draw, seed
        self.pick = ScenePicker(scenes, draw)
        self.cameras = usable_cameras(scenes.cameras)

    def __iter__(self) -> Iterator[RestoreBatch]:
        """Yield batches for ever."""
        rng = np.random.default_rng((self.seed, worker_number()))
        while True:
            samples = [self._sample(rng) for _ in range(self.draw.batch)]
            yield stack_restore(samples)

    def _sample(self, rng: np.random.Generator) -> RestoreSample:
        at = self.pick(rng)
        ev = rng.normal(0, 0.35) if rng.random() < 0.6 else rng.uniform(-4.0, 1.5)
        gain = np.float32(2.0**ev)
        crop = np.minimum(random_crop(self.scenes.scene(at), self.draw.crop, rng) * gain, np.float32(1.0))
        thumbnail = random_thumbnail(np.minimum(self.scenes.thumbnails[at] * gain, np.float32(1.0)), rng)
        return restore_sample(
            crop, thumbnail, random_camera(self.cameras, rng), rng, noise_error=rng.uniform(0.05, 0.6)
        )


class EnhanceStream(IterableDataset[EnhanceBatch]):
    """An endless stream of finishing batches: several crops of each exposed frame."""

    def __init__(self, scenes: SceneSet, draw: Draw, seed: int, crops_per_frame: int = 4) -> None:
        self.scenes, self.draw, self.seed = scenes, draw, seed
        self.pick = ScenePicker(scenes, draw)
        self.crops_per_frame = crops_per_frame

    def __iter__(self) -> Iterator[EnhanceBatch]:
        """Yield batches for ever."""
        rng = np.random.default_rng((self.seed, 77, worker_number()))
        while True:
            rows = [row for _ in range(self.draw.batch // self.crops_per_frame) for row in self._frame(rng)]
            yield EnhanceBatch(*(torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True)))

    def _frame(self, rng: np.random.Generator) -> Iterator[tuple[AnyArray, ...]]:
        scene = self.scenes.scene(self.pick(rng))
        side = min(768, *scene.shape[:2])
        frame = exposed(random_crop(scene, side, rng), rng.normal(0, 1.2))
        correction_ev = rng.normal(0, 0.7) if rng.random() < 0.4 else 0.0
        truth = finish(frame, correction_ev)
        thumbnail = _first(thumbnail_of(frame))
        # The correction is seen in the picture only: the thumbnail stays, so the network cannot undo it.
        frame = expose_ev(frame, correction_ev)
        for _ in range(self.crops_per_frame):
            top, left = (int(rng.integers(0, (side - self.draw.crop) // 2 + 1)) * 2 for _ in range(2))
            window = (slice(top, top + self.draw.crop), slice(left, left + self.draw.crop))
            yield _first(frame[window]), thumbnail, _first(truth[window])


class JointStream(IterableDataset[JointBatch]):
    """An endless stream for the joint step: exposed frames, their raw crops, both truths."""

    def __init__(self, scenes: SceneSet, draw: Draw, seed: int, crops_per_frame: int = 4) -> None:
        self.scenes, self.draw, self.seed = scenes, draw, seed
        self.pick = ScenePicker(scenes, draw)
        self.crops_per_frame = crops_per_frame
        self.cameras = usable_cameras(scenes.cameras)

    def __iter__(self) -> Iterator[JointBatch]:
        """Yield batches for ever."""
        rng = np.random.default_rng((self.seed, 99, worker_number()))
        while True:
            rows = [row for _ in range(self.draw.batch // self.crops_per_frame) for row in self._frame(rng)]
            batch = stack_restore([sample for sample, _, _ in rows])
            light = torch.from_numpy(np.stack([light for _, light, _ in rows]))
            finished = torch.from_numpy(np.stack([finished for _, _, finished in rows]))
            yield JointBatch(*[*(getattr(batch, f.name) for f in fields(batch)), light, finished])

    def _frame(self, rng: np.random.Generator) -> Iterator[tuple[RestoreSample, AnyArray, AnyArray]]:
        scene = self.scenes.scene(self.pick(rng))
        side = min(768, *scene.shape[:2])
        frame = exposed(random_crop(scene, side, rng), rng.normal(0, 0.8))
        finished, thumbnail = finish(frame), thumbnail_of(frame)
        for _ in range(self.crops_per_frame):
            top, left = (int(rng.integers(0, (side - self.draw.crop) // 2 + 1)) * 2 for _ in range(2))
            window = (slice(top, top + self.draw.crop), slice(left, left + self.draw.crop))
            camera = random_camera(self.cameras, rng)
            sample = restore_sample(frame[window], thumbnail, camera, rng, noise_error=rng.uniform(0.05, 0.6))
            yield sample, _first(thumbnail), _first(finished[window])


class ScenePicker:
    """Draw training scenes that a crop fits into: HDR ones with a given share, evenly inside each kind.

    Raises:
        ConfigError: there is none.
    """

    def __init__(self, scenes: SceneSet, draw: "Draw") -> None:
        sides = {at: min(entry.height, entry.width) for at, entry in enumerate(scenes.entries)}
        train = [at for at in scenes.split(is_validation=False) if sides[at] >= draw.crop]
        if not train:
            raise ConfigError(
                f"no training scene is {draw.crop} pixels large; prepare more or larger pictures"
            )
        self.hdr = [at for at in train if scenes.entries[at].kind == "hdr"]
        self.photos = [at for at in train if scenes.entries[at].kind == "photo"]
        self.hdr_share = 1.0 if not self.photos else 0.0 if not self.hdr else draw.hdr_share

    def __call__(self, rng: np.random.Generator) -> int:
        """Give the number of a scene."""
        pool = self.hdr if rng.random() < self.hdr_share else self.photos
        return pool[rng.integers(len(pool))]


def exposed(scene: AnyArray, ev: float) -> Rgb:
    """Change the exposure of a scene and cut it at white."""
    return np.minimum(scene.astype(np.float32) * np.float32(2.0**ev), np.float32(1.0))


def random_crop(scene: AnyArray, side: int, rng: np.random.Generator) -> Rgb:
    """Cut a square and turn it one of eight ways: (side, side, 3) float32."""
    top = int(rng.integers(0, scene.shape[0] - side + 1))
    left = int(rng.integers(0, scene.shape[1] - side + 1))
    crop = scene[top : top + side, left : left + side].astype(np.float32)
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    return np.ascontiguousarray(np.rot90(crop, int(rng.integers(4))))


def random_thumbnail(thumbnail: AnyArray, rng: np.random.Generator) -> AnyArray:
    """Look at a random part of a thumbnail, at least half its sides, in either direction."""
    size = thumbnail.shape[0]
    spans = (np.sort(rng.choice([0.0, 0.25, 0.5, 0.75, 1.0], 2, replace=False)) for _ in range(2))
    rows, columns = (np.linspace(low, max(high, low + 0.5), size) for low, high in spans)
    at = [np.clip((part % 1.0001) * (size - 1), 0, size - 1).astype(int) for part in (rows, columns)]
    part = thumbnail[np.ix_(at[0], at[1])]
    return part[:, ::-1] if rng.random() < 0.5 else part


def stack_restore(samples: list[RestoreSample]) -> RestoreBatch:
    """Stack samples into tensors."""
    names = ("picture", "condition", "thumbnail", "truth", "neutral")
    tensors = [torch.from_numpy(np.stack([getattr(s, name) for s in samples])) for name in names]
    tensors.append(torch.tensor([s.weight for s in samples], dtype=torch.float32))
    return RestoreBatch(*tensors)


def loader(stream: Any, workers: int) -> Iterable[Any]:  # noqa: ANN401 - one of the streams above
    """Run a stream in worker processes; batches arrive stacked."""
    return DataLoader(stream, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None)


def validation_camera(
    cameras: tuple[CameraFacts, ...], at: int, iso: int, cfa: Cfa = RGGB
) -> SimulatedCamera:
    """Give one of the held-out cameras at D65 with the scored noise of ISO 100, 1600 or 12800."""
    held = [c for c in cameras if c.model in HELD_OUT_CAMERAS] or list(cameras)
    facts = held[at % len(held)]
    neutral = np.array(facts.d65).reshape(3, 3) @ XYZ_FROM_SRGB.sum(axis=1)
    shot, read = SCORED_NOISE[iso]
    return SimulatedCamera(balanced_from_rgb(facts), neutral / neutral.max(), NoiseModel(shot, read), cfa)


SCORED_NOISE = {100: (1.7e-5, 2.5e-9), 1600: (2.7e-4, 6.4e-7), 12800: (2.1e-3, 4.1e-5)}
"""Shot and read variance by ISO, as results are scored."""


def worker_number() -> int:
    """Give the number of this worker process."""
    info = torch.utils.data.get_worker_info()
    return info.id if info else 0
