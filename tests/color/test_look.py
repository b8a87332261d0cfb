"""Looks: natural changes nothing; vivid and flat do what they say and break nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.color.look import apply_look
from rawtool.color.tone import luminance
from rawtool.vocabulary import Look
from tests import scenes

CHANGING = (Look.VIVID, Look.FLAT)
GREYS = np.repeat(np.linspace(0.0, 1.0, 65, dtype=np.float32)[None, :, None], 3, axis=2)


def colour(red, green, blue):
    return np.full((1, 1, 3), (red, green, blue), np.float32)


def spread(picture):
    return float((picture.max(axis=2) - picture.min(axis=2)).mean())


def test_natural_is_the_picture_itself():
    picture = scenes.patches().clip(0.0, 1.0)

    assert apply_look(picture, Look.NATURAL) is picture


@pytest.mark.parametrize("look", CHANGING)
def test_greys_stay_grey_and_in_their_order(look):
    found = apply_look(GREYS, look)

    assert np.ptp(found, axis=2).max() < 1e-6
    assert np.all(np.diff(found[0, :, 0]) > 0.0)


def test_vivid_keeps_black_middle_and_white_and_is_steeper_between():
    found = apply_look(GREYS, Look.VIVID)[0, :, 0]

    np.testing.assert_allclose(found[[0, 32, 64]], [0.0, 0.5, 1.0], atol=1e-6)
    assert found[40] - found[24] > 1.1 * (GREYS[0, 40, 0] - GREYS[0, 24, 0])


def test_flat_leaves_room_at_both_ends_and_is_less_steep():
    found = apply_look(GREYS, Look.FLAT)[0, :, 0]

    np.testing.assert_allclose(found[[0, 64]], [0.04, 0.96], atol=1e-6)
    assert found[40] - found[24] < 0.8 * (GREYS[0, 40, 0] - GREYS[0, 24, 0])


def test_vivid_has_more_colour_and_flat_less():
    leaf = colour(0.35, 0.5, 0.3)

    assert spread(apply_look(leaf, Look.VIVID)) > 1.1 * spread(leaf)
    assert spread(apply_look(leaf, Look.FLAT)) < 0.95 * spread(leaf)


def test_vivid_spares_skin():
    skin, sky = colour(0.6, 0.46, 0.37), colour(0.37, 0.46, 0.6)
    gains = [spread(apply_look(each, Look.VIVID)) / spread(each) for each in (skin, sky)]

    assert 1.0 < gains[0] < 1.12
    assert gains[1] > gains[0] + 0.08


@pytest.mark.parametrize(
    "codes", [(255, 240, 20), (120, 255, 60), (140, 220, 255), (250, 120, 90), (255, 250, 235)]
)
def test_vivid_takes_no_colour_from_bright_things(codes):
    bright = colour(*(code / 255 for code in codes))

    assert spread(apply_look(bright, Look.VIVID)) >= 0.98 * spread(bright)


@pytest.mark.parametrize("look", CHANGING)
@given(rgb=st.tuples(*[st.floats(0.0, 1.0, width=32)] * 3))
def test_every_colour_stays_in_range_and_keeps_its_hue(look, rgb):
    picture = colour(*rgb)

    found = apply_look(picture, look)

    assert found.dtype == np.float32
    assert np.all((found >= 0.0) & (found <= 1.0))
    order = np.argsort(picture[0, 0], kind="stable")
    assert np.all(np.diff(found[0, 0][order]) >= -1e-5)


@pytest.mark.parametrize("look", CHANGING)
def test_there_are_no_steps(look):
    ramp = scenes.grey_ramp(4, 4096, (-10.0, 0.0)) * np.array([1.0, 0.7, 0.3], np.float32)

    found = apply_look(ramp, look)

    assert np.abs(np.diff(luminance(found), axis=1)).max() < 0.01
