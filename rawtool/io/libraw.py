"""LibRaw through rawpy, with its traps: views that die with the file, zeros that mean "unknown".

Facts of rawpy 0.28 / LibRaw 0.22: raw_image belongs to the open file and is copied inside; black
levels come in the order R, G1, B, G2 and are put into the order of the cell; four-channel stacks
have an empty fourth; its own scaling by the data's maximum is never used.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rawpy

from rawtool.arrays import AnyArray, Matrix3, Vector3
from rawtool.errors import CorruptFileError, InputError, MemoryLimitError, RawtoolError, UnsupportedRawError
from rawtool.frames import Cfa
from rawtool.io.dngtags import Box, classify_cell
from rawtool.vocabulary import SensorKind

_UNKNOWN = (
    UnsupportedRawError,
    "LibRaw does not know this camera or compression; convert it with Adobe DNG Converter",
)
_DAMAGED = (CorruptFileError, "the file is damaged or cut short; copy it again from the card")
_NO_MEMORY = (MemoryLimitError, "not enough memory to decode it; close other programs")
_TOO_BIG = (
    UnsupportedRawError,
    "the raw picture is larger than LibRaw's limit of 2 GB; export a smaller one",
)
_STATE = (InputError, "LibRaw stopped without a reason; try the file in another program")
# Every class that rawpy exports; a test fails when a new one is not here.
ERRORS: dict[type[Exception], tuple[type[RawtoolError], str]] = {
    rawpy.LibRawFileUnsupportedError: _UNKNOWN,
    rawpy.LibRawNotImplementedError: _UNKNOWN,
    rawpy.LibRawRequestForNonexistentImageError: _UNKNOWN,
    rawpy.NotSupportedError: _UNKNOWN,
    rawpy.LibRawIOError: _DAMAGED,
    rawpy.LibRawDataError: _DAMAGED,
    rawpy.LibRawBadCropError: _DAMAGED,
    rawpy.LibRawUnspecifiedError: _DAMAGED,
    rawpy.LibRawMemPoolOverflowError: _DAMAGED,
    rawpy.LibRawUnsufficientMemoryError: _NO_MEMORY,
    rawpy.LibRawTooBigError: _TOO_BIG,
    rawpy.LibRawCancelledByCallbackError: _STATE,
    rawpy.LibRawInputClosedError: _STATE,
    rawpy.LibRawOutOfOrderCallError: _STATE,
    rawpy.LibRawNoThumbnailError: _STATE,
    rawpy.LibRawUnsupportedThumbnailError: _STATE,
    rawpy.LibRawFatalError: _DAMAGED,
    rawpy.LibRawNonFatalError: _UNKNOWN,
    rawpy.LibRawError: _STATE,
}
# LibRaw's flip to the EXIF orientation.
_ORIENTATION = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}


@dataclass(frozen=True, slots=True)
class Shot:
    """What LibRaw says of the exposure; None where it says nothing."""

    iso: float | None
    exposure_s: float | None
    f_number: float | None
    focal_length_mm: float | None
    taken_at: str | None


@dataclass(frozen=True, slots=True)
class Decoded:
    """A camera file as LibRaw sees it: the active area, its crop, levels and colour."""

    samples: AnyArray
    kind: SensorKind
    cfa: Cfa | None
    black_level: tuple[float, ...]
    white_level: float
    crop: Box
    orientation: int
    neutral: Vector3 | None
    camera_from_xyz: Matrix3 | None
    shot: Shot


@contextmanager
def _open(path: Path) -> Iterator[rawpy.RawPy]:
    """Open a file; LibRaw's errors leave in our words."""
    try:
        with rawpy.imread(str(path)) as opened:
            yield opened
    except rawpy.LibRawError as error:
        raise translated(error) from error
    except MemoryError as error:
        raise _NO_MEMORY[0](_NO_MEMORY[1]) from error
    except (NotImplementedError, TypeError, AttributeError) as error:
        raise _UNKNOWN[0](_UNKNOWN[1]) from error
    except (RuntimeError, ValueError, OSError) as error:
        raise CorruptFileError(_DAMAGED[1]) from error


def translated(error: Exception) -> RawtoolError:
    """Return our error for one of LibRaw's."""
    kind, message = next((ERRORS[base] for base in type(error).__mro__ if base in ERRORS), _STATE)
    return kind(message)


def read_stored(path: Path) -> AnyArray:
    """Return the whole stored picture of a DNG, (H, W) or (H, W, 3) uint16, linearised, borders included."""
    with _open(path) as opened:
        stored = opened.raw_image
        return np.array(stored[..., :3] if stored.ndim == 3 else stored)


def read_camera_file(path: Path) -> Decoded:
    """Return a camera's own raw file."""
    with _open(path) as opened:
        sizes = opened.sizes
        top, left = sizes.top_margin, sizes.left_margin
        area = opened.raw_image[top : top + sizes.height, left : left + sizes.width]
        samples = np.array(area[..., :3] if area.ndim == 3 else area)
        kind, cfa, black_level = _sensor(opened)
        return Decoded(
            samples,
            kind,
            cfa,
            black_level,
            _white_level(opened),
            _crop(opened),
            _ORIENTATION.get(sizes.flip, 1),
            neutral_of(opened.camera_whitebalance),
            _matrix(opened),
            _shot(opened),
        )


def neutral_of(camera_gains: list[float]) -> Vector3 | None:
    """Return 1 / camera_gains with green = 1; the fourth, often 0, is the second green and not used."""
    red, green, blue = camera_gains[:3]
    return np.array([green / red, 1.0, green / blue]) if min(red, green, blue) > 0 else None


def black_in_cell_order(levels: list[float], pattern: AnyArray) -> tuple[float, ...]:
    """Return LibRaw's levels (R, G1, B, G2) for every position of a cell of channel numbers 0 to 3."""
    return tuple(float(levels[channel]) for channel in pattern.ravel())


def _sensor(opened: rawpy.RawPy) -> tuple[SensorKind, Cfa | None, tuple[float, ...]]:
    """Return the kind, the cell and the black levels."""
    levels = [float(level) for level in opened.black_level_per_channel]
    if opened.num_colors == 1:
        return SensorKind.MONOCHROME, None, (levels[0],)
    if opened.num_colors != 3 or opened.color_desc[:3] != b"RGB":
        raise UnsupportedRawError(
            "the sensor has other filters than red, green and blue; convert it to a LinearRaw DNG first"
        )
    pattern = opened.raw_pattern
    if pattern is None:
        return SensorKind.LINEAR, None, tuple(levels[:3])
    colors = tuple(tuple(1 if channel == 3 else int(channel) for channel in row) for row in pattern)
    kind, cfa = classify_cell(colors)
    return kind, cfa, black_in_cell_order(levels, pattern)


def _white_level(opened: rawpy.RawPy) -> float:
    """Return the camera's own saturation level if it states one, else that of LibRaw's camera table."""
    stated = [level for level in opened.camera_white_level_per_channel or () if level > 0]
    return float(min([*stated, opened.white_level]))


def _crop(opened: rawpy.RawPy) -> Box:
    """Return the picture that the camera shows, relative to the active area."""
    sizes = opened.sizes
    top, left = sizes.crop_top_margin - sizes.top_margin, sizes.crop_left_margin - sizes.left_margin
    box = (top, left, sizes.crop_height, sizes.crop_width)
    is_inside = top >= 0 and left >= 0 and top + box[2] <= sizes.height and left + box[3] <= sizes.width
    return box if is_inside and box[2] > 0 and box[3] > 0 else (0, 0, sizes.height, sizes.width)


def _matrix(opened: rawpy.RawPy) -> Matrix3 | None:
    """Return XYZ (D65) to camera, None where LibRaw has only zeros."""
    matrix = np.array(opened.rgb_xyz_matrix, np.float64)[:3]
    return matrix if abs(np.linalg.det(matrix)) > 1e-9 else None


def _shot(opened: rawpy.RawPy) -> Shot:
    """Return the exposure; LibRaw's zeros mean unknown."""
    other = opened.other
    taken_at = other.timestamp.strftime("%Y:%m:%d %H:%M:%S") if other.timestamp.year > 1970 else None
    return Shot(
        other.iso_speed or None,
        other.shutter_speed or None,
        other.aperture or None,
        other.focal_length or None,
        taken_at,
    )
