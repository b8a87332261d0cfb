"""Neutrals and gains: one undoes the other, and what clipped becomes white."""

import numpy as np
import pytest
from hypothesis import given

from rawtool.color import white_balance
from tests import strategies


@given(strategies.NEUTRALS)
def test_gains_make_a_neutral_grey_and_never_darken(neutral):
    gains = white_balance.gains_of_neutral(neutral)

    assert gains.min() == 1.0
    np.testing.assert_allclose(np.ptp(gains * neutral), 0.0, atol=1e-12)


def test_under_light_in_which_red_clips_first_its_gain_is_one():
    gains = white_balance.gains_of_neutral(np.array([1.25, 1.0, 0.5]))

    np.testing.assert_allclose(gains, [1.0, 1.25, 2.5])


@given(strategies.NEUTRALS)
def test_the_neutral_of_gains_has_green_one(neutral):
    found = white_balance.neutral_of_gains(3.0 * white_balance.gains_of_neutral(neutral))

    np.testing.assert_allclose(found, neutral, rtol=1e-12)


@given(strategies.NEUTRALS)
def test_a_white_seen_through_the_camera_becomes_its_neutral(neutral):
    xyz_from_balanced = np.array([[0.6, 0.2, 0.1], [0.3, 0.8, -0.1], [0.0, -0.1, 1.1]])

    found = white_balance.neutral_of_xyz(xyz_from_balanced @ neutral * 0.7, xyz_from_balanced)

    np.testing.assert_allclose(found, neutral, rtol=1e-9)


def test_a_white_outside_of_what_the_camera_sees_stays_above_zero():
    found = white_balance.neutral_of_xyz(np.array([-1.0, 1.0, 1.0]), np.eye(3))

    assert found == pytest.approx([1e-3, 1.0, 1.0])
