"""HDR scenes to batches of LDR pictures: views, exposures and cameras, drawn at random but from a seed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import PIL.Image
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from rawtool.arrays import AnyArray, Plane, Rgb, Rgb8
from rawtool.runtime.network import reader
from rawtool.runtime.thumbnails import thumbnail
from rawtool.training.data import Draw, ScenePicker, worker_number
from rawtool.training.ldr_camera import photograph, random_ldr_camera
from rawtool.training.scenes import SceneSet

STEP = 32
ASPECTS = (1.0, 1.4, 1.0 / 1.4, 2.0, 2.0)
"""Width to height of the frames of a batch; 2 is that of a whole panorama."""

ZOOM = (0.5, 3.0)
"""Pixels of a scene for each pixel of a frame, as far as there are: below 1 the view is enlarged."""

BRIGHTEST = 3000.0
WHITE_PERCENTILES = {"hdr": (80.0, 99.5), "photo": (70.0, 97.0)}
"""Which percentile of max(R, G, B) just clips; a photograph's own white bounds what it can teach."""

KNOWN_SHARE = 0.95
"""Light of a photograph above this share of its white may have been clipped: it teaches nothing."""

TINT = 0.08
"""Spread (log) of the channels' gains: light of other colours, another white balance."""


@dataclass(frozen=True, slots=True)
class HdrBatch:
    """picture (N, 3, H, W) encoded in [0, 1], its thumbnail (N, 3, T, T), truth (N, 3, H, W) light.

    known (N, 1, H, W) is 1 where the truth is known, 0 where it was clipped itself.
    """

    picture: Tensor
    thumbnail: Tensor
    truth: Tensor
    known: Tensor


@dataclass(frozen=True, slots=True)
class View:
    """What a camera is pointed at: light (H, W, 3), 1 = what just clips, and where it is known."""

    light: Rgb
    is_known: AnyArray


class HdrStream(IterableDataset[HdrBatch]):
    """An endless stream of photographed views; the frames of a batch have one shape, the next has another.

    draw.crop is the side of a square of a frame's area.
    """

    def __init__(self, scenes: SceneSet, draw: Draw, seed: int, thumbnail_size: int | None) -> None:
        self.scenes, self.draw, self.seed = scenes, draw, seed
        self.thumbnail_size = thumbnail_size
        self.pick = ScenePicker(scenes, draw)

    def __iter__(self) -> Iterator[HdrBatch]:
        """Yield batches for ever."""
        rng = np.random.default_rng((self.seed, 224, worker_number()))
        while True:
            shape = frame_shape(self.draw.crop, ASPECTS[rng.integers(len(ASPECTS))])
            yield stack_hdr([self._frame(shape, rng) for _ in range(self.draw.batch)], self.thumbnail_size)

    def _frame(self, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Rgb8, View]:
        at = self.pick(rng)
        view = random_view(self.scenes.scene(at), self.scenes.entries[at].kind, shape, rng)
        return photograph(view.light, random_ldr_camera(rng), rng).codes(), view


def frame_shape(side: int, aspect: float) -> tuple[int, int]:
    """Give height and width, multiples of 32, of about side * side pixels."""
    height, width = side / aspect**0.5, side * aspect**0.5
    return max(round(height / STEP), 1) * STEP, max(round(width / STEP), 1) * STEP


def random_view(scene: AnyArray, kind: str, shape: tuple[int, int], rng: np.random.Generator) -> View:
    """Cut a view out of a scene (H, W, 3), at a random size, exposure and tint."""
    high, wide = scene.shape[:2]
    zoom = float(np.exp(rng.uniform(*np.log(ZOOM))))
    height = min(high, round(shape[0] * zoom), round(wide * shape[0] / shape[1]))
    width = min(wide, round(height * shape[1] / shape[0]))
    top, left = int(rng.integers(0, high - height + 1)), int(rng.integers(0, wide - width + 1))
    cut = scene[top : top + height, left : left + width].astype(np.float32)
    light = resized(np.minimum(cut[:, ::-1] if rng.random() < 0.5 else cut, np.float32(BRIGHTEST)), shape)
    whole = scene[::4, ::4].astype(np.float32)
    is_known = light.max(axis=2) < KNOWN_SHARE * whole.max() if kind == "photo" else np.ones(shape, bool)
    metered = whole if rng.random() < 0.4 else light
    white = float(np.percentile(metered.max(axis=2), rng.uniform(*WHITE_PERCENTILES[kind])))
    tint = np.exp(rng.normal(0.0, TINT, 3) if rng.random() < 0.5 else np.zeros(3))
    return View(light * (tint / max(white, 1e-4)).astype(np.float32), is_known)


def resized(light: Rgb, shape: tuple[int, int]) -> AnyArray:
    """Bring light to (height, width): enlarged bilinearly, reduced by its area mean."""
    if light.shape[:2] == shape:
        return np.ascontiguousarray(light)
    method = PIL.Image.Resampling.BILINEAR if shape[0] >= light.shape[0] else PIL.Image.Resampling.BOX
    planes = [_resized_plane(np.ascontiguousarray(light[..., c]), shape, method) for c in range(3)]
    return np.stack(planes, axis=-1)


def _resized_plane(plane: Plane, shape: tuple[int, int], method: PIL.Image.Resampling) -> AnyArray:
    return np.asarray(PIL.Image.fromarray(plane).resize((shape[1], shape[0]), method))


def stack_hdr(frames: list[tuple[Rgb8, View]], thumbnail_size: int | None) -> HdrBatch:
    """Stack photographed views of one shape into tensors; thumbnail_size None leaves thumbnails empty."""
    pictures = [codes.astype(np.float32) / np.float32(255.0) for codes, _ in frames]
    small = [_thumbnail(picture, thumbnail_size) for picture in pictures]
    known = np.stack([view.is_known[None] for _, view in frames]).astype(np.float32)
    return HdrBatch(
        stacked(pictures),
        stacked(small),
        stacked([view.light for _, view in frames]),
        torch.from_numpy(known),
    )


def _thumbnail(picture: Rgb, size: int | None) -> AnyArray:
    """Shrink a picture as the runtime does."""
    if size is None:
        return picture[:0, :0]
    return thumbnail(reader(picture), (int(picture.shape[0]), int(picture.shape[1])), size)


def stacked(pictures: list[AnyArray]) -> Tensor:
    """Stack pictures (H, W, 3) into a tensor (N, 3, H, W)."""
    return torch.from_numpy(np.stack([np.moveaxis(picture, 2, 0) for picture in pictures]))
