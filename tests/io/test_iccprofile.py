import struct

import numpy as np
import PIL.ImageCms
import pytest

from rawtool.color.spaces import icc_profile
from rawtool.color.transfer import decode
from rawtool.io.iccprofile import (
    codes_of,
    curve_named,
    curve_of,
    is_grey,
    is_light,
    nearest_primaries,
    primaries_of,
    profile_of,
)
from rawtool.vocabulary import Profile
from tests.io.profiles import P3_SCREEN, PROPHOTO, SRGB_22, grey_icc, icc_with


def profile_with(curve, red=(0.4360, 0.2225, 0.0139), green=(0.3851, 0.7169, 0.0971)):
    """The least of an ICC profile: header, red and green primary, red curve."""
    values = [b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in xyz)) for xyz in (red, green)]
    tags = [(b"rXYZ", values[0]), (b"gXYZ", values[1]), (b"rTRC", curve)]
    table, content, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, payload in tags:
        table += name + struct.pack(">II", at + len(content), len(payload))
        content += payload
    return b"\0" * 16 + b"RGB XYZ " + b"\0" * 104 + table + content


def para(function, *values):
    fixed = (round(value * 65536) for value in values)
    return b"para\0\0\0\0" + struct.pack(f">HH{len(values)}i", function, 0, *fixed)


def curv(*values):
    return b"curv\0\0\0\0" + struct.pack(f">I{len(values)}H", len(values), *values)


STEPS = np.linspace(0, 1, 1001)
SRGB_TABLE = curv(*np.rint(decode(np.linspace(0, 1, 1024), Profile.SRGB) * 65535).astype(int))
NAMED = [Profile.SRGB, Profile.DISPLAY_P3, Profile.ADOBE_RGB, Profile.REC2020]


def test_littlecms_own_srgb_is_recognised():
    icc = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()

    assert profile_of(icc) is Profile.SRGB


@pytest.mark.parametrize("profile", list(Profile))
def test_what_we_embed_is_recognised(profile):
    assert profile_of(icc_profile(profile)) is profile


def test_a_table_is_recognised_by_its_values():
    assert profile_of(profile_with(SRGB_TABLE)) is Profile.SRGB


@pytest.mark.parametrize("stated", [P3_SCREEN, SRGB_22])
def test_named_primaries_with_another_curve_are_none_of_ours(stated):
    icc = icc_with(stated)

    assert profile_of(icc) is None
    assert primaries_of(icc) is nearest_primaries(icc) is not None


@pytest.mark.parametrize("curve", [curv(), curv(0x0100), para(0, 1.0), curv(0, 65535)])
def test_srgb_primaries_without_a_curve_are_linear(curve):
    assert profile_of(profile_with(curve)) is Profile.LINEAR_SRGB
    assert is_light(profile_with(curve))


@pytest.mark.parametrize("icc", [None, b"", b"\0" * 200, profile_with(curv(9, 8)[:-1]), icc_with(PROPHOTO)])
def test_other_profiles_are_none_of_ours(icc):
    assert profile_of(icc) is None


def test_the_nearest_of_a_wider_space_is_the_widest_and_of_a_lut_srgb():
    assert nearest_primaries(icc_with(PROPHOTO)) is Profile.REC2020
    assert primaries_of(icc_with(PROPHOTO)) is None
    assert nearest_primaries(b"\0" * 16 + b"RGB Lab " + b"\0" * 200) is Profile.SRGB


@pytest.mark.parametrize("profile", NAMED)
def test_the_named_curves_are_those_of_the_colour_room(profile):
    np.testing.assert_allclose(curve_named(profile)(STEPS), decode(STEPS, profile), atol=1e-9)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (curv(), STEPS),
        (curv(0x0180), STEPS**1.5),
        (curv(0, 0, 65535), np.maximum(2 * STEPS - 1, 0)),
        (para(0, 2.25), STEPS**2.25),
        (para(1, 2, 2, -0.5), np.maximum(2 * STEPS - 0.5, 0) ** 2),
        (para(2, 2, 1, -0.25, 0.125), np.maximum(STEPS - 0.25, 0) ** 2 + 0.125),
        (para(3, 2, 0.5, 0.5, 0.25, 0.5), np.where(STEPS >= 0.5, (0.5 * STEPS + 0.5) ** 2, 0.25 * STEPS)),
        (
            para(4, 2, 0.5, 0.5, 0.25, 0.5, 0.125, 0.0625),
            np.where(STEPS >= 0.5, (0.5 * STEPS + 0.5) ** 2 + 0.125, 0.25 * STEPS + 0.0625),
        ),
    ],
    ids=lambda value: value[:10].hex() if isinstance(value, bytes) else "",
)
def test_every_kind_of_curve_is_understood(tag, expected):
    curve = curve_of(profile_with(tag), b"rTRC")

    np.testing.assert_allclose(curve(STEPS), expected, atol=1e-4)


@pytest.mark.parametrize(
    "tag", [b"", b"curv", b"para" + b"\0" * 8, para(5, 1.0), curv(1, 2, 3)[:-1], b"mft2" * 9]
)
def test_a_curve_that_cannot_be_read_is_none(tag):
    assert curve_of(profile_with(tag), b"rTRC") is None


@pytest.mark.parametrize("profile", NAMED)
def test_codes_invert_a_curve(profile):
    curve = curve_named(profile)

    np.testing.assert_allclose(codes_of(curve(STEPS), curve), STEPS, atol=1e-6)


def test_grey_profiles_are_told_from_others():
    assert is_grey(grey_icc(2.2))
    assert is_light(grey_icc(1.0))
    assert not is_light(grey_icc(2.2))
    assert not is_grey(icc_with(SRGB_22))
    assert not is_light(None)
