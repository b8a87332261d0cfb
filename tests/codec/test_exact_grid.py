"""The order of coding: every sample once, and only what is known is looked at."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.codec import exact_grid

SHAPES = st.tuples(st.integers(1, 90), st.integers(1, 90))


@given(SHAPES)
def test_the_passes_reach_every_sample_once(shape):
    visits = np.zeros(shape, int)
    for which in exact_grid.passes_of(shape):
        visits[which.slices()] += 1
        assert visits[which.slices()].shape == which.shape(shape)

    assert (visits == 1).all()


@pytest.mark.parametrize("shape", [(40, 50), (1, 99), (97, 2)])
def test_own_neighbours_are_known_before_they_are_looked_at(shape):
    is_known = np.zeros(shape, bool)
    for which in exact_grid.passes_of(shape):
        rows, columns = np.indices(shape)[(slice(None), *which.slices())]
        for dy, dx in exact_grid.own_offsets(which):
            y, x = rows + dy * which.spacing, columns + dx * which.spacing
            is_inside = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
            assert is_known[y[is_inside], x[is_inside]].all()
        is_known[which.slices()] = True

    assert is_known.all()


def test_the_nearest_four_surround_a_sample():
    square, row, column = exact_grid.passes_of((60, 60))[-3:]

    assert set(exact_grid.own_offsets(square)[:4]) == {(-1, -1), (-1, 1), (1, -1), (1, 1)}
    for which in (row, column):
        assert set(exact_grid.own_offsets(which)[:4]) == {(-1, 0), (1, 0), (0, -1), (0, 1)}


def test_neighbours_are_the_nearest_in_the_mosaic():
    red, green, other_green, _ = exact_grid.sites_of((2, 2), 1)
    finest = exact_grid.passes_of((60, 60))[-1]

    found = exact_grid.neighbours_of(finest, red, [green, other_green])

    assert len(found.own) + len(found.others) == exact_grid.N_NEIGHBOURS
    assert set(found.others[:4]) == {(0, 0, 0), (0, 0, -1), (1, 0, 0), (1, -1, 0)}
    assert len(exact_grid.neighbours_of(finest, green, []).own) == exact_grid.N_NEIGHBOURS
    assert exact_grid.neighbours_of(exact_grid.passes_of((60, 60))[0], green, []).own == ()


@given(SHAPES, st.sampled_from([(1, 1), (2, 2), (4, 4), (6, 6)]), st.sampled_from([1, 3]))
def test_planes_are_cut_and_pasted(shape, cell_shape, n_channels):
    samples = np.arange(shape[0] * shape[1] * n_channels).reshape(*shape, n_channels)
    back = np.full_like(samples, -1)
    shape_of_plane = exact_grid.plane_shape(samples.shape, cell_shape)
    for site in exact_grid.sites_of(cell_shape, n_channels):
        plane = exact_grid.cut_plane(samples, site, shape_of_plane)
        assert plane.shape == shape_of_plane
        exact_grid.paste_plane(back, site, plane)

    assert np.array_equal(back, samples)


def test_a_margin_repeats_the_edges():
    padded = exact_grid.with_margin(np.array([[1, 2], [3, 4]]), 1)

    assert padded.tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
