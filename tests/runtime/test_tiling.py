import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.runtime.tiling import (
    Area,
    Grid,
    fitting_tiles,
    mirrored,
    padded_length,
    plan_tiles,
    read_window,
)

LENGTHS = st.integers(1, 90)
GRIDS = st.builds(Grid, st.sampled_from([1, 2, 8, 16]), st.sampled_from([0, 16, 48]), st.integers(1, 40))
TILES = st.one_of(st.none(), st.integers(1, 100))


def slices(area):
    return slice(area.top, area.top + area.height), slice(area.left, area.left + area.width)


@given(LENGTHS, LENGTHS, TILES, GRIDS)
def test_tiles_cover_every_pixel_of_the_frame_once(height, width, tile, grid):
    count = np.zeros((padded_length(height, grid), padded_length(width, grid)), dtype=int)
    for part in plan_tiles(height, width, tile, grid):
        count[slices(part.kept)] += 1
    assert (count[:height, :width] == 1).all()
    assert count.max() == 1


@given(LENGTHS, LENGTHS, TILES, GRIDS)
def test_windows_are_aligned_large_enough_and_inside_the_padded_frame(height, width, tile, grid):
    for part in plan_tiles(height, width, tile, grid):
        window = part.window
        assert all(value % grid.stride == 0 for value in (window.top, window.left))
        assert all(value % grid.stride == 0 for value in (window.height, window.width))
        assert min(window.height, window.width) >= grid.min_size
        assert window.top + window.height <= padded_length(height, grid)
        assert window.left + window.width <= padded_length(width, grid)


def test_windows_of_small_tiles_grow_to_the_smallest_size():
    sizes = {(part.window.top, part.window.height) for part in plan_tiles(88, 8, 8, Grid(8, 0, 40))}
    assert (0, 40) in sizes
    assert (48, 40) in sizes
    assert all(height == 40 for _, height in sizes)


@given(LENGTHS, TILES, GRIDS)
def test_windows_hold_the_halo_except_at_the_edges_of_the_padded_frame(height, tile, grid):
    padded = padded_length(height, grid)
    for part in plan_tiles(height, 8, tile, grid):
        assert part.window.top <= max(part.kept.top - grid.halo, 0)
        end = min(part.kept.top + part.kept.height + grid.halo, padded)
        assert part.window.top + part.window.height >= end


def test_without_a_tile_size_the_whole_frame_is_one_tile():
    (part,) = plan_tiles(33, 70, None, Grid(16, 32, 64))
    assert part.kept == part.window == Area(0, 0, 64, 80)


@given(st.integers(2, 12), st.integers(0, 60))
def test_mirroring_is_numpys_reflect(length, after):
    expected = np.pad(np.arange(length), (0, after), mode="reflect")
    assert np.array_equal(mirrored(np.arange(length + after), length), expected)


def test_one_row_is_repeated():
    assert mirrored(np.arange(4), 1).tolist() == [0, 0, 0, 0]


@given(LENGTHS, LENGTHS, TILES, GRIDS)
def test_a_window_is_a_piece_of_the_mirrored_frame(height, width, tile, grid):
    frame = np.random.default_rng(1).random((height, width, 2), dtype=np.float32)
    extra = [(0, padded_length(n, grid) - n) for n in (height, width)]
    modes = ["reflect" if n > 1 else "edge" for n in (height, width)]
    padded = np.pad(frame, (extra[0], (0, 0), (0, 0)), mode=modes[0])
    padded = np.pad(padded, ((0, 0), extra[1], (0, 0)), mode=modes[1])

    def source(top, left, rows, columns):
        assert min(top, left) >= 0
        assert top + rows <= height
        assert left + columns <= width
        return frame[top : top + rows, left : left + columns]

    for part in plan_tiles(height, width, tile, grid):
        assert np.array_equal(read_window(source, part.window, height, width), padded[slices(part.window)])


def test_a_mosaic_stays_a_mosaic_under_mirroring():
    for length in (6, 7):
        index = mirrored(np.arange(40), length)
        assert np.array_equal(index % 2, np.arange(40) % 2)


@given(LENGTHS, LENGTHS, st.integers(1, 9000), GRIDS)
def test_fitting_tiles_cover_the_frame_once_and_fit_where_any_do(height, width, most, grid):
    parts = fitting_tiles(height, width, grid, most)

    count = np.zeros((padded_length(height, grid), padded_length(width, grid)), dtype=int)
    for part in parts:
        count[slices(part.kept)] += 1
    assert count.min() == count.max() == 1
    largest = max(part.window.height * part.window.width for part in parts)
    # Never cut smaller than a halo or the smallest size, so hardly ever longer than two of them.
    least = 2 * (max(grid.halo, grid.min_size) + grid.stride) + 2 * (grid.halo + grid.stride)
    smallest = [min(least, padded_length(length, grid)) for length in (height, width)]
    assert largest <= max(most, smallest[0] * smallest[1])


def work(parts):
    return sum(part.window.height * part.window.width for part in parts)


@pytest.mark.parametrize("shape", [(3000, 4000), (4000, 3000), (6000, 4000), (700, 9000)])
@pytest.mark.parametrize("halo", [56, 112])
def test_fitting_tiles_take_the_least_work(shape, halo):
    grid, most = Grid(16, halo, 64), 1_700_000

    parts = fitting_tiles(*shape, grid, most)

    assert max(part.window.height * part.window.width for part in parts) <= most
    for side in range(256, 4000, 16):
        others = plan_tiles(*shape, side, grid)
        if max(part.window.height * part.window.width for part in others) <= most:
            assert work(parts) <= work(others)


@pytest.mark.parametrize(("halo", "least"), [(320, 320), (300, 304), (32, 64)])
def test_a_tile_is_never_small_beside_its_halo(halo, least):
    parts = fitting_tiles(2000, 2000, Grid(16, halo, 64), 1)

    kept = [part.kept for part in parts if part.kept.top + part.kept.height < 2000 - 16]
    assert least <= min(area.height for area in kept) <= least + 64
