"""Gain maps: a picture and its brighter self as one quotient (ISO 21496-1; Ultra HDR image format 1.1).

Light is relative, 1 = the base's white, in one set of primaries for both. A map may be smaller than
its picture: its codes stretch over the whole of it.
"""

from dataclasses import astuple

import numpy as np

from rawtool.arrays import AnyArray, Layers, Rgb
from rawtool.color.spaces import luminance_weights
from rawtool.frames import GainRange, HdrGainMap
from rawtool.vocabulary import Profile

OFFSET = 1 / 64
"""Added to both lights, so that black has a quotient (Ultra HDR image format 1.1, "Gain map generation")."""

_TOP = 255
_LEAST_SPAN_EV = 1e-3
_MOST_VALUES = 1 << 20


def gain_map_of(
    base_light: Rgb, hdr_light: Rgb, *, scale: int = 1, n_channels: int = 3, profile: Profile = Profile.SRGB
) -> HdrGainMap:
    """Measure how much brighter one picture is than the other, pixel by pixel.

    The map is scale times smaller than the picture, by the mean of the EV within each of its cells. With one
    channel it is the EV of the luminance, for which the profile's primaries count. No gain at all, 0 EV,
    is met exactly by a code. HDR light under -1/64 counts as black.

    Raises:
        ValueError: scale is less than 1, or n_channels is not 1 or 3.
    """
    if scale < 1 or n_channels not in (1, 3):
        raise ValueError(f"no gain map has scale {scale} and {n_channels} channels")
    weights = luminance_weights(profile).astype(np.float32) if n_channels == 1 else None
    gains_ev = _measured(base_light, hdr_light, scale, weights)
    ranges = tuple(_range_of(gains_ev[..., channel]) for channel in range(n_channels))
    codes = np.stack([_codes(gains_ev[..., channel], one) for channel, one in enumerate(ranges)], axis=2)
    headroom_ev = max(*(one.most_ev for one in ranges), _LEAST_SPAN_EV)
    return HdrGainMap(codes[..., 0] if n_channels == 1 else codes, ranges, headroom_ev)


def apply_gain_map(base_light: Rgb, gain_map: HdrGainMap, display_ev: float | None = None) -> Rgb:
    """Brighten a picture by its map as a display does that is 2^display_ev times as bright as its white.

    None is a display bright enough for the whole gain. A small map is stretched bilinearly.
    """
    shape = base_light.shape[0], base_light.shape[1]
    fields = [astuple(one) for one in gain_map.ranges]
    least, most, exponent, base_offset, hdr_offset = np.array(fields, np.float32).T
    codes = gain_map.codes.reshape(*gain_map.codes.shape[:2], -1)
    shares = (codes.astype(np.float32) / _TOP) ** (1 / exponent)
    gains_ev = _stretched((least + (most - least) * shares).astype(np.float32), shape)
    weight = np.float32(_weight(gain_map, display_ev))
    return np.asarray((base_light + base_offset) * np.exp2(gains_ev * weight) - hdr_offset, np.float32)


def _weight(gain_map: HdrGainMap, display_ev: float | None) -> float:
    """Return the share of the gain that a display shows (ISO 21496-1, 6.3)."""
    if display_ev is None:
        return 1.0
    span_ev = gain_map.hdr_headroom_ev - gain_map.base_headroom_ev
    return min(max((display_ev - gain_map.base_headroom_ev) / span_ev, 0.0), 1.0)


def _measured(base_light: Rgb, hdr_light: Rgb, scale: int, weights: AnyArray | None) -> AnyArray:
    """Return the EV between two lights (h, w, C), some rows of cells at a time to spare memory."""
    height, width = base_light.shape[:2]
    tops, lefts = _bounds(height, scale), _bounds(width, scale)
    n_rows = max(1, _MOST_VALUES // (width * scale))
    found = []
    for first in range(0, len(tops) - 1, n_rows):
        cells = tops[first : first + n_rows + 1]
        rows = slice(cells[0], cells[-1])
        gains_ev = _ev_between(base_light[rows], hdr_light[rows], weights)
        found.append(_cell_means(gains_ev, cells - cells[0], lefts))
    return np.concatenate(found)


def _bounds(length: int, scale: int) -> AnyArray:
    """Return where the cells of a map begin along one side, and its end; they differ by one pixel at most."""
    n_cells = -(-length // scale)
    return np.rint(np.linspace(0, length, n_cells + 1)).astype(np.int64)


def _ev_between(base_light: Rgb, hdr_light: Rgb, weights: AnyArray | None) -> Layers:
    """Return log2 of the quotient of two lights."""
    base, hdr = (
        light if weights is None else (light @ weights)[..., None] for light in (base_light, hdr_light)
    )
    offset = np.float32(OFFSET)
    return np.asarray(np.log2((np.maximum(hdr, 0) + offset) / (np.maximum(base, 0) + offset)), np.float32)


def _cell_means(values: Layers, tops: AnyArray, lefts: AnyArray) -> AnyArray:
    """Return the means of (H, W, C) over the cells between the bounds."""
    if len(tops) - 1 == values.shape[0] and len(lefts) - 1 == values.shape[1]:
        return values
    sums = np.add.reduceat(np.add.reduceat(values, tops[:-1], axis=0), lefts[:-1], axis=1)
    areas = np.outer(np.diff(tops), np.diff(lefts))[..., None]
    return np.asarray(sums / areas, np.float32)


def _range_of(gains_ev: AnyArray) -> GainRange:
    """Return the range of one channel: all its gains, and 0 EV on a code."""
    least, most = min(float(gains_ev.min()), 0.0), max(float(gains_ev.max()), 0.0)
    step = max(most - least, _LEAST_SPAN_EV) / (_TOP - 1)
    n_below = int(np.ceil(-least / step))
    return GainRange(-n_below * step, (_TOP - n_below) * step, 1.0, OFFSET, OFFSET)


def _codes(gains_ev: AnyArray, one: GainRange) -> AnyArray:
    """Return the nearest codes of one channel's gains."""
    shares = (gains_ev - np.float32(one.least_ev)) / np.float32(one.most_ev - one.least_ev)
    return np.rint(np.clip(shares, 0, 1) * _TOP).astype(np.uint8)


def _stretched(values: Layers, shape: tuple[int, int]) -> AnyArray:
    """Return (h, w, C) stretched bilinearly to (H, W, C): the areas coincide, edges repeat."""
    for axis, length in enumerate(shape):
        n_cells = values.shape[axis]
        if n_cells == length:
            continue
        places = np.clip((np.arange(length) + 0.5) * n_cells / length - 0.5, 0, n_cells - 1)
        before = np.minimum(places.astype(np.int64), n_cells - 1)
        after = np.minimum(before + 1, n_cells - 1)
        share = (places - before).astype(np.float32).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        values = values.take(before, axis) * (1 - share) + values.take(after, axis) * share
    return values
