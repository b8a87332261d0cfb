"""The base picture laid on the photosites of its raw: what a decoder knows before it reads a bit.

All in whole numbers, and the same when packing and unpacking: both call this with the same Placing.
"""

from dataclasses import dataclass

import numpy as np

from rawtool.arrays import AnyArray, Rgb8
from rawtool.frames import RawFrame
from rawtool.io.orientation import upright
from rawtool.sensor.cfa import rggb_offset
from rawtool.vocabulary import CfaPattern

_INVERSE = {6: 8, 8: 6}


@dataclass(frozen=True, slots=True)
class Placing:
    """How the stored pixels of a base picture lie on the sensor.

    turn is the EXIF number (1 to 8) of what turns them into the sensor's orientation; box is
    (top, left, height, width), the part of the active area that the base shows.
    """

    turn: int
    box: tuple[int, int, int, int]


def placing_of(frame: RawFrame, orientation: int) -> Placing:
    """Place a base that shows what the frame shows; orientation is the base's own EXIF number."""
    return Placing(turn_to_sensor(orientation, frame.capture.orientation), frame.crop)


def turn_to_sensor(base_orientation: int, frame_orientation: int) -> int:
    """Return what turns a base's stored pixels into those of the sensor; all three are EXIF numbers.

    Each orientation turns what is stored upright; upright, both show the same.
    """
    probe = np.arange(6).reshape(2, 3)
    back = _INVERSE.get(frame_orientation, frame_orientation)
    sensor = upright(upright(probe, base_orientation), back)
    return next(number for number in range(1, 9) if np.array_equal(upright(probe, number), sensor))


def lay_guide(
    pixels: Rgb8, placing: Placing, shape: tuple[int, int], origin: tuple[int, int] = (0, 0)
) -> AnyArray:
    """Lay a base on a grid of photosites of the given shape, whose first is ``origin`` of the active area.

    Outside of the box the nearest pixel of its edge is repeated; a base of another size gives each site
    the pixel that its middle lies in.

    Returns:
        uint8 (*shape, 3).
    """
    turned = upright(pixels, placing.turn)
    top, left, height, width = placing.box
    rows = _nearest(shape[0], origin[0] - top, height, turned.shape[0])
    columns = _nearest(shape[1], origin[1] - left, width, turned.shape[1])
    return np.ascontiguousarray(turned[rows][:, columns])


def lay_rggb_guide(pixels: Rgb8, placing: Placing, shape: tuple[int, int], pattern: CfaPattern) -> AnyArray:
    """Lay a base on a mosaic (H, W) as ``pad_to_rggb`` completes it: from red on, with even sides.

    Returns:
        uint8 (2h, 2w, 3) for planes (h, w, 4).
    """
    top, left = rggb_offset(pattern)
    height, width = (length + before for length, before in zip(shape, (top, left), strict=True))
    return lay_guide(pixels, placing, (height + height % 2, width + width % 2), (-top, -left))


def _nearest(n_sites: int, first: int, n_shown: int, n_pixels: int) -> AnyArray:
    """Return the pixel under each of n_sites sites; n_pixels stretch over the sites 0 to n_shown."""
    sites = np.clip(np.arange(n_sites, dtype=np.int64) + first, 0, n_shown - 1)
    return (2 * sites + 1) * n_pixels // (2 * n_shown)
