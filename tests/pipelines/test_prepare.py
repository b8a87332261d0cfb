"""What Restore-Net sees: the same from a window as from the whole, and white where a channel clipped."""

import numpy as np
import pytest
from hypothesis import given

from rawtool.color.matrices import XYZ_FROM_SRGB
from rawtool.color.white_balance import gains_of_neutral
from rawtool.pipelines import prepare
from rawtool.sensor.cfa import QUAD_RGGB, RGGB, XTRANS, sample_mosaic
from rawtool.sensor.demosaic import demosaic
from rawtool.sensor.noise import NoiseModel
from tests import scenes, strategies

CELLS = {"RGGB": RGGB, "X-Trans": XTRANS, "Quad Bayer": QUAD_RGGB}
every_cell = pytest.mark.parametrize("cfa", CELLS.values(), ids=CELLS)
GAINS = np.array([2.0, 1.0, 1.5])


@every_cell
@given(neutral=strategies.NEUTRALS)
def test_a_grey_mosaic_under_coloured_light_becomes_even(cfa, neutral):
    light = np.full((12, 12, 3), neutral / neutral.max() * 0.4, np.float32)

    balanced = prepare.balance_samples(sample_mosaic(light, cfa), cfa, gains_of_neutral(neutral))

    np.testing.assert_allclose(balanced, 0.4, rtol=1e-5)


@pytest.mark.parametrize("shape", [(6, 6), (6, 6, 3)], ids=["mosaic", "colours"])
def test_what_any_channel_clipped_becomes_white(shape):
    cfa = RGGB if len(shape) == 2 else None

    balanced = prepare.balance_samples(np.full(shape, 1.2, np.float32), cfa, GAINS)

    assert (balanced == 1.0).all()


def test_noise_below_black_is_kept():
    assert prepare.balance_samples(np.full((4, 4), -0.02, np.float32), RGGB, GAINS).min() == pytest.approx(
        -0.04
    )


def test_the_samples_that_were_given_stay_as_they_were():
    samples = np.full((4, 4), 0.9, np.float32)

    balanced = prepare.balance_samples(samples, RGGB, GAINS)

    assert (samples == np.float32(0.9)).all()
    assert prepare.balance_samples(samples, RGGB, GAINS, out=samples) is samples
    np.testing.assert_array_equal(samples, balanced)


def test_a_monochrome_frame_is_grey_and_keeps_its_values():
    samples = scenes.zone_plate(8, 10)[..., 0]

    rgb = prepare.demosaic_balanced(prepare.balance_samples(samples, None, np.ones(3)), None)

    np.testing.assert_array_equal(rgb, np.repeat(samples[..., None], 3, axis=2))


@every_cell
def test_the_picture_is_xyz_and_a_mosaic_that_begins_on_red(cfa):
    mosaic = sample_mosaic(scenes.zone_plate(18, 24) * np.array([0.2, 0.5, 0.9], np.float32), cfa)

    picture = prepare.restore_input(mosaic, cfa, XYZ_FROM_SRGB)

    rgb = demosaic(mosaic, cfa)
    np.testing.assert_allclose(picture[..., :3], rgb @ XYZ_FROM_SRGB.T, atol=1e-6)
    sites = [
        picture[y::2, x::2, 3] - rgb[y::2, x::2, c]
        for y, x, c in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2))
    ]
    assert all((site == 0).all() for site in sites)


@pytest.mark.parametrize("cfa", [*CELLS.values(), None], ids=[*CELLS, "three colours"])
@pytest.mark.parametrize("area", [(0, 0, 20, 24), (14, 20, 24, 16), (40, 56, 20, 16)], ids=str)
def test_a_window_equals_a_cut_from_the_whole(cfa, area):
    rgb = scenes.zone_plate(60, 72) * np.array([0.3, 0.6, 0.8], np.float32)
    samples = rgb if cfa is None else sample_mosaic(rgb, cfa)
    top, left, height, width = area

    window = prepare.restore_window(samples, cfa, XYZ_FROM_SRGB, area)

    whole = prepare.restore_input(samples, cfa, XYZ_FROM_SRGB)
    np.testing.assert_allclose(window, whole[top : top + height, left : left + width], atol=2e-6)


@pytest.mark.parametrize(
    ("cfa", "flags"), [(RGGB, [1, 0]), (XTRANS, [0, 0]), (QUAD_RGGB, [0, 0]), (None, [0, 1])], ids=str
)
def test_the_condition_tells_the_noise_after_the_gains_and_how_colour_was_sampled(cfa, flags):
    told = prepare.restore_condition(NoiseModel(1e-4, 1e-6), GAINS, cfa)

    # Of k * x the variance is k^2 (shot * x + read) = (k shot) (k x) + k^2 read.
    expected = [2e-4, 1e-4, 1.5e-4, 4e-6, 1e-6, 2.25e-6, *flags]
    np.testing.assert_allclose(told, expected, rtol=1e-6)
    assert told.dtype == np.float32
    assert told.size == prepare.CONDITION_SIZE
