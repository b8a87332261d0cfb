"""The initial interpolation: every site gets all three colours, by linear means only.

The paper's data preparation demosaicks before the network; what it loses the network brings back.
Bayer cells are interpolated bilinearly, because their network sees the mosaic too. Every other cell is
interpolated by normalised convolution of greens and of differences from them, which needs to know nothing
but the cell, and is 2 to 4 dB nearer to the scene than convolving every colour by itself.
"""

from typing import Literal

import numpy as np

from rawtool.arrays import AnyArray, Mosaic, Plane, Rgb
from rawtool.frames import Cfa
from rawtool.sensor.cfa import color_map, rggb_offset

MARGIN = 12
"""Pixels around a window that its interpolation may look at: even, a multiple of every cell's side."""

_GREEN = 1
_GREEN_KERNEL = np.exp(-(np.arange(-3.0, 4.0) ** 2) / (2 * 0.6**2)).astype(np.float32)
"""Nearly nothing but the eight sites around, among which there is a green, except in corners."""

_COLOUR_KERNEL = np.array([1, 2, 3, 4, 3, 2, 1], dtype=np.float32)
"""A tent: every colour of X-Trans and Quad Bayer stands within three sites."""


def demosaic(mosaic: Mosaic, cfa: Cfa) -> Rgb:
    """Interpolate a mosaic to RGB in the mosaic's own values.

    Values are kept at their sites, negatives and values above 1 too. Borders are mirrored. The planes of a
    Bayer frame lie one after the other in memory, as networks want them.
    """
    pattern = cfa.pattern
    if pattern is None or min(mosaic.shape) < 2:
        return _by_differences(mosaic, cfa)
    top, left = rggb_offset(pattern)
    bottom, right = (mosaic.shape[0] + top) % 2, (mosaic.shape[1] + left) % 2
    # Two more lines on each side (an even number keeps the phase) feed the interpolation.
    margins = ((2 + top, 2 + bottom), (2 + left, 2 + right))
    padded = np.pad(mosaic, margins, mode=_border(min(mosaic.shape)))
    rgb = _bilinear_rggb(padded)
    return rgb[top : top + mosaic.shape[0], left : left + mosaic.shape[1]]


def _border(shortest: int) -> Literal["reflect", "symmetric", "edge"]:
    """Choose how a mosaic goes on beyond its border: reflection keeps the phase but needs enough lines."""
    return "reflect" if shortest > 3 else "symmetric" if shortest > 2 else "edge"


def _bilinear_rggb(padded: AnyArray) -> Rgb:
    """Interpolate an RGGB mosaic with even sides; the result is two lines smaller on every side.

    Red and blue lie on a lattice of every other line; green on two of them, between which it is crossed.
    """
    red, blue = padded[0::2, 0::2], padded[1::2, 1::2]
    green_1, green_2 = padded[0::2, 1::2], padded[1::2, 0::2]
    planes = np.empty((3, padded.shape[0] - 4, padded.shape[1] - 4), dtype=np.float32)
    _fill_lattice(planes[0], red)
    # Turned by half a circle, blue stands where red does.
    _fill_lattice(planes[2, ::-1, ::-1], blue[::-1, ::-1])
    inner, before, after = slice(1, -1), slice(0, -2), slice(2, None)
    green = planes[1]
    green[0::2, 1::2], green[1::2, 0::2] = green_1[inner, inner], green_2[inner, inner]
    at_red = _mean(green_1[inner, before], green_1[inner, inner])
    green[0::2, 0::2] = _mean(at_red, _mean(green_2[before, inner], green_2[inner, inner]))
    at_blue = _mean(green_2[inner, inner], green_2[inner, after])
    green[1::2, 1::2] = _mean(at_blue, _mean(green_1[inner, inner], green_1[after, inner]))
    return np.moveaxis(planes, 0, 2)


def _fill_lattice(plane: Plane, sites: AnyArray) -> None:
    """Fill a plane whose even lines carry sites[1:-1, 1:-1] by the means of the nearest sites."""
    inner, after = slice(1, -1), slice(2, None)
    across = _mean(sites[1:, inner], sites[1:, after])
    plane[0::2, 0::2], plane[0::2, 1::2] = sites[inner, inner], across[:-1]
    plane[1::2, 0::2] = _mean(sites[inner, inner], sites[after, inner])
    plane[1::2, 1::2] = _mean(across[:-1], across[1:])


def _mean(one: Plane, other: Plane) -> Plane:
    return (one + other) * np.float32(0.5)


def _by_differences(mosaic: Mosaic, cfa: Cfa) -> Rgb:
    """Average neighbouring greens; then the differences from green of the other colours, which change slowly.

    Green is the most frequent colour, and fine detail is nearly grey: it comes from the greens alone.
    """
    colors = color_map(cfa, (mosaic.shape[0], mosaic.shape[1]))
    planes = np.empty((3, *mosaic.shape), dtype=np.float32)
    green = planes[_GREEN]
    green[:] = _filled(mosaic, colors == _GREEN, _GREEN_KERNEL)
    for color in (0, 2):
        is_seen = colors == color
        planes[color] = np.where(is_seen, mosaic, green + _filled(mosaic - green, is_seen, _COLOUR_KERNEL))
    return np.moveaxis(planes, 0, 2)


def _filled(plane: Plane, is_seen: AnyArray, kernel: AnyArray) -> Plane:
    """Keep what was seen, and fill the rest with the mean of the seen neighbours under a kernel."""
    seen = is_seen.astype(np.float32)
    mean = _separable(plane * seen, kernel) / np.maximum(_separable(seen, kernel), np.float32(1e-6))
    return np.where(is_seen, plane, mean).astype(np.float32)


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
