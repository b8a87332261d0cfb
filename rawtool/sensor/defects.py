"""What a sensor or lens does to single pixels and to corners: hot and dead pixels, DNG gain maps.

Samples are after levels: 0 black, 1 white level, proportional to light.
"""

import numpy as np

from rawtool.arrays import AnyArray, Mosaic, Samples
from rawtool.frames import GainMap
from rawtool.sensor.noise import NoiseModel
from rawtool.sensor.strips import Each, in_strips

_SIGMAS = 5.0
"""How many noise deviations a defect stands out of its neighbours at least."""
_CONTRAST = 2.0
"""And how many times their own range (largest minus smallest): 1 takes three times as many sharp details."""
_FRACTION = 0.2
"""And what fraction of the largest neighbour: a real scene has steps of a few per cent everywhere."""
_SPILL = 0.1
"""Light falls on more than one pixel: a neighbour of any colour with this share of the excess saves it."""
_AROUND = tuple((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0))


def repair_hot_pixels(
    mosaic: Mosaic,
    period: tuple[int, int],
    noise: NoiseModel,
    *,
    out: Mosaic | None = None,
    each: Each = map,
) -> Mosaic:
    """Replace isolated hot and dead pixels by the median of their 8 neighbours of the same colour.

    A pixel is a defect when it lies outside all 8 of them by more than 5 noise deviations, by more
    than twice their own range, and by more than a fifth of the largest; and when no pixel that touches it,
    of whatever colour, stands out of its own neighbours in the same direction with a tenth of that
    excess. So a star or a glint that lights two pixels or more stays, and so do clusters of defects.
    A light that falls on one single photosite cannot be told from a hot pixel and goes.

    Args:
        mosaic: after levels.
        period: rows and columns of the colour cell: (2, 2) for Bayer, (1, 1) for monochrome. A
            frame of fewer than 3 cells in a direction is returned as it is.
        noise: of this mosaic; decides how far noise alone can reach.
        out: where the result goes, the mosaic itself for example.
        each: works on strips of rows, one after the other by default.
    """
    repaired = _copied(mosaic, out)
    if mosaic.shape[0] < 3 * period[0] or mosaic.shape[1] < 3 * period[1]:
        return repaired
    spots = in_strips(lambda strip: _suspects(mosaic, strip, period, noise), len(mosaic), 1, each)
    rows, columns = np.concatenate(spots, axis=1)
    around = _neighbours(mosaic, rows, columns, period)
    excess = _excess(mosaic[rows, columns], around, noise)
    stands_out = np.flatnonzero(excess)
    rows, columns, excess = rows[stands_out], columns[stands_out], excess[stands_out]
    alone = np.flatnonzero(~_spills(mosaic, rows, columns, excess, period, noise))
    repaired[rows[alone], columns[alone]] = np.median(around[stands_out[alone]], axis=1)
    return repaired


def apply_gain_maps(
    samples: Samples, maps: tuple[GainMap, ...], *, out: Samples | None = None, each: Each = map
) -> Samples:
    """Multiply samples by the gain maps, one after the other (DNG 1.4, opcode GainMap).

    A map's value at a pixel is bilinear between its nodes; the pixel's place is its centre as a
    fraction of the frame, (row + 0.5) / H; outside the nodes the nearest one holds. Nothing is
    clipped: what was 1 (saturated) becomes the gain. Areas and planes outside the frame are ignored.

    Args:
        samples: (H, W) or (H, W, 3) float32 after levels.
        maps: as the file has them, coordinates in the active area.
        out: where the result goes, the samples themselves for example.
        each: works on strips of rows, one after the other by default.
    """
    if not maps and out is None:
        return samples
    corrected = _copied(samples, out)
    layers = corrected.reshape(*corrected.shape[:2], -1)
    for gain_map in maps:
        _apply_gain_map(layers, gain_map, each)
    return corrected


def _copied(samples: AnyArray, out: AnyArray | None) -> AnyArray:
    """Give out, or an array of its own, with the samples in it."""
    if out is None:
        return samples.astype(np.float32, copy=True)
    if out is not samples:
        out[...] = samples
    return out


def _apply_gain_map(layers: AnyArray, gain_map: GainMap, each: Each) -> None:
    """Multiply the layers (H, W, C) that a map touches, in place."""
    top, left, height, width = gain_map.area
    rows = np.arange(top, min(top + height, layers.shape[0]), gain_map.pitch[0])
    columns = np.arange(left, min(left + width, layers.shape[1]), gain_map.pitch[1])
    n_down, n_across = gain_map.gains.shape
    down = _node_weights((rows + 0.5) / layers.shape[0], gain_map.origin[0], gain_map.spacing[0], n_down)
    across = _node_weights(
        (columns + 0.5) / layers.shape[1], gain_map.origin[1], gain_map.spacing[1], n_across
    )
    if not rows.size or not columns.size:
        return
    at_nodes = gain_map.gains.astype(np.float32) @ across.T
    touched = layers[top : rows[-1] + 1 : gain_map.pitch[0], left : columns[-1] + 1 : gain_map.pitch[1]]
    planes = touched[:, :, gain_map.plane : gain_map.plane + gain_map.n_planes]

    def apply_to_strip(strip: slice) -> None:
        planes[strip] *= (down[strip] @ at_nodes)[:, :, None]

    in_strips(apply_to_strip, len(planes), 1, each)


def _node_weights(places: AnyArray, origin: float, spacing: float, n_nodes: int) -> AnyArray:
    """Bilinear weights (places, nodes) of the nodes at origin + k * spacing, clamped at both ends."""
    position = (places - origin) / spacing if n_nodes > 1 else np.zeros(places.shape)
    distance = np.abs(np.clip(position, 0, n_nodes - 1)[:, None] - np.arange(n_nodes))
    return np.maximum(0, 1 - distance).astype(np.float32)


def _suspects(mosaic: Mosaic, rows_of_strip: slice, period: tuple[int, int], noise: NoiseModel) -> AnyArray:
    """Rows and columns (2, n) in a strip that lie far outside their two neighbours across."""
    step = period[1]
    strip = mosaic[rows_of_strip]
    wide = np.concatenate([strip[:, step : 2 * step], strip, strip[:, -2 * step : -step]], axis=1)
    before, after = wide[:, : -2 * step], wide[:, 2 * step :]
    high, low = np.maximum(before, after), np.minimum(before, after)
    outside = np.maximum(strip - high, low - strip)
    is_far = outside > np.maximum(high - low, np.float32(_FRACTION) * high)
    is_far &= outside * np.abs(outside) > np.float32(_SIGMAS**2) * noise.variance(high)
    rows, columns = np.nonzero(is_far)
    return np.stack([rows + rows_of_strip.start, columns])


def _neighbours(mosaic: Mosaic, rows: AnyArray, columns: AnyArray, period: tuple[int, int]) -> AnyArray:
    """The 8 neighbours of the same colour (n, 8); beyond the border the one on the other side."""
    around = [
        mosaic[
            _inside(rows, i * period[0], mosaic.shape[0]), _inside(columns, j * period[1], mosaic.shape[1])
        ]
        for i, j in _AROUND
    ]
    return np.stack(around, axis=1)


def _inside(places: AnyArray, shift: int, size: int) -> AnyArray:
    """Places moved by shift, or the other way where that leaves the frame."""
    moved = places + shift
    return np.where((moved < 0) | (moved >= size), places - shift, moved)


def _excess(values: AnyArray, around: AnyArray, noise: NoiseModel) -> AnyArray:
    """How far values stand out of all their neighbours, signed; 0 where it is not far enough."""
    high, low = around.max(axis=1), around.min(axis=1)
    outside = np.maximum(values - high, low - values)
    needed = np.maximum(_CONTRAST * (high - low), _FRACTION * high)
    needed = np.maximum(needed, _SIGMAS * np.sqrt(noise.variance(high)))
    return np.where(outside > needed, np.where(values > high, outside, -outside), np.float32(0))


def _spills(
    mosaic: Mosaic,
    rows: AnyArray,
    columns: AnyArray,
    excess: AnyArray,
    period: tuple[int, int],
    noise: NoiseModel,
) -> AnyArray:
    """Whether a touching pixel of any colour stands out in the same direction as well."""
    spills = np.zeros(rows.shape, np.bool_)
    for i, j in _AROUND:
        row, column = _inside(rows, i, mosaic.shape[0]), _inside(columns, j, mosaic.shape[1])
        usual = np.median(_neighbours(mosaic, row, column, period), axis=1)
        own = (mosaic[row, column] - usual) * np.sign(excess)
        spills |= own > np.maximum(_SPILL * np.abs(excess), 4 * np.sqrt(noise.variance(usual)))
    return spills
