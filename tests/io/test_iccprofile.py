import struct

import PIL.ImageCms
import pytest

from rawtool.io.iccprofile import profile_of
from rawtool.vocabulary import Profile


def matrix_profile(red, green, curve):
    """The least of an ICC profile: header, red and green primary, red curve."""
    values = [b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in xyz)) for xyz in (red, green)]
    tags = [(b"rXYZ", values[0]), (b"gXYZ", values[1]), (b"rTRC", curve)]
    table, content, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, payload in tags:
        table += name + struct.pack(">II", at + len(content), len(payload))
        content += payload
    return b"\0" * 16 + b"RGB XYZ " + b"\0" * 104 + table + content


GAMMA = b"curv\0\0\0\0" + struct.pack(">IH", 1, 0x0233)
IDENTITIES = [b"curv\0\0\0\0" + struct.pack(">I", 0), b"para\0\0\0\0\0\0\0\0" + struct.pack(">i", 65536)]
P3 = (0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419)
SRGB = (0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971)


def test_littlecms_own_srgb_is_recognised():
    icc = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()

    assert profile_of(icc) is Profile.SRGB


def test_primaries_name_the_space():
    assert profile_of(matrix_profile(*P3, GAMMA)) is Profile.DISPLAY_P3


@pytest.mark.parametrize("curve", IDENTITIES)
def test_srgb_primaries_without_a_curve_are_linear(curve):
    assert profile_of(matrix_profile(*SRGB, curve)) is Profile.LINEAR_SRGB


@pytest.mark.parametrize(
    "icc", [None, b"", b"\0" * 200, matrix_profile((0.1, 0.2, 0.3), (0.4, 0.5, 0.6), GAMMA)]
)
def test_other_profiles_are_none_of_ours(icc):
    assert profile_of(icc) is None
