"""Hot and dead pixels, gain maps."""

import numpy as np
import pytest

from rawtool.frames import GainMap
from rawtool.sensor.defects import apply_gain_maps, repair_hot_pixels
from rawtool.sensor.noise import NoiseModel

NOISE = NoiseModel(2.7e-4, 6.4e-7)
BAYER = (2, 2)


def noisy_slope(height=96, width=130, seed=0):
    """A slope of unlike planes with the noise of NOISE."""
    y, x = np.mgrid[:height, :width]
    light = (0.1 + 0.4 * (x + y) / (height + width)) * np.where((x + y) % 2, 1.0, 0.5)
    rng = np.random.default_rng(seed)
    return (light + rng.standard_normal(light.shape) * np.sqrt(NOISE.shot * light + NOISE.read)).astype(
        np.float32
    )


@pytest.mark.parametrize("place", [(40, 41), (41, 41), (0, 0), (0, 64), (95, 129), (63, 1), (64, 0)])
@pytest.mark.parametrize("value", [0.95, 0.0])
def test_a_hot_or_dead_pixel_becomes_the_median_of_its_colour(place, value):
    mosaic = noisy_slope()
    clean = mosaic[place]
    mosaic[place] = value
    repaired = repair_hot_pixels(mosaic, BAYER, NOISE)
    assert np.argwhere(repaired != mosaic).tolist() == [list(place)]
    assert repaired[place] == pytest.approx(clean, abs=0.04)


def test_the_median_is_that_of_the_eight_neighbours_of_the_same_colour():
    mosaic = np.full((12, 12), 0.2, np.float32)
    ring = [(4, 4), (4, 6), (4, 8), (6, 4), (6, 8), (8, 4), (8, 6), (8, 8)]
    for number, place in enumerate(ring):
        mosaic[place] = 0.5 + 0.001 * number**2
    mosaic[6, 6] = 0.9
    assert repair_hot_pixels(mosaic, BAYER, NOISE)[6, 6] == pytest.approx(0.5 + 0.001 * (3**2 + 4**2) / 2)


def test_noise_is_no_defect():
    mosaic = noisy_slope(600, 600)
    np.testing.assert_array_equal(repair_hot_pixels(mosaic, BAYER, NOISE), mosaic)


def test_noise_that_is_known_to_be_strong_hides_a_weak_defect():
    mosaic = np.full((20, 20), 0.1, np.float32)
    mosaic[10, 10] = 0.16
    assert repair_hot_pixels(mosaic, BAYER, NOISE)[10, 10] == pytest.approx(0.1)
    assert repair_hot_pixels(mosaic, BAYER, NoiseModel(0.0, 0.02**2))[10, 10] == pytest.approx(0.16)


def test_a_tenth_more_than_its_neighbours_is_no_defect_even_without_noise():
    mosaic = np.full((20, 20), 0.5, np.float32)
    mosaic[10, 10] = 0.55
    np.testing.assert_array_equal(repair_hot_pixels(mosaic, BAYER, NoiseModel(0.0, 1e-12)), mosaic)


@pytest.mark.parametrize("star", [[(40, 40), (40, 41)], [(40, 40), (41, 40)], [(41, 40), (40, 41)]])
@pytest.mark.parametrize("period", [(1, 1), (2, 2), (6, 6)])
def test_a_star_of_two_touching_pixels_stays(star, period):
    mosaic = np.full((80, 80), 0.02, np.float32)
    for place in star:
        mosaic[place] = 0.7
    np.testing.assert_array_equal(repair_hot_pixels(mosaic, period, NOISE), mosaic)


def test_a_star_whose_other_colours_are_ten_times_weaker_stays():
    mosaic = np.full((80, 80), 0.02, np.float32)
    mosaic[40, 40] = 0.7
    mosaic[40, 41] = 0.02 + 0.12 * 0.68
    np.testing.assert_array_equal(repair_hot_pixels(mosaic, BAYER, NOISE), mosaic)


def test_fine_texture_stays():
    rng = np.random.default_rng(8)
    mosaic = rng.uniform(0.1, 0.6, (256, 256)).astype(np.float32)
    assert np.count_nonzero(repair_hot_pixels(mosaic, BAYER, NOISE) != mosaic) <= 2


def test_edges_and_lines_stay():
    mosaic = np.full((64, 64), 0.05, np.float32)
    mosaic[:, 32:] = 0.8
    mosaic[20, :] = 0.9
    mosaic[40:, 10] = 0.9
    np.testing.assert_array_equal(repair_hot_pixels(mosaic, BAYER, NOISE), mosaic)


@pytest.mark.parametrize(("period", "cells"), [((1, 1), 3), ((4, 4), 3), ((6, 6), 4)])
def test_other_cells_are_repaired_as_well(period, cells):
    side = period[0] * cells + 1
    mosaic = np.tile(
        np.linspace(0.1, 0.3, period[0] ** 2, dtype=np.float32).reshape(period), (cells + 1, cells + 1)
    )
    mosaic = mosaic[:side, :side].copy()
    place = (period[0] + period[0] // 2, period[1])
    expected = mosaic[place]
    mosaic[place] = 1.0
    assert repair_hot_pixels(mosaic, period, NOISE)[place] == pytest.approx(expected)


def test_a_frame_too_small_for_neighbours_is_left_alone():
    mosaic = np.zeros((6, 5), np.float32)
    mosaic[2, 2] = 1.0
    np.testing.assert_array_equal(repair_hot_pixels(mosaic, BAYER, NOISE), mosaic)


def test_repairing_keeps_its_input():
    mosaic = noisy_slope()
    mosaic[30, 30] = 1.0
    before = mosaic.copy()
    repaired = repair_hot_pixels(mosaic, BAYER, NOISE)
    np.testing.assert_array_equal(mosaic, before)
    assert repair_hot_pixels(mosaic, BAYER, NOISE, out=mosaic) is mosaic
    np.testing.assert_array_equal(mosaic, repaired)
    assert mosaic[30, 30] != before[30, 30]


def gain_at(gain_map, row, column, height, width):
    """One gain by the book: DNG 1.4 chapter 7, GainMap; pixel centres, bilinear, nearest outside."""
    corner, part = [], []
    for place, axis in (((row + 0.5) / height, 0), ((column + 0.5) / width, 1)):
        last = gain_map.gains.shape[axis] - 1
        position = (place - gain_map.origin[axis]) / gain_map.spacing[axis]
        position = min(max(position, 0.0), float(last))
        corner.append(min(int(position), max(last - 1, 0)))
        part.append(position - corner[-1])
    rows = [corner[0], min(corner[0] + 1, gain_map.gains.shape[0] - 1)]
    columns = [corner[1], min(corner[1] + 1, gain_map.gains.shape[1] - 1)]
    top, bottom = (
        gain_map.gains[i, columns[0]] * (1 - part[1]) + gain_map.gains[i, columns[1]] * part[1] for i in rows
    )
    return top * (1 - part[0]) + bottom * part[0]


def random_map(area, pitch=(1, 1), shape=(4, 5), **fields):
    gains = np.random.default_rng(9).uniform(1, 3, shape).astype(np.float32)
    return GainMap(area, pitch, (0.1, -0.05), (0.27, 0.22), gains, **fields)


def test_a_map_touches_its_area_in_steps_of_its_pitch_and_nothing_else():
    mosaic = np.full((13, 18), 0.5, np.float32)
    gain_map = random_map((1, 2, 9, 11), pitch=(2, 3))
    expected = mosaic.copy()
    for row in range(1, 10, 2):
        for column in range(2, 13, 3):
            expected[row, column] *= gain_at(gain_map, row, column, 13, 18)
    np.testing.assert_allclose(apply_gain_maps(mosaic, (gain_map,)), expected, rtol=1e-5)


def test_a_frame_in_the_middle_of_two_nodes_gets_their_mean():
    gains = np.array([[1.0, 2.0]], np.float32)
    gain_map = GainMap((0, 0, 1, 4), (1, 1), (0.0, 0.0), (1.0, 1.0), gains)
    # Pixel centres at 1/8, 3/8, 5/8, 7/8 of the width between a node of gain 1 and one of gain 2.
    np.testing.assert_allclose(
        apply_gain_maps(np.ones((1, 4), np.float32), (gain_map,)), [[1.125, 1.375, 1.625, 1.875]]
    )


def test_beyond_the_nodes_the_nearest_one_holds():
    gains = np.array([[2.0, 3.0]], np.float32)
    gain_map = GainMap((0, 0, 1, 10), (1, 1), (0.5, 0.4), (1.0, 0.2), gains)
    corrected = apply_gain_maps(np.ones((1, 10), np.float32), (gain_map,))
    np.testing.assert_allclose(corrected, [[2, 2, 2, 2, 2.25, 2.75, 3, 3, 3, 3]], rtol=1e-6)


def test_four_maps_make_one_bayer_mosaic():
    mosaic = np.full((10, 14), 0.25, np.float32)
    maps = tuple(
        GainMap(
            (i, j, 10 - i, 14 - j), (2, 2), (0.5, 0.5), (1.0, 1.0), np.full((1, 1), 1 + i + 2 * j, np.float32)
        )
        for i in (0, 1)
        for j in (0, 1)
    )
    np.testing.assert_allclose(apply_gain_maps(mosaic, maps)[4:6, 6:8], [[0.25, 0.75], [0.5, 1.0]])


def test_a_map_of_a_picture_of_three_channels_touches_its_planes():
    pixels = np.full((6, 8, 3), 0.5, np.float32)
    gain_map = random_map((0, 0, 6, 8), plane=1, n_planes=2)
    corrected = apply_gain_maps(pixels, (gain_map,))
    np.testing.assert_array_equal(corrected[..., 0], pixels[..., 0])
    for channel in (1, 2):
        assert corrected[3, 5, channel] == pytest.approx(0.5 * gain_at(gain_map, 3, 5, 6, 8), rel=1e-5)


def test_maps_follow_each_other_and_nothing_is_clipped():
    whole = (0, 0, 4, 4)
    maps = (GainMap(whole, (1, 1), (0.0, 0.0), (1.0, 1.0), np.full((2, 2), 2.0, np.float32)),) * 2
    np.testing.assert_allclose(apply_gain_maps(np.full((4, 4), 0.9, np.float32), maps), 3.6, rtol=1e-6)


@pytest.mark.parametrize("area", [(2, 2, 100, 100), (50, 0, 4, 4), (0, 0, 0, 4)])
def test_an_area_that_reaches_beyond_the_frame_is_cut(area):
    mosaic = np.ones((8, 8), np.float32)
    gain_map = GainMap(area, (1, 1), (0.0, 0.0), (1.0, 1.0), np.full((2, 2), 2.0, np.float32))
    expected = np.ones((8, 8), np.float32)
    expected[area[0] : area[0] + area[2], area[1] : area[1] + area[3]] = 2
    np.testing.assert_array_equal(apply_gain_maps(mosaic, (gain_map,)), expected)


def test_applying_maps_keeps_its_input():
    mosaic = np.ones((8, 8), np.float32)
    gain_map = random_map((0, 0, 8, 8))
    corrected = apply_gain_maps(mosaic, (gain_map,))
    assert np.all(mosaic == 1)
    assert apply_gain_maps(mosaic, (gain_map,), out=mosaic) is mosaic
    np.testing.assert_array_equal(mosaic, corrected)
