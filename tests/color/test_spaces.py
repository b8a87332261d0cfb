"""Output spaces against the standards' numbers and against littleCMS."""

import hashlib
import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage
from PIL import ImageCms

from rawtool.color import spaces, transfer
from rawtool.color.matrices import D65_WHITE
from rawtool.vocabulary import Profile

GAMUTS = [Profile.SRGB, Profile.DISPLAY_P3, Profile.ADOBE_RGB, Profile.REC2020]


@pytest.mark.parametrize("profile", Profile)
def test_white_is_d65_in_every_space(profile: Profile) -> None:
    np.testing.assert_allclose(spaces.rgb_from_xyz(profile) @ D65_WHITE, [1, 1, 1], atol=1e-12)


@pytest.mark.parametrize("profile", GAMUTS)
def test_each_primary_has_its_chromaticity(profile: Profile) -> None:
    xyz = spaces.xyz_from_rgb(profile)
    xy = (xyz / xyz.sum(axis=0))[:2].T.ravel()
    np.testing.assert_allclose(xy, spaces.chromaticities(profile)[:6], atol=2e-7)


@pytest.mark.parametrize("profile", GAMUTS)
def test_the_stated_white_is_the_white_of_the_matrix(profile: Profile) -> None:
    white = D65_WHITE / D65_WHITE.sum()
    np.testing.assert_allclose(white[:2], spaces.chromaticities(profile)[6:], atol=5e-5)


@pytest.mark.parametrize(
    ("profile", "weights"),
    [
        (Profile.SRGB, [0.2126, 0.7152, 0.0722]),  # BT.709
        (Profile.REC2020, [0.2627, 0.6780, 0.0593]),  # BT.2020
        (Profile.ADOBE_RGB, [0.29734, 0.62736, 0.07529]),  # Adobe RGB (1998), 4.3.5.3
    ],
)
def test_luminance_weights_are_the_published_ones(profile: Profile, weights: list[float]) -> None:
    np.testing.assert_allclose(spaces.luminance_weights(profile), weights, atol=1e-4)


def test_linear_srgb_of_a_colour_is_the_published_one() -> None:
    rgb = spaces.rgb_from_xyz(Profile.SRGB) @ np.array([0.3, 0.4, 0.5])
    np.testing.assert_allclose(rgb, [0.108015203, 0.480402511, 0.463695275], atol=5e-8)


def test_the_red_of_srgb_in_display_p3_is_the_known_one() -> None:
    # CSS Color 4, sample conversion of red: color(display-p3 0.91749 0.20029 0.13856).
    red = np.array([[[1, 0, 0]]], np.float32)
    p3 = transfer.srgb_encode(spaces.convert(red, Profile.SRGB, Profile.DISPLAY_P3))
    np.testing.assert_allclose(p3[0, 0], [0.91749, 0.20029, 0.13856], atol=2e-4)


@given(
    rgb=st.tuples(*[st.floats(-1, 4, width=32)] * 3),
    source=st.sampled_from(Profile),
    target=st.sampled_from(Profile),
)
def test_conversion_is_undone_by_its_opposite(
    rgb: tuple[float, float, float], source: Profile, target: Profile
) -> None:
    pixel = np.array([[rgb]], np.float32)
    back = spaces.convert(spaces.convert(pixel, source, target), target, source)
    np.testing.assert_allclose(back, pixel, atol=5e-6)


@pytest.mark.parametrize("target", Profile)
def test_conversion_keeps_the_luminance(target: Profile) -> None:
    pixels = np.random.default_rng(7).random((4, 5, 3), dtype=np.float32)
    before = spaces.luminance(pixels, Profile.SRGB)
    after = spaces.luminance(spaces.convert(pixels, Profile.SRGB, target), target)
    np.testing.assert_allclose(after, before, atol=1e-6)


def _littlecms(codes: np.ndarray, source: Profile, target: Profile) -> np.ndarray:
    source_icc, target_icc = (
        ImageCms.ImageCmsProfile(io.BytesIO(spaces.icc_profile(p))) for p in (source, target)
    )
    picture = PillowImage.fromarray(codes)
    exact = ImageCms.Flags.NOOPTIMIZE | ImageCms.Flags.NOCACHE
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    return np.asarray(ImageCms.profileToProfile(picture, source_icc, target_icc, intent, flags=exact))


@pytest.mark.parametrize("target", Profile)
@pytest.mark.parametrize("source", Profile)
def test_profiles_say_to_littlecms_what_our_curves_do(source: Profile, target: Profile) -> None:
    codes = np.random.default_rng(3).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    linear = spaces.convert(transfer.decode(codes.astype(np.float32) / 255, source), source, target)
    difference = np.abs(_littlecms(codes, source, target) - transfer.encode(linear, target) * 255)
    # Half a code of rounding, and 16-bit tables; a pure power magnifies both without bound near black.
    assert difference[np.abs(linear) > 1e-3].max() < 1


@pytest.mark.parametrize("profile", GAMUTS)
def test_grey_stays_grey_in_littlecms(profile: Profile) -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    converted = _littlecms(grey, profile, Profile.SRGB)
    assert np.ptp(converted, axis=2).max() == 0
    assert converted[-1].tolist() == [[255, 255, 255]]


@pytest.mark.parametrize("profile", Profile)
def test_profile_is_well_formed(profile: Profile) -> None:
    icc = spaces.icc_profile(profile)
    size, version = struct.unpack(">I4xI", icc[:12])
    assert (size, version, icc[36:40]) == (len(icc), 0x04400000, b"acsp")
    anonymous = icc[:84] + bytes(16) + icc[100:]
    assert icc[84:100] == hashlib.md5(anonymous, usedforsecurity=False).digest()
    assert len(icc) % 4 == 0


def test_profile_is_the_same_every_time_and_named() -> None:
    icc = spaces.icc_profile(Profile.DISPLAY_P3)
    assert icc == spaces.icc_profile(Profile.DISPLAY_P3)
    name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc)))
    assert name.strip() == "Display P3"


def test_colorants_add_up_to_the_white_of_the_connection_space() -> None:
    icc = spaces.icc_profile(Profile.REC2020)
    table = {icc[i : i + 4]: struct.unpack(">2I", icc[i + 4 : i + 12]) for i in range(132, 132 + 120, 12)}
    columns = [struct.unpack_from(">3i", icc, table[tag][0] + 8) for tag in (b"rXYZ", b"gXYZ", b"bXYZ")]
    assert tuple(np.sum(columns, axis=0)) == (0xF6D6, 0x10000, 0xD32D)
