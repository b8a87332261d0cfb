"""Cut a picture into tiles so that the network's answer is the same as on the whole.

The picture is thought to go on below and to the right, mirrored, until its size is a multiple of
the network's stride and at least its smallest size. A tile's window is the tile with the network's
halo around it, cut at the edges of that padded frame: the graph's own padding then acts where it
acts on the whole picture, and everywhere else the halo keeps it away from what is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rawtool.arrays import AnyArray, Layers

Source = Callable[[int, int, int, int], AnyArray]
"""Give the window (top, left, height, width), inside the frame, as (height, width, C) float32."""

Sink = Callable[[int, int, AnyArray], None]
"""Take a finished block (height, width, C) whose first pixel is (top, left)."""


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of the padded frame, in pixels."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Tile:
    """What is kept of one run of the network, and the window that it needs."""

    kept: Area
    window: Area


@dataclass(frozen=True, slots=True)
class Grid:
    """How a network wants its tiles: required multiple, context, smallest side, in pixels."""

    stride: int
    halo: int
    min_size: int


def padded_length(length: int, grid: Grid) -> int:
    """The length that the network runs at: at least min_size, a multiple of stride."""
    return _up(max(length, grid.min_size), grid.stride)


def plan_tiles(height: int, width: int, tile: int | None, grid: Grid) -> tuple[Tile, ...]:
    """Lay tiles over a frame, row by row; None for tile means the whole frame at once.

    tile is the longest side of what is kept, rounded up to a multiple of stride; tiles are made about
    equal, so that none is a sliver whose halo costs more than itself.
    """
    rows = _plan_axis(height, _count(height, tile, grid), grid)
    columns = _plan_axis(width, _count(width, tile, grid), grid)
    return _tiles(rows, columns)


def read_window(source: Source, area: Area, height: int, width: int) -> Layers:
    """Read a window of the padded frame from a source that knows only the frame (height, width)."""
    if area.top + area.height <= height and area.left + area.width <= width:
        return source(area.top, area.left, area.height, area.width)
    rows = mirrored(np.arange(area.top, area.top + area.height), height)
    columns = mirrored(np.arange(area.left, area.left + area.width), width)
    top, left = int(rows.min()), int(columns.min())
    block = source(top, left, int(rows.max()) + 1 - top, int(columns.max()) + 1 - left)
    return block[np.ix_(rows - top, columns - left)]


def mirrored(index: AnyArray, length: int) -> AnyArray:
    """Reflect indices at 0 and length - 1, without repeating the edge, as often as it takes.

    The step from an index to its reflection is even, so a mosaic stays a mosaic.
    """
    if length == 1:
        return np.zeros_like(index)
    folded = np.mod(index, 2 * (length - 1))
    return np.minimum(folded, 2 * (length - 1) - folded)


def fitting_tiles(height: int, width: int, grid: Grid, most_pixels: int) -> tuple[Tile, ...]:
    """Lay the tiles with the least work over a frame whose windows have at most most_pixels pixels.

    Tiles are never small beside their halo, which would cost many times the work: a bound too low for that
    is exceeded, as little as possible.
    """
    rows, columns = _cuts(height, grid), _cuts(width, grid)
    pairs = [(tall, wide) for tall in rows for wide in columns]
    fitting = [(tall, wide) for tall, wide in pairs if tall.longest * wide.longest <= most_pixels]
    if fitting:
        tall, wide = min(fitting, key=lambda pair: pair[0].work * pair[1].work)
    else:
        tall, wide = min(pairs, key=lambda pair: pair[0].longest * pair[1].longest)
    return _tiles(_plan_axis(height, tall.count, grid), _plan_axis(width, wide.count, grid))


Stretch = tuple[int, int, int, int]
"""Start and length of what is kept, start and length of its window, along one axis."""

EVERY_COUNT = 24
"""Up to so many stretches of an axis every number is tried, beyond it about every eighth part more."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """An axis cut into about equal stretches: how many, the longest window, the length of all windows."""

    count: int
    longest: int
    work: int


def _cuts(length: int, grid: Grid) -> list[_Cut]:
    """Cut an axis into one stretch, two, three, as long as they are not small beside their halo."""
    least = _up(max(grid.min_size, grid.halo), grid.stride)
    most = max(padded_length(length, grid) // least, 1)
    cuts, count = [], 1
    while count <= most:
        windows = [stretch[3] for stretch in _plan_axis(length, count, grid)]
        cuts.append(_Cut(count, max(windows), sum(windows)))
        count = max(count + 1, count * 9 // 8) if count >= EVERY_COUNT else count + 1
    return cuts


def _tiles(rows: list[Stretch], columns: list[Stretch]) -> tuple[Tile, ...]:
    return tuple(
        Tile(Area(top, left, rise, run), Area(w_top, w_left, w_rise, w_run))
        for top, rise, w_top, w_rise in rows
        for left, run, w_left, w_run in columns
    )


def _count(length: int, tile: int | None, grid: Grid) -> int:
    """Tell into how many stretches of at most ``tile`` an axis is cut."""
    padded = padded_length(length, grid)
    return 1 if tile is None else -(-padded // _up(max(tile, 1), grid.stride))


def _plan_axis(length: int, count: int, grid: Grid) -> list[Stretch]:
    """Cut an axis into about equal stretches, at most ``count``."""
    padded = padded_length(length, grid)
    step = _up(-(-padded // count), grid.stride)
    smallest = _up(grid.min_size, grid.stride)
    plan = []
    for start in range(0, min(length, padded), step):
        end = min(start + step, padded)
        w_end = min(max(end + _up(grid.halo, grid.stride), smallest), padded)
        w_start = max(min(start - _up(grid.halo, grid.stride), w_end - smallest), 0)
        plan.append((start, end - start, w_start, w_end - w_start))
    return plan


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
