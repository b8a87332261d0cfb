"""The initial interpolation: every site gets all three colours, by linear means only.

The paper's data preparation demosaicks before the network; what it loses the network brings back.
Bayer cells are interpolated bilinearly; every other cell by normalised convolution, which equals
the bilinear rule on Bayer cells and needs to know nothing but the cell.
"""

from typing import Literal

import numpy as np

from rawtool.arrays import AnyArray, Mosaic, Plane, Rgb
from rawtool.frames import Cfa
from rawtool.sensor.cfa import color_map, rggb_offset

MARGIN = 12
"""Pixels around a window that its interpolation may look at: even, a multiple of every cell's side."""


def demosaic(mosaic: Mosaic, cfa: Cfa) -> Rgb:
    """Interpolate a mosaic to RGB in the mosaic's own values.

    Values are kept at their sites, negatives and values above 1 too. Borders are mirrored.
    """
    pattern = cfa.pattern
    if pattern is None or min(mosaic.shape) < 2:
        return _normalised_convolution(mosaic, cfa)
    top, left = rggb_offset(pattern)
    bottom, right = (mosaic.shape[0] + top) % 2, (mosaic.shape[1] + left) % 2
    # Two more lines on each side (an even number keeps the phase) feed the interpolation.
    margins = ((2 + top, 2 + bottom), (2 + left, 2 + right))
    padded = np.pad(mosaic, margins, mode=_border(min(mosaic.shape)))
    rgb = _bilinear_rggb(padded)
    return rgb[2 + top : 2 + top + mosaic.shape[0], 2 + left : 2 + left + mosaic.shape[1]]


def _border(shortest: int) -> Literal["reflect", "symmetric", "edge"]:
    """Choose how a mosaic goes on beyond its border: reflection keeps the phase but needs enough lines."""
    return "reflect" if shortest > 3 else "symmetric" if shortest > 2 else "edge"


def _bilinear_rggb(mosaic: Mosaic) -> Rgb:
    """Interpolate an RGGB mosaic with even sides; the outermost line is not to be used."""
    rgb = np.empty((*mosaic.shape, 3), dtype=np.float32)
    inner, half = slice(1, -1), np.float32(0.5)
    across = np.zeros_like(mosaic)
    across[:, inner] = (mosaic[:, :-2] + mosaic[:, 2:]) * half
    down = np.zeros_like(mosaic)
    down[inner] = (mosaic[:-2] + mosaic[2:]) * half
    diagonal = np.zeros_like(mosaic)
    diagonal[inner] = (across[:-2] + across[2:]) * half
    cross = (across + down) * half
    red, blue = (0, 0), (1, 1)
    for site, own, other in ((red, 0, 2), (blue, 2, 0)):
        at = (slice(site[0], None, 2), slice(site[1], None, 2))
        rgb[(*at, own)], rgb[(*at, 1)], rgb[(*at, other)] = mosaic[at], cross[at], diagonal[at]
    for site, along, athwart in (((0, 1), 0, 2), ((1, 0), 2, 0)):
        at = (slice(site[0], None, 2), slice(site[1], None, 2))
        rgb[(*at, along)], rgb[(*at, 1)], rgb[(*at, athwart)] = across[at], mosaic[at], down[at]
    return rgb


def _normalised_convolution(mosaic: Mosaic, cfa: Cfa) -> Rgb:
    """Average the neighbours of each colour with a tent as wide as the cell's largest gap."""
    colors = color_map(cfa, (mosaic.shape[0], mosaic.shape[1]))
    reach = max(len(cfa.cell), len(cfa.cell[0])) // 2
    tent = np.array([1 + reach - abs(i) for i in range(-reach, reach + 1)], dtype=np.float32)
    rgb = np.empty((*mosaic.shape, 3), dtype=np.float32)
    for color in range(3):
        seen = (colors == color).astype(np.float32)
        weight = _separable(seen, tent)
        mean = _separable(mosaic * seen, tent) / np.maximum(weight, np.float32(1e-6))
        rgb[..., color] = np.where(colors == color, mosaic, mean)
    return rgb


def _separable(plane: Plane, kernel: AnyArray) -> Plane:
    """Convolve rows and columns with one symmetric kernel; outside counts as nothing."""
    reach = len(kernel) // 2
    for axis in (0, 1):
        margins = [(0, 0), (0, 0)]
        margins[axis] = (reach, reach)
        padded = np.pad(plane, margins)
        length = plane.shape[axis]
        windows = (np.take(padded, range(i, i + length), axis=axis) for i in range(len(kernel)))
        plane = sum(k * window for k, window in zip(kernel, windows, strict=True))
    return plane
