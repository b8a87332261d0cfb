"""Scenes to raws beside the pictures that were made of them: what the codec of ``pack`` learns from.

scene ─► camera ─► counts ─► planes
  └────► a developed picture: restored as well as can be, finished by our own procedure or by a curve of
         other cameras ─► JPEG ─► guide
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import imagecodecs
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from rawtool.arrays import AnyArray, Planes, Rgb, Rgb8
from rawtool.color.matrices import apply_matrix
from rawtool.color.response import random_response
from rawtool.color.tone import expose_ev, finish
from rawtool.color.white_balance import gains_of_neutral
from rawtool.nets.raw_metadata_s import N_RATES
from rawtool.pipelines.basefit import fit_polynomial, guide_channels
from rawtool.pipelines.prepare import balance_samples, demosaic_balanced
from rawtool.sensor.camera import SimulatedCamera, expose, levels_of
from rawtool.sensor.cfa import RGGB, pack_planes
from rawtool.training.cameras import random_bayer_camera, usable_cameras
from rawtool.training.data import Draw, ScenePicker, exposed, random_crop, worker_number
from rawtool.training.ldr_camera import LUMA
from rawtool.training.scenes import SceneSet
from rawtool.vocabulary import CfaPattern

FRAME = 640
"""Side of the frames that are developed as a whole, in pixels; batches take several crops of each."""

LEAST_QUALITY, MOST_QUALITY = 60, 98
SUBSAMPLINGS = ("444", "422", "420")


@dataclass(frozen=True, slots=True)
class PackBatch:
    """planes (N, 4, h, w), black 0 and white 1; guide (N, 12, h, w) of 8-bit codes; rate (N,) from 0 to 5.

    fit (N, 4, 13) is the polynomial of the guide that both sides of the codec begin with.
    """

    planes: Tensor
    guide: Tensor
    fit: Tensor
    rate: Tensor


@dataclass(frozen=True, slots=True)
class Pair:
    """A mosaic's planes (h, w, 4), the decoded picture (2h, 2w, 3) developed of it, and their fit (4, 13)."""

    planes: Planes
    base: Rgb8
    fit: AnyArray


class PackStream(IterableDataset[PackBatch]):
    """An endless stream of crops with their pictures, at rates between 0 and 5."""

    def __init__(self, scenes: SceneSet, draw: Draw, seed: int, crops_per_frame: int) -> None:
        self.scenes, self.draw, self.seed = scenes, draw, seed
        self.pick = ScenePicker(scenes, draw)
        self.crops_per_frame = crops_per_frame
        self.cameras = usable_cameras(scenes.cameras)

    def __iter__(self) -> Iterator[PackBatch]:
        """Yield batches for ever."""
        rng = np.random.default_rng((self.seed, 555, worker_number()))
        while True:
            pairs = [
                pair for _ in range(self.draw.batch // self.crops_per_frame) for pair in self._frame(rng)
            ]
            yield stack_pairs(pairs, rng.uniform(-0.25, N_RATES - 0.75, len(pairs)).clip(0.0, N_RATES - 1.0))

    def _frame(self, rng: np.random.Generator) -> Iterator[Pair]:
        scene = self.scenes.scene(self.pick(rng))
        side = min(FRAME, *scene.shape[:2]) // 2 * 2
        light = exposed(random_crop(scene, side, rng), rng.normal(0, 1.0))
        camera = replace(random_bayer_camera(self.cameras, rng), defects=0.0)
        pair = photographed(light, camera, rng)
        for _ in range(self.crops_per_frame):
            top, left = (int(rng.integers(0, (side - self.draw.crop) // 2 + 1)) for _ in range(2))
            crop = cut(pair, top, left, self.draw.crop // 2)
            yield replace(crop, fit=shaken(pair.fit, rng))


def photographed(light: Rgb, camera: SimulatedCamera, rng: np.random.Generator) -> Pair:
    """Take a raw of light (H, W, 3), even sides, and develop it in one of many ways."""
    levels = levels_of(expose(light, camera, rng), camera)
    developed = _developed(light, levels, camera, float(rng.random()) if rng.random() < 0.6 else 0.0)
    if rng.random() < 0.6:
        display = finish(np.clip(developed, 0.0, 1.0), float(rng.normal(0, 0.5)))
    else:
        display = _rendered(developed, rng)
    quality = int(rng.integers(LEAST_QUALITY, MOST_QUALITY + 1))
    return paired(
        pack_planes(levels, CfaPattern.RGGB), through_jpeg(display, quality, str(rng.choice(SUBSAMPLINGS)))
    )


def paired(planes: Planes, base: Rgb8) -> Pair:
    """Put planes (h, w, 4) and their picture (2h, 2w, 3) together."""
    return Pair(planes, base, fit_polynomial(planes, base))


def shaken(fit: AnyArray, rng: np.random.Generator) -> AnyArray:
    """Make a fit a little worse, as those of whole pictures are in a small part."""
    gain = np.exp(rng.normal(0, 0.06)) * np.exp(rng.normal(0, 0.02, (4, 1)))
    return (fit * gain).astype(np.float32) if rng.random() < 0.5 else fit


def through_jpeg(display: Rgb, quality: int, subsampling: str) -> Rgb8:
    """Round a display-encoded picture in [0, 1] to 8 bits and give what its JPEG shows."""
    codes = np.rint(np.float32(255.0) * np.clip(display, 0.0, 1.0)).astype(np.uint8)
    return np.asarray(
        imagecodecs.jpeg8_decode(imagecodecs.jpeg8_encode(codes, level=quality, subsampling=subsampling))
    )


def cut(pair: Pair, top: int, left: int, side: int) -> Pair:
    """Cut planes [top, left] and the picture around the same photosites; side is the planes'."""
    planes = pair.planes[top : top + side, left : left + side]
    return Pair(planes, pair.base[2 * top : 2 * (top + side), 2 * left : 2 * (left + side)], pair.fit)


def stack_pairs(pairs: list[Pair], rates: AnyArray) -> PackBatch:
    """Stack crops of one size into tensors."""
    planes = np.stack([np.moveaxis(pair.planes, 2, 0) for pair in pairs]).astype(np.float32)
    guides = np.stack([np.moveaxis(guide_channels(pair.base), 2, 0) for pair in pairs]).astype(np.float32)
    fits = np.stack([pair.fit for pair in pairs])
    numbers = (torch.from_numpy(each) for each in (planes, guides, fits, rates.astype(np.float32)))
    return PackBatch(*numbers)


def _developed(light: Rgb, levels: AnyArray, camera: SimulatedCamera, noise_share: float) -> Rgb:
    """Give scene-linear light as a developer finds it: a share of the sensor's noise is left in it."""
    if noise_share == 0.0:
        return light
    balanced = balance_samples(levels, RGGB, gains_of_neutral(camera.neutral))
    seen = apply_matrix(np.linalg.inv(camera.balanced_from_rgb), demosaic_balanced(balanced, RGGB))
    return np.float32(1.0 - noise_share) * light + np.float32(noise_share) * seen


def _rendered(light: Rgb, rng: np.random.Generator) -> Rgb:
    """Render light as somebody else's camera or editor does: exposure, curve, saturation."""
    encoded = random_response(rng).encode(np.maximum(expose_ev(light, float(rng.normal(0.3, 0.7))), 0.0))
    grey = (encoded @ LUMA)[..., None]
    return np.clip(grey + np.float32(rng.uniform(0.7, 1.4)) * (encoded - grey), 0.0, 1.0)
