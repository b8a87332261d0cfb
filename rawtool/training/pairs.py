"""A photographer's own pictures beside their raws: what a style is learned from.

Every raw of a folder is restored by a model and laid on the finished picture of the same name. What is kept
lies in a folder of its own, so that training needs neither raws nor codecs: windows of the restored light
(``light.f16``) and of the finished picture (``finished.u16``, sRGB codes) one after another, the thumbnail of
every frame, and an index. Everything lies as the sensor does, as Enhance-Net sees it.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from rawtool.arrays import AnyArray, Rgb
from rawtool.color.spaces import convert
from rawtool.color.tone import luminance
from rawtool.color.transfer import encode, quantise
from rawtool.errors import ConfigError, InputError, NoInputError, RawtoolError
from rawtool.io.orientation import upright
from rawtool.io.raw import is_raw, read_raw
from rawtool.pipelines.baseguide import turn_to_sensor
from rawtool.pipelines.clock import Clock
from rawtool.pipelines.darkroom import Darkroom
from rawtool.pipelines.develop import restored
from rawtool.pipelines.ldr import read_ldr
from rawtool.pipelines.registration import common_area, measure, place
from rawtool.pipelines.resize import resized
from rawtool.pipelines.settings import DevelopSettings
from rawtool.training.scenes import thumbnail_of
from rawtool.vocabulary import Profile

FINISHED_SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")
"""Of the finished pictures; where a raw has several the first kind counts."""

WINDOW = 512
N_WINDOWS = 8
"""Of WINDOW x WINDOW pixels, spread over a frame; a frame that has not more is kept whole."""

LEAST_SCALE = 0.24
"""Of a finished picture against its raw: a quarter, and what borders make of it."""

MOST_BORDER = 48
"""Pixels, of two opposite borders of a frame together, that programs leave out, or show and we do not."""

N_REFINEMENTS = 3

_LIGHT, _FINISHED, _THUMBNAILS, _INDEX = "light.f16", "finished.u16", "thumbnails.npy", "pairs.json"
_VALIDATION_STEP = 8
_LEAST_PAIRS = 2


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a frame: offset counts values in both arrays; pair numbers the frame."""

    pair: int
    offset: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class PairSet:
    """A folder of pairs, open for reading. names are those of the frames; every eighth is for validation."""

    folder: Path
    names: tuple[str, ...]
    windows: tuple[Window, ...]
    light: AnyArray
    finished: AnyArray
    thumbnails: AnyArray

    def split(self, *, is_validation: bool) -> list[Window]:
        """List the windows of one side of the split, which is by frame."""
        return [window for window in self.windows if is_held_out(window.pair) == is_validation]

    def pictures(self, window: Window) -> tuple[AnyArray, AnyArray]:
        """Map a window: scene-linear float16 and sRGB codes uint16, both (H, W, 3), read-only."""
        part = slice(window.offset, window.offset + window.height * window.width * 3)
        shape = (window.height, window.width, 3)
        return self.light[part].reshape(shape), self.finished[part].reshape(shape)


def is_held_out(pair: int) -> bool:
    """Tell whether a frame is for validation: every eighth, beginning with the first."""
    return pair % _VALIDATION_STEP == 0


def prepare_pairs(source: Path, darkroom: Darkroom, out: Path, say: Callable[[str], None]) -> PairSet:
    """Restore the raws of a folder and lay them on their finished pictures; what cannot be used is named.

    Raises:
        NoInputError: fewer than two pairs can be used.
        ConfigError: source is no folder.
    """
    found = find_pairs(source)
    out.mkdir(parents=True, exist_ok=True)
    (out / _INDEX).unlink(missing_ok=True)
    names: list[str] = []
    windows: list[Window] = []
    thumbnails: list[AnyArray] = []
    offset = 0
    with (out / _LIGHT).open("wb") as lights, (out / _FINISHED).open("wb") as finished:
        for original, picture in found:
            try:
                light, codes = matched(original, picture, darkroom)
            except RawtoolError as error:
                say(f"left out: {original.name} with {picture.name}: {error}")
                continue
            for area in spread(light.shape[:2]):
                light[area].astype("<f2").tofile(lights)
                codes[area].astype("<u2").tofile(finished)
                height, width = light[area].shape[:2]
                windows.append(Window(len(names), offset, height, width))
                offset += 3 * height * width
            thumbnails.append(thumbnail_of(light))
            names.append(original.name)
            say(f"{original.name} with {picture.name}")
    if len(names) < _LEAST_PAIRS:
        raise NoInputError(
            f"{source} has {len(names)} usable pairs of a raw and a finished picture of the same name; "
            f"{_LEAST_PAIRS} are the least, a hundred are better"
        )
    np.save(out / _THUMBNAILS, np.stack(thumbnails).astype(np.float32))
    index = {"version": 1, "names": names, "windows": [asdict(window) for window in windows]}
    (out / _INDEX).write_text(json.dumps(index, indent=1), encoding="utf-8")
    return open_pairs(out)


def check_crop(crop: int) -> None:
    """Refuse crops that no window holds, before any raw is restored.

    Raises:
        ConfigError: they are larger than a window.
    """
    if crop > WINDOW:
        raise ConfigError(f"enhance.crop = {crop} is above {WINDOW}, the side of what is kept of a pair")


def open_pairs(folder: Path) -> PairSet:
    """Open a folder that ``prepare_pairs`` wrote.

    Raises:
        ConfigError: the folder is not one.
    """
    try:
        index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        return PairSet(
            folder,
            tuple(index["names"]),
            tuple(Window(**row) for row in index["windows"]),
            np.memmap(folder / _LIGHT, dtype="<f2", mode="r"),
            np.memmap(folder / _FINISHED, dtype="<u2", mode="r"),
            np.load(folder / _THUMBNAILS),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder} holds no pairs; begin the run anew with: rawtool train cameranet --pairs DIR"
        ) from error


def find_pairs(source: Path) -> list[tuple[Path, Path]]:
    """List the raws of a folder that have a finished picture of the same name, in the order of their names.

    Raises:
        ConfigError: source is no folder.
    """
    if not source.is_dir():
        raise ConfigError(f"{source} is no folder; name one that holds raws and their finished pictures")
    files = sorted(path for path in source.iterdir() if path.is_file() and not path.name.startswith("."))
    finished = {
        (path.stem, suffix): path
        for path in files
        for suffix in FINISHED_SUFFIXES
        if path.suffix.lower() == suffix
    }
    pairs = []
    for original in filter(is_raw, files):
        pictures = [finished[original.stem, s] for s in FINISHED_SUFFIXES if (original.stem, s) in finished]
        pairs += [(original, picture) for picture in pictures[:1]]
    return pairs


def matched(original: Path, picture: Path, darkroom: Darkroom) -> tuple[Rgb, AnyArray]:
    """Restore a raw and lay it on its finished picture: scene-linear light, sRGB codes uint16, of one size.

    Raises:
        InputError: a file cannot be read, or the picture does not lie on the raw.
    """
    frame = read_raw(original)
    orientation = frame.capture.orientation
    rgb, _ = restored(frame, darkroom, DevelopSettings(), Clock())
    light = np.ascontiguousarray(upright(rgb, orientation))
    codes = finished_codes(picture)
    del frame, rgb
    light, codes = laid(light, codes)
    turn = turn_to_sensor(1, orientation)
    return (
        np.maximum(np.ascontiguousarray(upright(light, turn)), np.float32(0.0)),
        quantise(np.ascontiguousarray(upright(codes, turn)), 16),
    )


def finished_codes(path: Path) -> Rgb:
    """Read a finished picture as display-encoded sRGB (H, W, 3) in [0, 1], upright, whatever its profile."""
    picture = read_ldr(path)
    return encode(convert(picture.light(), picture.profile, Profile.SRGB), Profile.SRGB)


def laid(light: AnyArray, codes: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Lay a picture (h, w, 3) on its light (H, W, 3): give what both show, at the smaller scale.

    Raises:
        InputError: the picture does not lie on the light, at any scale that is possible.
    """
    scale = scale_of((light.shape[0], light.shape[1]), (codes.shape[0], codes.shape[1]))
    reduced, picture = at_scale(light, codes, scale)
    for _ in range(N_REFINEMENTS if scale != 1.0 else 0):
        # Borders that were left out before reducing make the scale another than that of the sizes.
        stretch = measure(luminance(picture), luminance(reduced)).stretch
        if abs(stretch) * max(picture.shape) < 1.0:
            break
        scale /= 1.0 + stretch
        reduced, picture = at_scale(light, codes, scale)
    placement = place(luminance(picture), luminance(reduced))
    picture, reduced = common_area(placement, picture, reduced)
    return reduced, picture


def scale_of(shown: tuple[int, int], size: tuple[int, int]) -> float:
    """Tell the scale of a picture of a size (height, width) against a frame that shows so much.

    Raises:
        InputError: the picture has other proportions, or is a small part of the frame, or the reverse.
    """
    if all(abs(a - b) <= MOST_BORDER for a, b in zip(shown, size, strict=True)):
        return 1.0
    scale = max(size[0] / shown[0], size[1] / shown[1])
    borders = [n - m / scale for n, m in zip(shown, size, strict=True)]
    if not LEAST_SCALE <= scale <= 1.0 / LEAST_SCALE or max(borders) > MOST_BORDER:
        raise InputError(
            f"the picture has {size[1]} x {size[0]} pixels, the raw shows {shown[1]} x {shown[0]}; export it "
            "whole, at a quarter of that size or more"
        )
    return scale


def at_scale(light: AnyArray, codes: AnyArray, scale: float) -> tuple[AnyArray, AnyArray]:
    """Reduce the larger of both to the scale of the other."""
    if scale < 1.0:
        return resized(light, f"{100.0 * scale}%"), codes
    return light, codes if scale == 1.0 else resized(codes, f"{100.0 / scale}%")


def spread(shape: Sequence[int]) -> Iterator[tuple[slice, slice]]:
    """Give N_WINDOWS windows spread over a frame (height, width), or the whole of a smaller one."""
    height, width = shape[0], shape[1]
    if height * width <= N_WINDOWS * WINDOW**2 or min(height, width) < WINDOW:
        yield slice(0, height), slice(0, width)
        return
    n_rows, n_columns = (2, 4) if width >= height else (4, 2)
    for row in range(n_rows):
        for column in range(n_columns):
            top, left = height * (2 * row + 1) // (2 * n_rows), width * (2 * column + 1) // (2 * n_columns)
            top, left = (max(0, top - WINDOW // 2), max(0, left - WINDOW // 2))
            yield slice(top, top + WINDOW), slice(left, left + WINDOW)
