"""The initial interpolation: sites are kept, flat colours and slopes are exact, every phase alike."""

import numpy as np
import pytest
from hypothesis import given

from rawtool.sensor.cfa import QUAD_RGGB, RGGB, XTRANS, color_map, rolled, sample_mosaic
from rawtool.sensor.demosaic import MARGIN, demosaic
from tests import scenes, strategies

CELLS = {"RGGB": RGGB, "X-Trans": XTRANS, "Quad Bayer": QUAD_RGGB}
every_cell = pytest.mark.parametrize("cfa", CELLS.values(), ids=CELLS)


@every_cell
def test_what_a_site_saw_is_kept(cfa):
    mosaic = sample_mosaic(scenes.stars(18, 24), cfa) - np.float32(0.01)

    rgb = demosaic(mosaic, cfa)

    colors = color_map(cfa, mosaic.shape)[..., None].astype(int)
    np.testing.assert_array_equal(np.take_along_axis(rgb, colors, axis=2)[..., 0], mosaic)


@every_cell
def test_a_flat_colour_is_exact_up_to_the_border(cfa):
    flat = np.full((13, 17, 3), (0.2, 0.5, 0.9), np.float32)

    np.testing.assert_allclose(demosaic(sample_mosaic(flat, cfa), cfa), flat, rtol=1e-6)


@given(strategies.BAYER_CFAS)
def test_a_slope_is_exact_inside_for_every_phase(cfa):
    rows, columns = np.mgrid[0:12, 0:14].astype(np.float32)
    slope = np.stack([0.01 * rows + 0.02 * columns, 0.3 - 0.01 * columns, 0.03 * rows], axis=2)

    rgb = demosaic(sample_mosaic(slope, cfa), cfa)

    np.testing.assert_allclose(rgb[1:-1, 1:-1], slope[1:-1, 1:-1], atol=1e-6)


@pytest.mark.parametrize("cfa", [XTRANS, QUAD_RGGB], ids=["X-Trans", "Quad Bayer"])
def test_fine_grey_detail_has_hardly_any_colour(cfa):
    grey = 0.2 + 0.6 * scenes.zone_plate(120, 120)[..., :3]

    rgb = demosaic(sample_mosaic(grey.astype(np.float32), cfa), cfa)[6:-6, 6:-6]

    # Convolving every colour by itself leaves 0.147 and 0.155.
    assert np.abs(rgb[..., [0, 2]] - rgb[..., [1]]).mean() < 0.1


def test_what_a_site_did_not_see_is_the_mean_of_its_nearest_neighbours():
    mosaic = np.random.default_rng(3).random((6, 6), dtype=np.float32)

    rgb = demosaic(mosaic, RGGB)

    around = mosaic[[1, 3, 2, 2], [2, 2, 1, 3]].mean()
    corners = mosaic[[1, 1, 3, 3], [1, 3, 1, 3]].mean()
    np.testing.assert_allclose(rgb[2, 2], [mosaic[2, 2], around, corners], rtol=1e-6)
    beside, above = (mosaic[2, 2] + mosaic[2, 4]) / 2, (mosaic[1, 3] + mosaic[3, 3]) / 2
    np.testing.assert_allclose(rgb[2, 3], [beside, mosaic[2, 3], above], rtol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2), (2, 3), (3, 3), (3, 8)], ids=str)
@given(cfa=strategies.BAYER_CFAS)
def test_the_smallest_frames_have_finite_colours_of_their_size(cfa, shape):
    rgb = demosaic(np.full(shape, 0.25, np.float32), cfa)

    assert rgb.shape == (*shape, 3)
    assert np.isfinite(rgb).all()


@every_cell
def test_a_window_with_its_margin_equals_the_whole(cfa):
    mosaic = sample_mosaic(scenes.zone_plate(72, 84), cfa)
    top, left, side = 13, 16, 20
    window = mosaic[top - MARGIN : top + side + MARGIN, left - MARGIN : left + side + MARGIN]

    found = demosaic(window, rolled(cfa, top - MARGIN, left - MARGIN))[MARGIN:-MARGIN, MARGIN:-MARGIN]

    np.testing.assert_allclose(found, demosaic(mosaic, cfa)[top : top + side, left : left + side], atol=1e-6)
