"""Camera matrices: white goes to white, and the light is found from its neutral."""

import numpy as np
import pytest
from hypothesis import given

from rawtool.color import matrices
from rawtool.frames import Illuminated
from tests import strategies

# ColorMatrix of a full-frame camera under A and D65, and a ForwardMatrix whose rows sum to D50.
WARM = np.array([[0.8924, -0.3010, -0.0290], [-0.5300, 1.3250, 0.2280], [-0.0730, 0.1540, 0.6290]])
COOL = np.array([[0.7188, -0.1641, -0.0781], [-0.5400, 1.3530, 0.2060], [-0.1020, 0.1940, 0.6240]])
FORWARD = np.array([[0.65, 0.20, 0.11422], [0.25, 0.75, 0.0], [0.01, -0.10, 0.91521]])
SINGLE = (Illuminated(6504.0, COOL),)
DUAL = (Illuminated(2856.0, WARM), Illuminated(6504.0, COOL))
WITH_FORWARD = (
    Illuminated(2856.0, WARM, FORWARD),
    Illuminated(6504.0, COOL, FORWARD * [[1.0], [1.002], [0.999]]),
)
# CIE 15: chromaticities of the standard illuminants.
A, D65 = (0.44757, 0.40745), (0.31272, 0.32903)


def test_xyz_becomes_the_published_linear_srgb():
    # CameraNet, golden vector.
    found = matrices.SRGB_FROM_XYZ @ (0.3, 0.4, 0.5)

    np.testing.assert_allclose(found, (0.108015203, 0.480402511, 0.463695275), atol=1e-7)


@pytest.mark.parametrize("known", [SINGLE, DUAL, WITH_FORWARD], ids=["one", "two", "forward"])
@given(neutral=strategies.NEUTRALS)
def test_white_becomes_the_white_of_d65(known, neutral):
    xyz = matrices.xyz_from_balanced(known, neutral) @ np.ones(3)

    np.testing.assert_allclose(xyz, matrices.D65_WHITE, atol=1e-6)


@pytest.mark.parametrize("known", [SINGLE, DUAL], ids=["one", "two"])
def test_under_daylight_the_matrix_is_the_inverse_of_the_cameras(known):
    neutral = COOL @ matrices.D65_WHITE
    seen = np.array([0.3, 0.2, 0.1])

    found = matrices.xyz_from_balanced(known, neutral / neutral[1]) @ (seen / neutral)

    np.testing.assert_allclose(found, np.linalg.inv(COOL) @ seen, rtol=2e-3)


def test_a_forward_matrix_is_taken_where_the_file_has_it():
    neutral = COOL @ matrices.D65_WHITE
    # Bradford, D50 to D65, as published by Lindbloom.
    d65_from_d50 = [
        [0.9555766, -0.0230393, 0.0631636],
        [-0.0282895, 1.0099416, 0.0210077],
        [0.0122982, -0.0204830, 1.3299098],
    ]

    found = matrices.xyz_from_balanced(WITH_FORWARD, neutral / neutral[1])

    np.testing.assert_allclose(found, d65_from_d50 @ FORWARD, atol=2e-3)


def test_adaptation_sends_white_to_white():
    to_d65 = matrices.adapt_white(matrices.D50_WHITE, matrices.D65_WHITE)

    np.testing.assert_allclose(to_d65 @ matrices.D50_WHITE, matrices.D65_WHITE, atol=1e-12)


@pytest.mark.parametrize("cct_k", [2856.0, 4000.0, 6504.0])
def test_the_light_is_found_from_the_neutral_that_it_gives(cct_k):
    white = matrices.xyz_of_xy(matrices.planckian_xy(cct_k))
    share = (1 / cct_k - 1 / 6504.0) / (1 / 2856.0 - 1 / 6504.0)
    neutral = (share * WARM + (1 - share) * COOL) @ white

    found = matrices.white_of_neutral(DUAL, neutral / neutral[1])

    np.testing.assert_allclose(found, white, atol=4e-3)


@pytest.mark.parametrize("neutral", [(1e-3, 1.0, 1e-3), (50.0, 1.0, 0.01), (0.01, 1.0, 50.0)], ids=str)
@pytest.mark.parametrize("known", [SINGLE, DUAL, WITH_FORWARD], ids=["one", "two", "forward"])
def test_a_neutral_that_no_light_gives_still_makes_a_usable_matrix(known, neutral):
    found = matrices.xyz_from_balanced(known, np.array(neutral))

    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("cct_k", "warmth"), [(1000.0, 1.0), (2856.0, 1.0), (3969.12, 0.5), (6504.0, 0.0), (20000.0, 0.0)]
)
def test_calibrations_are_blended_by_reciprocal_temperature_and_held_at_the_ends(cct_k, warmth):
    found = matrices.interpolate_matrices(DUAL, cct_k).camera_from_xyz

    np.testing.assert_allclose(found, warmth * WARM + (1 - warmth) * COOL, atol=1e-5)


def test_a_camera_without_matrices_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="without matrices"):
        matrices.interpolate_matrices((), 5000.0)


@pytest.mark.parametrize(("xy", "cct_k"), [(A, 2856.0), (D65, 6504.0)])
def test_the_temperature_of_a_standard_illuminant(xy, cct_k):
    assert matrices.cct_of_xyz(matrices.xyz_of_xy(xy)) == pytest.approx(cct_k, rel=0.003)


# Wyszecki & Stiles, Planckian locus.
@pytest.mark.parametrize(
    ("cct_k", "xy"),
    [(2000.0, (0.5267, 0.4133)), (2856.0, A), (4000.0, (0.3805, 0.3768)), (6500.0, (0.3135, 0.3237))],
)
def test_the_chromaticity_of_a_black_body(cct_k, xy):
    assert matrices.planckian_xy(cct_k) == pytest.approx(xy, abs=6e-4)


def test_every_pixel_is_multiplied_by_the_matrix():
    picture = np.random.default_rng(1).random((5, 7, 3), dtype=np.float32)

    found = matrices.apply_matrix(COOL, picture)

    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.einsum("ij,hwj->hwi", COOL, picture), atol=1e-6)
