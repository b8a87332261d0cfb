"""Mosaics and their planes, in every phase.

A Bayer mosaic in another phase than RGGB is an RGGB mosaic seen from one row or column further:
everything that works on planes asks ``rggb_offset`` once and then knows one pattern only.
"""

import numpy as np

from rawtool.arrays import AnyArray, Mosaic, Planes, Rgb
from rawtool.frames import Cfa
from rawtool.vocabulary import CfaPattern

_RGGB_OFFSET = {
    CfaPattern.RGGB: (0, 0),
    CfaPattern.GRBG: (0, 1),
    CfaPattern.GBRG: (1, 0),
    CfaPattern.BGGR: (1, 1),
}


def rggb_offset(pattern: CfaPattern) -> tuple[int, int]:
    """Tell how many rows and columns stand before the first red site."""
    return _RGGB_OFFSET[pattern]


def pad_to_rggb(mosaic: AnyArray, pattern: CfaPattern) -> AnyArray:
    """Mirror rows and columns around a mosaic (H, W) so that it begins on red and has even sides.

    The added lines stand above and left (rggb_offset) and below and right (up to one each); a
    mirrored line keeps its colour because the reflection leaves the edge itself out.
    """
    top, left = rggb_offset(pattern)
    bottom, right = (mosaic.shape[0] + top) % 2, (mosaic.shape[1] + left) % 2
    if not (top or left or bottom or right):
        return mosaic
    return np.pad(mosaic, ((top, bottom), (left, right)), mode="reflect")


def pack_planes(mosaic: Mosaic, pattern: CfaPattern) -> Planes:
    """Gather the four colour sites: (h, w, 4) = R, G1, G2, B; G1 shares R's row.

    Sides that do not end with a whole RGGB cell are mirrored first (``pad_to_rggb``).
    """
    rggb = pad_to_rggb(mosaic, pattern)
    return np.stack([rggb[0::2, 0::2], rggb[0::2, 1::2], rggb[1::2, 0::2], rggb[1::2, 1::2]], axis=-1)


def unpack_planes(planes: Planes, pattern: CfaPattern, shape: tuple[int, int]) -> Mosaic:
    """Put planes back into a mosaic of the given shape: the inverse of ``pack_planes``."""
    h, w, _ = planes.shape
    rggb = np.empty((2 * h, 2 * w), dtype=planes.dtype)
    rggb[0::2, 0::2], rggb[0::2, 1::2] = planes[..., 0], planes[..., 1]
    rggb[1::2, 0::2], rggb[1::2, 1::2] = planes[..., 2], planes[..., 3]
    top, left = rggb_offset(pattern)
    return rggb[top : top + shape[0], left : left + shape[1]]


def color_map(cfa: Cfa, shape: tuple[int, int], origin: tuple[int, int] = (0, 0)) -> AnyArray:
    """Give the colour index (0 red, 1 green, 2 blue) of every site of a window at ``origin``."""
    cell = np.asarray(cfa.cell, dtype=np.uint8)
    rows = (np.arange(shape[0]) + origin[0]) % cell.shape[0]
    columns = (np.arange(shape[1]) + origin[1]) % cell.shape[1]
    return cell[np.ix_(rows, columns)]


def rolled(cfa: Cfa, top: int, left: int) -> Cfa:
    """Give the cell as it is read from pixel (top, left)."""
    cell = np.roll(np.asarray(cfa.cell), (-top, -left), axis=(0, 1))
    return Cfa(tuple(tuple(int(color) for color in row) for row in cell))


def sample_mosaic(rgb: Rgb, cfa: Cfa) -> Mosaic:
    """Keep of every pixel the one colour that its site sees."""
    mosaic = np.empty(rgb.shape[:2], dtype=rgb.dtype)
    n_rows, n_columns = len(cfa.cell), len(cfa.cell[0])
    for i in range(n_rows):
        for j in range(n_columns):
            site = (slice(i, None, n_rows), slice(j, None, n_columns))
            mosaic[site] = rgb[(*site, cfa.cell[i][j])]
    return mosaic


RGGB = Cfa(((0, 1), (1, 2)))
"""The Bayer cell that the networks see."""

XTRANS = Cfa(
    (
        (1, 2, 1, 1, 0, 1),
        (0, 1, 0, 2, 1, 2),
        (1, 2, 1, 1, 0, 1),
        (1, 0, 1, 1, 2, 1),
        (2, 1, 2, 0, 1, 0),
        (1, 0, 1, 1, 2, 1),
    )
)
"""One phase of the X-Trans cell, as Fujifilm's X-Trans cameras write it."""

QUAD_RGGB = Cfa(((0, 0, 1, 1), (0, 0, 1, 1), (1, 1, 2, 2), (1, 1, 2, 2)))
"""The Quad Bayer cell with red first."""
