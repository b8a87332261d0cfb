"""Shot and read noise: estimated, added."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rawtool.sensor.noise import NoiseModel, add_noise, add_row_noise, estimate_noise

BAYER = (2, 2)
# The noise table of a common camera at ISO 100, 1600 and 12800: variance = shot x + read.
LEVELS = [NoiseModel(1.7e-5, 2.5e-9), NoiseModel(2.7e-4, 6.4e-7), NoiseModel(2.1e-3, 4.1e-5)]
BLACK, WHITE = 512, 15871


def slope(height=512, width=512):
    """Light that rises from 0.02 to 0.9, the same in all planes."""
    y, x = np.mgrid[:height, :width]
    return (0.02 + 0.88 * (x + y) / (height + width)).astype(np.float32)


def gaussian(light, model, seed=0):
    """An independent camera: Gaussian noise, 14 bits, nothing clipped."""
    rng = np.random.default_rng(seed)
    noisy = light + rng.standard_normal(light.shape) * np.sqrt(model.shot * np.maximum(light, 0) + model.read)
    return (np.round(noisy * (WHITE - BLACK)) / (WHITE - BLACK)).astype(np.float32)


def ratios(estimate, truth, places=(0.05, 0.1, 0.5)):
    """Estimated over true standard deviation at some brightnesses."""
    quantisation = 1 / (WHITE - BLACK) ** 2 / 12
    return [
        ((estimate.shot * x + estimate.read) / (truth.shot * x + truth.read + quantisation)) ** 0.5
        for x in places
    ]


@pytest.mark.parametrize("model", LEVELS)
def test_the_noise_of_a_smooth_scene_is_found_within_a_tenth(model):
    estimate = estimate_noise(gaussian(slope(), model), BAYER)
    assert ratios(estimate, model) == pytest.approx([1, 1, 1], rel=0.1)


def test_flat_blocks_are_not_chosen_for_being_quiet_by_chance():
    found = [
        ratios(estimate_noise(gaussian(slope(), LEVELS[1], seed), BAYER), LEVELS[1], (0.3,))
        for seed in range(6)
    ]
    assert np.mean(found) == pytest.approx(1, abs=0.02)


def test_texture_over_most_of_the_frame_does_not_count():
    light = slope()
    rng = np.random.default_rng(5)
    texture = rng.choice(np.array([0.8, 1.2], np.float32), (512, 512))
    light[:, :400] *= texture[:, :400]
    estimate = estimate_noise(gaussian(light, LEVELS[1]), BAYER)
    assert ratios(estimate, LEVELS[1]) == pytest.approx([1, 1, 1], rel=0.15)


def test_offsets_of_rows_and_columns_do_not_count():
    mosaic = gaussian(slope(), LEVELS[1])
    offsets = np.random.default_rng(3).normal(0, 0.01, (512, 1)).astype(np.float32)
    estimate = estimate_noise(mosaic + offsets + offsets.T, BAYER)
    assert ratios(estimate, LEVELS[1]) == pytest.approx([1, 1, 1], rel=0.1)


def test_planes_of_unlike_brightness_share_one_model():
    light = slope()
    light[::2, ::2] *= 0.4
    light[1::2, 1::2] *= 0.6
    estimate = estimate_noise(gaussian(light, LEVELS[2]), BAYER)
    assert ratios(estimate, LEVELS[2]) == pytest.approx([1, 1, 1], rel=0.1)


@pytest.mark.parametrize("period", [(1, 1), (4, 4), (6, 6), (1, 3)])
def test_other_cells_work_as_well(period):
    estimate = estimate_noise(gaussian(slope(768, 768), LEVELS[1]), period)
    assert ratios(estimate, LEVELS[1]) == pytest.approx([1, 1, 1], rel=0.15)


def test_what_is_clipped_at_black_or_white_does_not_make_the_frame_look_clean():
    light = slope() * 1.6 - 0.3
    mosaic = np.clip(gaussian(light, LEVELS[2]), 0, 1)
    estimate = estimate_noise(mosaic, BAYER)
    assert ratios(estimate, LEVELS[2], (0.2, 0.5, 0.8)) == pytest.approx([1, 1, 1], rel=0.15)


def test_blocks_that_a_codec_erased_do_not_make_the_frame_look_clean():
    mosaic = gaussian(slope(), LEVELS[1])
    mosaic[:, :256] = np.repeat(np.repeat(mosaic[:, :256:16][::16], 16, axis=0), 16, axis=1)
    estimate = estimate_noise(mosaic, BAYER)
    assert ratios(estimate, LEVELS[1]) == pytest.approx([1, 1, 1], rel=0.15)


def test_a_large_frame_is_seen_through_strips_and_gives_the_same():
    light = slope(1100, 4200)
    estimate = estimate_noise(gaussian(light, LEVELS[1]), BAYER)
    assert ratios(estimate, LEVELS[1]) == pytest.approx([1, 1, 1], rel=0.05)


def test_a_clean_frame_of_two_values_has_the_noise_of_their_step():
    mosaic = np.full((128, 128), 0.25, np.float32)
    mosaic[:, 64:] = 0.5
    estimate = estimate_noise(mosaic, BAYER)
    assert estimate.shot == 0
    assert estimate.read == pytest.approx(0.25**2 / 12)


def test_a_sensor_without_read_noise_has_at_least_that_of_its_quantisation():
    model = NoiseModel(2.7e-4, 0.0)
    found = [estimate_noise(gaussian(slope(256, 256), model, seed), BAYER).read for seed in range(4)]
    assert min(found) >= 0.99 / (WHITE - BLACK) ** 2 / 12


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0, 7.0, np.nan])
def test_a_frame_of_one_value_has_no_noise(value):
    estimate = estimate_noise(np.full((64, 64), value, np.float32), BAYER)
    assert estimate == NoiseModel(0.0, 1e-12)


@given(
    mosaic=hnp.arrays(
        np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.floats(width=32)
    ),
    side=st.sampled_from([1, 2, 4, 6]),
)
def test_any_frame_gives_finite_noise(mosaic, side):
    with np.errstate(all="ignore"):
        estimate = estimate_noise(mosaic, (side, side))
    assert 0 <= estimate.shot < np.inf
    assert 0 < estimate.read < np.inf


def test_the_variance_of_a_value_under_black_is_that_of_black():
    model = NoiseModel(0.1, 0.02)
    np.testing.assert_allclose(
        model.variance(np.array([-1, 0, 0.5], np.float32)), [0.02, 0.02, 0.07], rtol=1e-6
    )


@pytest.mark.parametrize("light", [0.0, 0.004, 0.02, 0.3])
def test_added_noise_has_the_mean_and_variance_of_its_model(light):
    model = LEVELS[2]
    flat = np.full((600, 700), light, np.float32)
    noise = add_noise(flat, model, np.random.default_rng(1)).astype(np.float64) - light
    assert noise.mean() == pytest.approx(0, abs=4 * (model.shot * light + model.read) ** 0.5 / 648)
    assert noise.var() == pytest.approx(model.shot * light + model.read, rel=0.01)


def test_dark_shot_noise_has_the_skew_of_a_poisson_distribution():
    model, light = NoiseModel(2.1e-3, 1e-6), 0.01
    noise = add_noise(np.full((800, 800), light, np.float32), model, np.random.default_rng(2)) - light
    variance = model.shot * light + model.read
    # The third central moment of k Poisson(x / k) is k^2 x; a Gaussian has none.
    assert (noise.astype(np.float64) ** 3).mean() / variance**1.5 == pytest.approx(
        model.shot**2 * light / variance**1.5, rel=0.05
    )


def test_adding_noise_keeps_its_input_and_repeats_with_the_seed():
    light = slope(64, 80)
    before = light.copy()
    first, second = (add_noise(light, LEVELS[2], np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(light, before)
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32


def test_noise_without_shot_noise_can_be_added():
    noise = add_noise(np.zeros((300, 300), np.float32), NoiseModel(0.0, 4e-4), np.random.default_rng(4))
    assert noise.std() == pytest.approx(0.02, rel=0.02)


def test_row_noise_is_one_offset_a_row():
    noise = add_row_noise(np.zeros((4000, 5), np.float32), 0.01, np.random.default_rng(6))
    assert np.all(noise == noise[:, :1])
    assert noise[:, 0].std() == pytest.approx(0.01, rel=0.05)
