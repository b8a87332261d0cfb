"""Mosaics and planes: nothing is lost, and every phase sees the same colours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.sensor import cfa
from rawtool.vocabulary import CfaPattern
from tests import scenes, strategies

CELLS = {"RGGB": cfa.RGGB, "X-Trans": cfa.XTRANS, "Quad Bayer": cfa.QUAD_RGGB}


@given(strategies.mosaics(), strategies.PATTERNS)
def test_planes_go_back_into_the_same_mosaic(mosaic, pattern):
    planes = cfa.pack_planes(mosaic, pattern)

    np.testing.assert_array_equal(cfa.unpack_planes(planes, pattern, mosaic.shape), mosaic)


@given(strategies.PATTERNS, st.integers(2, 9), st.integers(2, 9))
def test_each_plane_holds_one_colour_also_where_lines_were_mirrored(pattern, height, width):
    colors = np.array([[0.0, 1.0, 2.0]], np.float32)
    mosaic = cfa.sample_mosaic(np.tile(colors, (height, width, 1)), strategies.cfa_of(pattern))

    planes = cfa.pack_planes(mosaic, pattern)

    assert np.unique(planes.reshape(-1, 4), axis=0).tolist() == [[0.0, 1.0, 1.0, 2.0]]


def test_the_first_green_shares_the_row_of_red():
    mosaic = np.arange(16, dtype=np.float32).reshape(4, 4)

    planes = cfa.pack_planes(mosaic, CfaPattern.RGGB)

    assert planes[0, 0].tolist() == [0.0, 1.0, 4.0, 5.0]
    assert planes[1, 1].tolist() == [10.0, 11.0, 14.0, 15.0]


@given(strategies.mosaics(strategies.EVEN_SIDES), strategies.PATTERNS)
def test_rolling_the_mosaic_and_shifting_the_phase_keeps_every_plane(mosaic, pattern):
    top, left = cfa.rggb_offset(pattern)
    inner = mosaic[: len(mosaic) // 2 * 2, :]
    seen_from_red = np.roll(inner, (-top, -left), axis=(0, 1))

    # Within the frame; what was rolled around the edge is mirrored instead.
    whole = cfa.pack_planes(inner, pattern)[top:, left:]
    expected = cfa.pack_planes(seen_from_red, CfaPattern.RGGB)
    h, w = expected.shape[0] - top, expected.shape[1] - left

    np.testing.assert_array_equal(whole[:h, :w], expected[:h, :w])


@pytest.mark.parametrize("name", CELLS)
@given(origin=st.tuples(st.integers(0, 7), st.integers(0, 7)))
def test_a_rolled_cell_reads_as_the_window_does(name, origin):
    window = cfa.color_map(CELLS[name], (12, 12), origin)

    np.testing.assert_array_equal(cfa.color_map(cfa.rolled(CELLS[name], *origin), (12, 12)), window)


@pytest.mark.parametrize("name", CELLS)
def test_sampling_keeps_the_colour_of_each_site(name):
    rgb = scenes.patches(6)

    mosaic = cfa.sample_mosaic(rgb, CELLS[name])

    colors = cfa.color_map(CELLS[name], rgb.shape[:2])
    np.testing.assert_array_equal(
        mosaic, np.take_along_axis(rgb, colors[..., None].astype(int), axis=2)[..., 0]
    )


def test_an_xtrans_cell_has_twenty_greens_and_eight_of_each_other():
    assert np.bincount(np.array(cfa.XTRANS.cell).ravel()).tolist() == [8, 20, 8]
