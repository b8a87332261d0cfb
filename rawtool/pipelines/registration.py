"""Where a finished picture lies on the light that it was made from, to the pixel.

Both are reduced to their detail, which tone curves scale but do not move, and laid on each other by
cross-correlation. Blocks all over the picture then say whether one shift serves everywhere: a lens
correction, a rotation or a crop that was enlarged again bends a picture so that none does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.errors import InputError

Pair = tuple[AnyArray, AnyArray]

REACH = 32
"""The largest shift that is looked for, in pixels."""

LEAST_LIKENESS = 0.35
"""Correlation of detail from which two pictures count as the same. Same pictures through strong curves
and colours: 0.6 and more; other pictures: below 0.1."""

MOST_BEND = 1.0
"""Pixels by which a quarter of the blocks may lie elsewhere than the whole does."""

_SIDE, _BLOCK, _GRID = 1024, 192, 5
_DETAIL_RADIUS = 4
_LEAST_BLOCKS = 4
_TOE = 2.0**-9
_LEAST_SIDE = 48


@dataclass(frozen=True, slots=True)
class Placement:
    """Pixel (y, x) of the picture shows pixel (y + rows, x + columns) of the light.

    likeness is the correlation of their detail, bend the shift in pixels that most blocks stay within after
    that, stretch how much larger the light is than the picture, less 1, as far as the blocks tell.
    """

    rows: int
    columns: int
    likeness: float
    bend: float
    stretch: float


def place(picture: AnyArray, light: AnyArray) -> Placement:
    """Find where a picture's luminance codes (h, w) lie on the luminance of the light (H, W).

    Sizes may differ by twice the reach.

    Raises:
        InputError: they do not show the same, or one is bent against the other.
    """
    found = measure(picture, light)
    if found.likeness < LEAST_LIKENESS:
        raise InputError(
            f"the picture does not lie on the raw (likeness {found.likeness:.2f}, needed {LEAST_LIKENESS}); "
            "export it whole, not cropped, straightened or corrected for the lens"
        )
    if found.bend > MOST_BEND:
        raise InputError(
            f"parts of the picture are moved by {found.bend:.0f} pixels against the raw; export it without "
            "lens correction, rotation and crop"
        )
    return found


def measure(picture: AnyArray, light: AnyArray) -> Placement:
    """Lay a picture on the light as well as it goes.

    Raises:
        InputError: their sizes are too far apart, or too small.
    """
    shape = np.array(light.shape) - np.array(picture.shape)
    if np.abs(shape).max() > 2 * REACH:
        raise InputError(
            f"the picture has {picture.shape[1]} x {picture.shape[0]} pixels, the raw shows "
            f"{light.shape[1]} x {light.shape[0]}; export the whole picture, not cropped"
        )
    if min(*picture.shape, *light.shape) < _LEAST_SIDE:
        raise InputError(f"the picture is smaller than {_LEAST_SIDE} pixels; export a larger one")
    rows, columns = _whole_shift(picture, light)
    moves, likeness = _moves(*_overlap(picture, light, rows, columns))
    bend = float(np.percentile(np.abs(moves[:, 2:]).max(axis=1), 75.0)) if len(moves) else 0.0
    return Placement(rows, columns, likeness, bend, _stretch(moves))


def common_area(placement: Placement, picture: AnyArray, light: AnyArray) -> Pair:
    """Cut both arrays (H, W, ...) to the area that they share."""
    return _overlap(picture, light, placement.rows, placement.columns)


def _details(picture: AnyArray, light: AnyArray) -> Pair:
    """Give the detail of a window of both."""
    return _detail(picture), _detail(np.log2(np.maximum(light, 0.0) + np.float32(_TOE)))


def _detail(codes: AnyArray) -> AnyArray:
    """Take away the mean of each pixel's surroundings; what sticks out is cut."""
    around = _blurred(_blurred(codes.astype(np.float32), 0), 1)
    detail = codes - around
    limit = np.float32(3.0 * float(np.abs(detail).mean()) + 1e-9)
    return np.clip(detail, -limit, limit)


def _blurred(plane: AnyArray, axis: int) -> AnyArray:
    """Average 2 r + 1 neighbours along an axis; the border repeats."""
    radius = _DETAIL_RADIUS
    edges = [(radius + 1, radius) if at == axis else (0, 0) for at in (0, 1)]
    sums = np.cumsum(np.pad(plane, edges, mode="edge"), axis=axis, dtype=np.float64)
    n = 2 * radius + 1
    high, low = (
        np.take(sums, range(n, sums.shape[axis]), axis),
        np.take(sums, range(sums.shape[axis] - n), axis),
    )
    return ((high - low) / n).astype(np.float32)


def _whole_shift(picture: AnyArray, light: AnyArray) -> tuple[int, int]:
    """Find the shift of the middle of the picture, beginning with both centred."""
    rows, columns = ((b - a) // 2 for a, b in zip(picture.shape, light.shape, strict=True))
    a, b = _overlap(picture, light, rows, columns)
    top, left = (max(0, (n - _SIDE) // 2) for n in a.shape)
    window = (slice(top, top + _SIDE), slice(left, left + _SIDE))
    more_rows, more_columns = _shift(*_details(a[window], b[window]), REACH)
    return rows + more_rows, columns + more_columns


def _shift(a: AnyArray, b: AnyArray, reach: int) -> tuple[int, int]:
    """Find (rows, columns) for which a[y, x] is most like b[y + rows, x + columns]."""
    size = tuple(2 * n for n in a.shape)
    spectrum = np.conj(np.fft.rfft2(a, size)) * np.fft.rfft2(b, size)
    found = np.fft.irfft2(spectrum, size)
    reach = min(reach, *(n // 2 for n in a.shape))
    near = np.roll(found, (reach, reach), axis=(0, 1))[: 2 * reach + 1, : 2 * reach + 1]
    row, column = np.unravel_index(int(np.argmax(near)), near.shape)
    return int(row) - reach, int(column) - reach


def _overlap(a: AnyArray, b: AnyArray, rows: int, columns: int) -> Pair:
    """Cut both to the pixels (y, x) of a for which b has (y + rows, x + columns)."""
    parts_a, parts_b = [], []
    for shift, n_a, n_b in zip((rows, columns), a.shape, b.shape, strict=False):
        first, last = max(0, -shift), min(n_a, n_b - shift)
        parts_a.append(slice(first, last))
        parts_b.append(slice(first + shift, last + shift))
    return a[tuple(parts_a)], b[tuple(parts_b)]


def _likeness(blocks: Sequence[Pair]) -> float:
    """Correlate the detail of all blocks."""
    together = sum(float(np.vdot(a, b)) for a, b in blocks)
    alone = [sum(float(np.vdot(block[at], block[at])) for block in blocks) for at in (0, 1)]
    return together / (alone[0] * alone[1]) ** 0.5 if min(alone) > 0.0 else 0.0


def _moves(a: AnyArray, b: AnyArray) -> tuple[AnyArray, float]:
    """Lay every block on the other by itself: its middle (row, column) from the whole's, and its shift.

    Gives (n, 4) of the blocks whose detail is found again, and the likeness of all.
    """
    moves, laid = [], []
    for top, left, height, width in _blocks((a.shape[0], a.shape[1])):
        window = (slice(top, top + height), slice(left, left + width))
        details = _details(a[window], b[window])
        row, column = _shift(*details, REACH // 2)
        laid.append(_overlap(*details, row, column))
        if _likeness(laid[-1:]) >= LEAST_LIKENESS:
            middle = (top + (height - a.shape[0]) / 2, left + (width - a.shape[1]) / 2)
            moves.append((*middle, row, column))
    return np.array(moves, np.float64).reshape(-1, 4), _likeness(laid)


def _stretch(moves: AnyArray) -> float:
    """Fit shifts that grow with the distance from the middle (least squares, about their means)."""
    if len(moves) < _LEAST_BLOCKS:
        return 0.0
    at, shift = moves[:, :2] - moves[:, :2].mean(axis=0), moves[:, 2:] - moves[:, 2:].mean(axis=0)
    spread = float((at * at).sum())
    return float((at * shift).sum()) / spread if spread else 0.0


def _blocks(shape: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Give a grid of areas (top, left, height, width) that reaches into the corners."""
    height, width = (min(_BLOCK, n // 3) for n in shape)
    tops = np.linspace(0, shape[0] - height, _GRID).astype(int)
    lefts = np.linspace(0, shape[1] - width, _GRID).astype(int)
    for top in tops.tolist():
        for left in lefts.tolist():
            yield top, left, height, width
