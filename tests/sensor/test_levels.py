"""Black and white level."""

import numpy as np
import pytest

from rawtool.errors import CorruptFileError
from rawtool.frames import Capture, Cfa, RawFrame
from rawtool.sensor.levels import normalise
from rawtool.vocabulary import SensorKind

BAYER = Cfa(((0, 1), (1, 2)))
QUAD = Cfa(((0, 0, 1, 1), (0, 0, 1, 1), (1, 1, 2, 2), (1, 1, 2, 2)))
XTRANS = Cfa(
    (
        (1, 0, 2, 1, 2, 0),
        (2, 1, 1, 0, 1, 1),
        (0, 1, 1, 2, 1, 1),
        (1, 2, 0, 1, 0, 2),
        (0, 1, 1, 2, 1, 1),
        (2, 1, 1, 0, 1, 1),
    )
)


def frame(samples, black, white, cfa=None, kind=SensorKind.BAYER):
    crop = (0, 0, samples.shape[0], samples.shape[1])
    capture = Capture(make="", model="", as_shot_neutral=None, matrices=())
    return RawFrame(samples, kind, cfa, black, white, crop, capture)


def test_each_position_of_a_bayer_cell_has_its_own_black():
    counts = np.array([[100, 200, 1100], [300, 400, 300], [600, 200, 100]], np.uint16)
    expected = [[0, 0, 1000 / 1000], [0, 0, 0], [500 / 1000, 0, 0]]
    values = normalise(frame(counts, (100.0, 200.0, 300.0, 400.0), 1100.0, BAYER))
    np.testing.assert_allclose(values, expected, atol=1e-7)
    assert values.dtype == np.float32


@pytest.mark.parametrize(("cfa", "kind"), [(QUAD, SensorKind.QUAD_BAYER), (XTRANS, SensorKind.XTRANS)])
def test_a_larger_cell_repeats_from_the_first_pixel(cfa, kind):
    side = len(cfa.cell)
    rng = np.random.default_rng(1)
    black = tuple(float(level) for level in rng.integers(50, 90, side * side))
    counts = rng.integers(0, 4096, (2 * side + 3, 3 * side + 1)).astype(np.uint16)
    values = normalise(frame(counts, black, 4000.0, cfa, kind))
    for row, column in [(0, 0), (1, 2), (side, side - 1), (side + 2, 2 * side + 1), (2 * side + 2, 3 * side)]:
        level = black[(row % side) * side + column % side]
        expected = (float(counts[row, column]) - level) / (4000.0 - level)
        assert values[row, column] == pytest.approx(expected, abs=1e-6)


def test_a_linear_raw_has_one_black_for_each_channel():
    counts = np.full((5, 7, 3), 300, np.uint16)
    values = normalise(frame(counts, (100.0, 200.0, 300.0), 1100.0, None, SensorKind.LINEAR))
    np.testing.assert_allclose(values[4, 6], [200 / 1000, 100 / 900, 0], atol=1e-7)
    assert values.shape == counts.shape


def test_a_monochrome_frame_has_one_black():
    counts = np.array([[10, 110], [210, 60]], np.uint16)
    values = normalise(frame(counts, (10.0,), 210.0, None, SensorKind.MONOCHROME))
    np.testing.assert_allclose(values, [[0, 0.5], [1, 0.25]], atol=1e-7)


def test_noise_under_black_and_light_above_white_are_kept():
    counts = np.array([[0, 512], [1024, 2048]], np.uint16)
    values = normalise(frame(counts, (512.0,) * 4, 1024.0, BAYER))
    np.testing.assert_allclose(values, [[-1, 0], [1, 3]], atol=1e-7)


def test_a_float_frame_with_white_one_keeps_its_values():
    samples = np.array([[-0.25, 0.0], [0.5, 4.0]], np.float32)
    np.testing.assert_array_equal(normalise(frame(samples, (0.0,) * 4, 1.0, BAYER)), samples)


def test_white_is_exactly_one_and_the_frame_stays_as_it_was():
    counts = np.full((4, 4), 15871, np.uint16)
    values = normalise(frame(counts, (511.0, 512.0, 513.0, 514.25), 15871.0, BAYER))
    assert np.all(values == 1)
    assert np.all(counts == 15871)


def test_a_white_level_that_is_not_above_black_is_said_to_the_user():
    counts = np.zeros((2, 2), np.uint16)
    with pytest.raises(CorruptFileError, match="white level 512 is not above the black level 512"):
        normalise(frame(counts, (0.0, 0.0, 512.0, 0.0), 512.0, BAYER))


def test_black_levels_that_do_not_fit_the_cell_are_our_mistake():
    with pytest.raises(ValueError, match="3 black levels for a cell of 2 x 2"):
        normalise(frame(np.zeros((2, 2), np.uint16), (0.0, 0.0, 0.0), 512.0, BAYER))
