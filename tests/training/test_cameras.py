"""Cameras for training and measuring: plausible, even for white light, and never the same."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rawtool.errors import ConfigError  # noqa: E402 - after the check
from rawtool.sensor.cfa import RGGB  # noqa: E402
from rawtool.training import cameras  # noqa: E402
from rawtool.training.scenes import CameraFacts  # noqa: E402


def rng(seed=1):
    return np.random.default_rng(seed)


def test_white_light_is_even_for_every_camera(workshop):
    for camera in workshop.cameras:
        np.testing.assert_allclose(cameras.balanced_from_rgb(camera) @ np.ones(3), 1.0)


@pytest.mark.parametrize("cct_k", [2300.0, 2856.0, 6504.0, 11000.0])
def test_warm_light_has_more_red_and_less_blue(cct_k, workshop):
    neutral, daylight = (cameras.neutral_under(workshop.cameras[0], k) for k in (cct_k, 6504.0))

    assert neutral.max() == 1.0
    assert neutral.min() > 0.0
    ratios = (neutral[0] / neutral[2]) / (daylight[0] / daylight[2])
    assert (ratios > 1.0) == (cct_k < 6504.0)


def test_cameras_for_measuring_are_never_trained_on(workshop):
    assert [camera.model for camera in cameras.usable_cameras(workshop.cameras)] == ["Box 1"]
    for number in range(3):
        held = cameras.validation_camera(workshop.cameras, number, 1600)
        np.testing.assert_array_equal(held.balanced_from_rgb, cameras.balanced_from_rgb(workshop.cameras[1]))
        assert (held.noise.shot, held.noise.read) == cameras.SCORED_NOISE[1600]


def test_a_matrix_that_cannot_be_turned_round_is_left_out(workshop):
    flat = CameraFacts("Acme", "Flat", (1.0, 0.5, 0.2) * 3, None)

    assert cameras.usable_cameras((flat, *workshop.cameras)) == [workshop.cameras[0]]


def test_one_camera_may_be_asked_for_by_name_held_out_or_not(workshop):
    for facts in workshop.cameras:
        assert cameras.usable_cameras(workshop.cameras, facts.model) == [facts]
    with pytest.raises(ConfigError, match="knows no camera Box 7"):
        cameras.usable_cameras(workshop.cameras, "Box 7")


def test_random_cameras_are_plausible(workshop):
    drawn = [cameras.random_camera([workshop.cameras[0]], rng(seed)) for seed in range(60)]

    assert {None if camera.cfa is None else len(camera.cfa.cell) for camera in drawn} >= {None, 2}
    for camera in drawn:
        assert camera.neutral.max() == 1.0
        assert 0 < camera.noise.shot < 0.1
        assert 0 < camera.noise.read < 0.1
        assert 0 <= camera.black_level < camera.white_level <= 65535


def test_every_kind_of_sensor_is_drawn_with_its_share(workshop):
    random = rng(7)
    drawn = [cameras.random_camera(list(workshop.cameras), random) for _ in range(3000)]

    assert sum(share for *_, share in cameras.SENSOR_SHARES) == pytest.approx(1.0)
    for cfa, is_monochrome, share in cameras.SENSOR_SHARES:
        n = sum(camera.cfa is cfa and camera.is_monochrome == is_monochrome for camera in drawn)
        assert n / len(drawn) == pytest.approx(share, abs=0.02)


def test_cameras_of_a_kind_are_of_that_kind(workshop):
    random, facts = rng(3), [workshop.cameras[0]]

    assert all(cameras.random_bayer_camera(facts, random).cfa is RGGB for _ in range(200))
    assert not any(cameras.random_colour_camera(facts, random).is_monochrome for _ in range(200))
