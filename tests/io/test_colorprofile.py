import numpy as np
import pytest

from rawtool.color.spaces import icc_profile
from rawtool.color.transfer import decode, srgb_encode
from rawtool.io.colorprofile import DAMAGED, icc_of, managed
from rawtool.io.iccprofile import profile_of
from rawtool.vocabulary import Profile, Space
from tests.io.profiles import P3_SCREEN, PROPHOTO, SRGB_22, d50_from, grey_icc, icc_with

RGB = np.random.default_rng(2).integers(0, 256, (16, 9, 3)).astype(np.uint8)
NAMED = [Profile.SRGB, Profile.DISPLAY_P3, Profile.ADOBE_RGB, Profile.REC2020]
PRIMARIES = {
    Profile.SRGB: SRGB_22,
    Profile.DISPLAY_P3: P3_SCREEN,
    Profile.REC2020: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), (0.3127, 0.3290), 1.0),
}


def test_without_a_profile_pixels_are_srgb():
    found = managed(RGB, None)

    assert (found.space, found.profile, found.icc, found.warnings) == (Space.DISPLAY, Profile.SRGB, None, ())


@pytest.mark.parametrize("profile", [*NAMED, Profile.LINEAR_SRGB])
def test_named_spaces_keep_their_codes(profile):
    found = managed(RGB, icc_profile(profile))

    assert (found.space, found.profile, found.warnings) == (Space.DISPLAY, profile, ())
    assert found.pixels is RGB
    assert found.icc == icc_profile(profile)


@pytest.mark.parametrize("profile", NAMED)
def test_the_profiles_of_this_room_are_recognised(profile):
    assert profile_of(icc_of(profile)) is profile


@pytest.mark.parametrize(
    ("stated", "expected"),
    [(PROPHOTO, Profile.REC2020), (P3_SCREEN, Profile.DISPLAY_P3), (SRGB_22, Profile.SRGB)],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_other_profiles_become_the_nearest_named_space_in_16_bits(stated, expected, dtype):
    top = np.iinfo(dtype).max
    # Colours that lie in every one of the spaces: not far from grey.
    dull = (0.5 + (RGB / 255 - 0.5) * 0.25) * top
    found = managed(dull.astype(dtype), icc_with(stated))
    encoded = dull.astype(dtype) / top
    xyz = (encoded ** stated[4]) @ d50_from(stated).T
    light = xyz @ np.linalg.inv(d50_from(PRIMARIES[expected])).T

    assert (found.space, found.profile, found.pixels.dtype) == (Space.DISPLAY, expected, np.uint16)
    np.testing.assert_allclose(decode(found.as_float(), expected), light, atol=0.001)
    assert profile_of(found.icc) is expected
    assert expected.value in found.warnings[0]


def test_a_profile_that_cannot_be_read_is_said_so():
    damaged = bytearray(icc_with(PROPHOTO))
    damaged[200:500] = bytes(300)
    found = managed(RGB, bytes(damaged))

    assert (found.profile, found.warnings) == (Profile.SRGB, (DAMAGED,))
    np.testing.assert_array_equal(found.pixels, RGB)


@pytest.mark.parametrize("profile", [b"", b"\0" * 200])
def test_what_is_no_profile_is_said_so(profile):
    assert managed(RGB, profile).warnings == (DAMAGED,)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_of_another_curve_gets_that_of_srgb(dtype):
    codes = (RGB[..., 0].astype(np.uint32) * (np.iinfo(dtype).max // 255)).astype(dtype)
    found = managed(codes, grey_icc(1.8))

    np.testing.assert_allclose(found.as_float(), srgb_encode((RGB[..., 0] / 255) ** 1.8), atol=2e-4)
    assert (found.profile, found.warnings, profile_of(found.icc)) == (Profile.SRGB, (), Profile.SRGB)


def test_grey_of_the_srgb_curve_keeps_its_codes():
    srgb = icc_profile(Profile.SRGB).replace(b"RGB XYZ ", b"GRAYXYZ ", 1).replace(b"rTRC", b"kTRC", 1)
    found = managed(RGB[..., 0], srgb)

    np.testing.assert_array_equal(found.pixels, RGB[..., 0])
    assert found.pixels.dtype == np.uint8


def test_one_plane_with_a_colour_profile_becomes_three_channels():
    found = managed(RGB[..., 0], icc_with(SRGB_22))

    np.testing.assert_allclose(
        found.as_float(), np.repeat(srgb_encode((RGB[..., :1] / 255) ** 2.2), 3, axis=2), atol=3e-3
    )


@pytest.mark.parametrize(
    ("icc", "profile"),
    [
        (icc_profile(Profile.LINEAR_SRGB), Profile.LINEAR_SRGB),
        (icc_with((*P3_SCREEN[:4], 1.0)), Profile.DISPLAY_P3),
        (grey_icc(1.0), Profile.LINEAR_SRGB),
    ],
)
def test_floats_with_a_linear_profile_are_light_of_its_primaries(icc, profile):
    light = RGB.astype(np.float32) / 9
    found = managed(light, icc)

    assert (found.space, found.profile, found.icc) == (Space.SCENE_LINEAR, profile, icc)
    assert found.pixels is light


def test_light_of_other_primaries_is_converted_without_bounds():
    light = np.float32([[[0.5, 0.5, 0.5], [100, 50, 20], [-0.1, 0.2, 0.3]]])
    found = managed(light, icc_with((*PROPHOTO[:4], 1.0)))
    expected = light @ (np.linalg.inv(d50_from(PRIMARIES[Profile.REC2020])) @ d50_from(PROPHOTO)).T

    assert (found.space, found.profile) == (Space.SCENE_LINEAR, Profile.REC2020)
    np.testing.assert_allclose(found.pixels, expected, rtol=1e-4, atol=1e-4)


def test_floats_of_other_profiles_stay_floats():
    found = managed(RGB.astype(np.float32) / 255, icc_with(P3_SCREEN))

    np.testing.assert_allclose(found.pixels, srgb_encode((RGB / 255) ** 2.2), atol=2e-3)
    assert found.pixels.dtype == np.float32


def test_linear_codes_of_other_primaries_are_converted():
    found = managed(RGB, icc_with((*P3_SCREEN[:4], 1.0)))

    assert (found.space, found.profile) == (Space.DISPLAY, Profile.DISPLAY_P3)
    np.testing.assert_allclose(found.as_float(), srgb_encode(RGB / 255), atol=2e-3)
