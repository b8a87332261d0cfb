"""Scenes to batches: crops, cameras, lights, exposures and noise, drawn at random but from a seed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from rawtool.arrays import AnyArray, Rgb
from rawtool.color.matrices import XYZ_FROM_SRGB, apply_matrix
from rawtool.color.tone import expose_ev, finish
from rawtool.color.white_balance import gains_of_neutral
from rawtool.errors import ConfigError
from rawtool.pipelines.prepare import balance_samples, restore_condition, restore_input
from rawtool.sensor.camera import SimulatedCamera, expose, levels_of
from rawtool.sensor.noise import NoiseModel
from rawtool.training.cameras import random_camera, random_colour_camera, usable_cameras
from rawtool.training.scenes import SceneSet, thumbnail_of

LUMINANCE = XYZ_FROM_SRGB[1].astype(np.float32)
"""Of linear Rec.709."""

OVEREXPOSED_SHARE = 0.15


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


def restore_sample(
    scene: Rgb,
    thumbnail: AnyArray,
    camera: SimulatedCamera,
    rng: np.random.Generator,
    *,
    noise_error: float = 0.25,
    is_in_xyz: bool = True,
) -> RestoreSample:
    """Expose a crop (balanced linear RGB in [0, 1]) and prepare it as ``develop`` does.

    noise_error is the spread (log) by which the noise that is told differs from the truth, as an
    estimate from a frame does. Where it is not in XYZ, the camera's own channels are taken for Rec.709 ones,
    so that the network must learn the camera's matrix: what the paper compares its conversion with.
    """
    if camera.is_monochrome:
        scene, thumbnail = (grey(each) for each in (scene, thumbnail))
    gains = gains_of_neutral(camera.neutral)
    xyz_from_balanced = XYZ_FROM_SRGB
    if is_in_xyz:
        xyz_from_balanced = XYZ_FROM_SRGB @ np.linalg.inv(camera.balanced_from_rgb)
    balanced = balance_samples(levels_of(expose(scene, camera, rng), camera), camera.cfa, gains)
    picture = restore_input(balanced, camera.cfa, xyz_from_balanced)
    told = NoiseModel(
        camera.noise.shot * float(np.exp(rng.normal(0, noise_error))),
        camera.noise.read * float(np.exp(rng.normal(0, 1.5 * noise_error))) + _quantisation(camera),
    )
    tint = xyz_from_balanced @ np.diag(camera.neutral) @ camera.balanced_from_rgb
    neutral = tint @ np.ones(3)
    spread = np.sqrt(camera.noise.shot * 0.2 + camera.noise.read)
    return RestoreSample(
        channels_first(picture),
        restore_condition(told, gains, camera.cfa),
        channels_first(apply_matrix(tint, thumbnail)),
        channels_first(scene),
        (neutral / neutral[1]).astype(np.float32),
        1.0 / (0.012 + float(spread)),
    )


def grey(picture: AnyArray) -> AnyArray:
    """Give what a monochrome sensor sees of linear RGB, in three equal channels."""
    return np.repeat((picture.astype(np.float32) @ LUMINANCE)[..., None], 3, axis=2)


def _quantisation(camera: SimulatedCamera) -> float:
    """Give the variance of rounding to whole counts."""
    return 1.0 / (12.0 * float(camera.white_level - camera.black_level) ** 2)


def channels_first(picture: AnyArray) -> AnyArray:
    """Put channels first, as networks want them."""
    return np.ascontiguousarray(np.moveaxis(picture.astype(np.float32, copy=False), 2, 0))


@dataclass(frozen=True, slots=True)
class Draw:
    """How scenes are drawn: crop side in pixels, batch size, share of HDR scenes.

    camera is the model of the only camera that photographs them, none: all but the held-out ones. Samples are
    in XYZ, or in the camera's own channels.
    """

    crop: int
    batch: int
    hdr_share: float = 0.6
    camera: str = ""
    is_in_xyz: bool = True


class RestoreStream(IterableDataset[RestoreBatch]):
    """An endless stream of restoration batches; every worker draws from its own seed."""

    def __init__(self, scenes: SceneSet, draw: Draw, seed: int) -> None:
        self.scenes, self.draw, self.seed = scenes, draw, seed
        self.pick = ScenePicker(scenes, draw)
        self.cameras = usable_cameras(scenes.cameras, draw.camera)

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
            crop,
            thumbnail,
            random_camera(self.cameras, rng),
            rng,
            noise_error=rng.uniform(0.05, 0.6),
            is_in_xyz=self.draw.is_in_xyz,
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
        frame = exposed(random_crop(scene, side, rng), _finishing_ev(rng))
        correction_ev = rng.normal(0, 0.7) if rng.random() < 0.4 else 0.0
        truth = finish(frame, correction_ev)
        thumbnail = channels_first(thumbnail_of(frame))
        # The correction is seen in the picture only: the thumbnail stays, so the network cannot undo it.
        frame = expose_ev(frame, correction_ev)
        for _ in range(self.crops_per_frame):
            top, left = (int(rng.integers(0, (side - self.draw.crop) // 2 + 1)) * 2 for _ in range(2))
            window = (slice(top, top + self.draw.crop), slice(left, left + self.draw.crop))
            yield channels_first(frame[window]), thumbnail, channels_first(truth[window])


def _finishing_ev(rng: np.random.Generator) -> float:
    """Draw an exposure: about the usual one, and now and then far over it, as snow and skies are."""
    return float(rng.uniform(0.5, 3.0)) if rng.random() < OVEREXPOSED_SHARE else float(rng.normal(0, 1.2))


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
            camera = random_colour_camera(self.cameras, rng)
            sample = restore_sample(frame[window], thumbnail, camera, rng, noise_error=rng.uniform(0.05, 0.6))
            yield sample, channels_first(thumbnail), channels_first(finished[window])


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


def worker_number() -> int:
    """Give the number of this worker process."""
    info = torch.utils.data.get_worker_info()
    return info.id if info else 0
