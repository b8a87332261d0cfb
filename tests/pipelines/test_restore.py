"""Restoration of a whole frame: tiles do not show, strength blends, the wrong network is refused."""

from dataclasses import replace

import numpy as np
import pytest

from rawtool.color.matrices import SRGB_FROM_XYZ
from rawtool.errors import ModelContractError
from rawtool.pipelines.clock import Clock
from rawtool.pipelines.light import balanced_samples, clean_frame, find_light
from rawtool.pipelines.prepare import restore_input
from rawtool.pipelines.restore import restore
from rawtool.pipelines.settings import DevelopSettings
from rawtool.sensor.noise import NoiseModel
from tests import raws, scenes

NOISE = NoiseModel(1e-4, 1e-6)


def prepared(darkroom, kind="Bayer", shape=(75, 139)):
    frame = raws.photograph(
        scenes.zone_plate(*shape) * np.array([0.5, 0.4, 0.3], np.float32), kind, noise=NOISE
    )
    clean = clean_frame(frame)
    light = find_light(frame, clean, darkroom.restore, "camera")
    return balanced_samples(clean, light), clean, light


def initial(samples, clean, light):
    return restore_input(samples, clean.cfa, light.xyz_from_balanced)[..., :3] @ SRGB_FROM_XYZ.T


@pytest.mark.parametrize("kind", ["Bayer", "X-Trans", "LinearRaw"])
def test_a_network_that_changes_nothing_gives_the_initial_demosaic(kind, darkroom):
    samples, clean, light = prepared(darkroom, kind)

    rgb = restore(samples, clean.cfa, light, darkroom.restore, DevelopSettings(), Clock())

    assert rgb.shape == (*samples.shape[:2], 3)
    np.testing.assert_allclose(rgb, initial(samples, clean, light), atol=2e-5)


@pytest.mark.parametrize("kind", ["Bayer", "Quad Bayer"])
def test_tiles_equal_the_whole(kind, lively_darkroom):
    samples, clean, light = prepared(lively_darkroom, kind, (91, 203))

    whole, tiled = (
        restore(samples, clean.cfa, light, lively_darkroom.restore, DevelopSettings(tile=tile), Clock())
        for tile in (512, 32)
    )

    assert np.abs(whole - initial(samples, clean, light)).max() > 0.05
    assert np.abs(whole - tiled).max() <= 1e-4


def test_what_was_seen_without_colours_stays_grey(lively_darkroom):
    samples, clean, light = prepared(lively_darkroom, "monochrome")

    rgb = restore(samples, clean.cfa, light, lively_darkroom.restore, DevelopSettings(), Clock())

    assert np.ptp(rgb, axis=2).max() == 0.0
    assert np.abs(rgb - samples[..., None]).max() > 0.01


def test_strength_blends_between_the_initial_demosaic_and_the_network(lively_darkroom):
    samples, clean, light = prepared(lively_darkroom)

    none, third, full = (
        restore(
            samples, clean.cfa, light, lively_darkroom.restore, DevelopSettings(strength=s, tile=64), Clock()
        )
        for s in (0.0, 30.0, 100.0)
    )

    np.testing.assert_allclose(none, initial(samples, clean, light), atol=2e-6)
    np.testing.assert_allclose(third, none + np.float32(0.3) * (full - none), atol=2e-5)


def test_progress_grows_to_its_share(darkroom):
    samples, clean, light = prepared(darkroom)
    seen = []

    restore(samples, clean.cfa, light, darkroom.restore, DevelopSettings(tile=32), Clock(seen.append))

    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(0.7)
    assert len(seen) == 15


def test_a_network_for_another_task_is_refused(darkroom):
    samples, clean, light = prepared(darkroom)

    with pytest.raises(ModelContractError, match="does not restore"):
        restore(samples, clean.cfa, light, darkroom.enhance, DevelopSettings(), Clock())


def test_a_network_for_pictures_that_are_not_balanced_is_refused(darkroom):
    samples, clean, light = prepared(darkroom)
    card = darkroom.restore.card
    other = replace(darkroom.restore, card=replace(card, input=replace(card.input, is_balanced=False)))

    with pytest.raises(ModelContractError, match="does not restore"):
        restore(samples, clean.cfa, light, other, DevelopSettings(), Clock())
