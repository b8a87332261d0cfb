"""The forward camera: light becomes counts as physics has it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from rawtool.sensor.camera import SimulatedCamera, camera_light, expose, levels_of
from rawtool.sensor.cfa import RGGB
from rawtool.sensor.noise import NoiseModel
from tests import scenes, strategies

QUIET = SimulatedCamera(np.eye(3), np.ones(3), NoiseModel(0.0, 0.0), None)


def rng():
    return np.random.default_rng(7)


def test_without_noise_light_comes_back_to_half_a_count():
    ramp = scenes.grey_ramp(4, 64)

    light = levels_of(expose(ramp, QUIET, rng()), QUIET)

    np.testing.assert_allclose(light, ramp, atol=0.51 / (QUIET.white_level - QUIET.black_level))


@given(strategies.NEUTRALS)
def test_grey_under_coloured_light_has_the_colour_of_the_neutral(neutral):
    light = camera_light(scenes.grey(2, 2, 0.5), replace(QUIET, neutral=neutral))

    np.testing.assert_allclose(light[0, 0], 0.5 * neutral, rtol=1e-6)


@pytest.mark.parametrize("cell", [None, RGGB], ids=["three colours", "Bayer"])
def test_what_is_above_saturation_is_the_white_level(cell):
    counts = expose(scenes.grey(6, 6, 40.0), replace(QUIET, cfa=cell), rng())

    assert counts.dtype == np.uint16
    assert (counts == QUIET.white_level).all()


@pytest.mark.parametrize("x", [0.05, 0.6])
def test_the_variance_is_shot_times_light_plus_read(x):
    camera = replace(QUIET, noise=NoiseModel(1e-3, 1e-4), cfa=RGGB)

    light = levels_of(expose(scenes.grey(400, 400, x), camera, rng()), camera)

    # 160 000 samples: the standard error of a variance is 0.35 %.
    assert light.mean() == pytest.approx(x, abs=3e-4)
    assert light.var() == pytest.approx(1e-3 * x + 1e-4, rel=0.02)


def test_row_noise_moves_whole_rows():
    camera = replace(QUIET, row_noise=0.02, cfa=RGGB)

    light = levels_of(expose(scenes.grey(300, 40, 0.3), camera, rng()), camera)

    assert np.ptp(light, axis=1).max() == 0.0
    assert light[:, 0].std() == pytest.approx(0.02, rel=0.15)


def test_defects_touch_their_share_of_the_sites():
    camera = replace(QUIET, defects=0.01, cfa=RGGB)

    light = levels_of(expose(scenes.grey(300, 300, 0.2), camera, rng()), camera)

    assert (np.abs(light - 0.2) > 0.1).mean() == pytest.approx(0.01, rel=0.15)


def test_the_same_seed_takes_the_same_picture():
    camera = replace(QUIET, noise=NoiseModel(1e-3, 1e-4))

    first, second = (expose(scenes.stars(20, 20), camera, rng()) for _ in range(2))

    np.testing.assert_array_equal(first, second)
