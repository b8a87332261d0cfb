"""What a coded picture costs, and how two coders compare over a range of rates."""

import math
from collections.abc import Sequence

import numpy as np

from rawtool.arrays import AnyArray


def bpp(n_bytes: int, shape: tuple[int, ...]) -> float:
    """Return bits per pixel: photosites of a mosaic (H, W), pixels of a picture (H, W, C)."""
    return 8 * n_bytes / (shape[0] * shape[1])


def bd_rate(anchor: Sequence[tuple[float, float]], candidate: Sequence[tuple[float, float]]) -> float:
    """Return how much more the candidate costs at the same quality, in percent; negative is better.

    Both are points (bpp, dB), two or more, of different quality. Mean difference of log rate over the range
    of quality that both cover, between piecewise cubic curves that do not overshoot; nan where they share no
    range. Source: G. Bjontegaard, VCEG-M33, with the interpolation of JCTVC-L1100.
    """
    curves = [_curve(points) for points in (anchor, candidate)]
    low = max(float(quality[0]) for quality, _ in curves)
    high = min(float(quality[-1]) for quality, _ in curves)
    if not low < high:
        return math.nan
    areas = [_area(quality, rate, low, high) for quality, rate in curves]
    return 100 * math.expm1((areas[1] - areas[0]) / (high - low))


def _curve(points: Sequence[tuple[float, float]]) -> tuple[AnyArray, AnyArray]:
    """Return rising quality and the log of the rate there, float64 (n,)."""
    rates, quality = np.array(sorted(points, key=lambda point: point[1]), np.float64).T
    if len(quality) < 2 or (np.diff(quality) <= 0).any() or (rates <= 0).any():
        raise ValueError("a curve needs two points or more, of different quality and of rates above 0")
    return quality, np.log(rates)


def _area(x: AnyArray, y: AnyArray, low: float, high: float) -> float:
    """Integrate the cubic pieces through (x, y) from low to high."""
    slopes = _slopes(x, y)
    total = 0.0
    for left in range(len(x) - 1):
        start, end = max(low, float(x[left])), min(high, float(x[left + 1]))
        if start < end:
            piece = _piece(x[left : left + 2], y[left : left + 2], slopes[left : left + 2])
            areas = np.polyval(np.polyint(piece), np.array([start, end]) - x[left])
            total += float(areas[1] - areas[0])
    return total


def _piece(x: AnyArray, y: AnyArray, slopes: AnyArray) -> AnyArray:
    """Return the cubic through two points with these slopes, highest power of x - x[0] first."""
    width = x[1] - x[0]
    steep = (y[1] - y[0]) / width
    bend = (3 * steep - 2 * slopes[0] - slopes[1]) / width
    twist = (slopes[0] + slopes[1] - 2 * steep) / width**2
    return np.array([twist, bend, slopes[0], y[0]])


def _slopes(x: AnyArray, y: AnyArray) -> AnyArray:
    """Return slopes that keep each piece monotone (Fritsch and Butland 1984), float64 (n,)."""
    widths, steep = np.diff(x), np.diff(y) / np.diff(x)
    if len(x) == 2:
        return np.repeat(steep, 2)
    slopes = np.zeros(len(x))
    for at in range(1, len(x) - 1):
        before, after = 2 * widths[at] + widths[at - 1], widths[at] + 2 * widths[at - 1]
        if steep[at - 1] * steep[at] > 0:
            slopes[at] = (before + after) / (before / steep[at - 1] + after / steep[at])
    slopes[0] = _end_slope(widths[0], widths[1], steep[0], steep[1])
    slopes[-1] = _end_slope(widths[-1], widths[-2], steep[-1], steep[-2])
    return slopes


def _end_slope(width: float, next_width: float, steep: float, next_steep: float) -> float:
    """Return the slope of a parabola at its end, held back where it would turn around."""
    slope = ((2 * width + next_width) * steep - width * next_steep) / (width + next_width)
    if slope * steep <= 0:
        return 0.0
    if steep * next_steep <= 0 and abs(slope) > 3 * abs(steep):
        return 3 * steep
    return slope
