"""The map of a whole picture: smooth, in its place, and the same in every window."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.runtime.guide import guide_in_window
from rawtool.runtime.tiling import Area, Grid, plan_tiles


def noise(*shape):
    return np.random.default_rng(11).standard_normal(shape, dtype=np.float32)


def whole(guide, shape, stride):
    """The map over a frame whose sides are multiples of stride."""
    return guide_in_window(guide, Area(0, 0, *shape), shape, stride)


@given(
    cells=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    guide_shape=st.tuples(st.integers(1, 24), st.integers(1, 24)),
    stride=st.sampled_from([1, 4, 8]),
)
def test_a_whole_frame_is_interpolated_as_torch_does(cells, guide_shape, stride):
    torch = pytest.importorskip("torch")
    guide = noise(*guide_shape, 3)
    planes = torch.from_numpy(np.moveaxis(guide, 2, 0)[None].copy())

    found = whole(guide, (cells[0] * stride, cells[1] * stride), stride)

    expected = torch.nn.functional.interpolate(planes, size=cells, mode="bilinear", align_corners=False)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.moveaxis(expected[0].numpy(), 0, 2), atol=2e-5)


@pytest.mark.parametrize("shape", [(104, 72), (101, 67), (9, 250), (8, 8)])
def test_every_window_is_a_cut_of_the_whole(shape):
    stride, guide = 8, noise(13, 10, 4)
    # The frame as it is padded for the network; what is asked for is told by the shape of the picture.
    height, width = (-(-side // stride) * stride for side in shape)
    expected = guide_in_window(guide, Area(0, 0, height, width), shape, stride)

    for tile in plan_tiles(*shape, 24, Grid(stride, 16, 8)):
        window = tile.window
        rows = slice(window.top // stride, (window.top + window.height) // stride)
        columns = slice(window.left // stride, (window.left + window.width) // stride)
        found = guide_in_window(guide, window, shape, stride)
        np.testing.assert_array_equal(found, expected[rows, columns])


def test_the_map_covers_the_picture_without_its_padding():
    """The guide is of the picture, so padding on one side does not move it."""
    ramp = np.broadcast_to(np.arange(20, dtype=np.float32)[:, None, None], (20, 3, 1))

    found = guide_in_window(ramp, Area(0, 0, 104, 8), (100, 8), 8)

    # Row i of the guide lies at (i + 1/2) * 5 pixels, the middle of cell k at 8 k + 4.
    middles = 8 * np.arange(13) + 4.0
    np.testing.assert_allclose(found[:, 0, 0], np.clip(middles / 5 - 0.5, 0, 19), atol=1e-5)


def test_beyond_the_border_the_border_repeats():
    guide = noise(4, 6, 2)

    # The middles of the outermost cells lie beyond the middles of the guide's own outermost cells.
    found = whole(guide, (64, 96), 8)
    far = guide_in_window(guide, Area(0, 0, 400, 400), (64, 96), 8)

    for row, column, corner in ((0, 0, (0, 0)), (0, -1, (0, -1)), (-1, 0, (-1, 0)), (-1, -1, (-1, -1))):
        np.testing.assert_array_equal(found[row, column], guide[corner])
    np.testing.assert_array_equal(far[20:, 20:], np.broadcast_to(guide[-1, -1], (30, 30, 2)))


def test_a_guide_of_one_place_is_the_same_everywhere():
    guide = noise(1, 1, 5)

    np.testing.assert_array_equal(whole(guide, (40, 24), 8), np.broadcast_to(guide, (5, 3, 5)))


def test_what_does_not_vary_over_the_guide_is_exact_in_every_window():
    """A curve for the whole picture travels in the guide and must be the same number in all tiles."""
    guide = np.broadcast_to(noise(1, 1, 4), (128, 96, 4))

    found = guide_in_window(guide, Area(56, 8, 88, 64), (997, 333), 8)

    np.testing.assert_array_equal(found, np.broadcast_to(guide[:1, :1], found.shape))
