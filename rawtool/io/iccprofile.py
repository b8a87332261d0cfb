"""Recognise the named output spaces in an embedded ICC profile. Source: ICC.1:2022, matrix/TRC profiles."""

import struct

import numpy as np

from rawtool.vocabulary import Profile

# Media-relative XYZ (D50) of the red and green primaries.
_PRIMARIES = {
    Profile.SRGB: ((0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971)),
    Profile.DISPLAY_P3: ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419)),
    Profile.ADOBE_RGB: ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609)),
    Profile.REC2020: ((0.6735, 0.2790, -0.0019), (0.1657, 0.6753, 0.0300)),
}
_TOLERANCE = 0.01


def profile_of(icc: bytes | None) -> Profile | None:
    """Return the space that a profile's primaries and curve name, None when it is none of ours."""
    if icc is None or len(icc) < 132 or icc[16:20] != b"RGB ":
        return None
    tags = _tags(icc)
    red, green = _xyz(tags.get(b"rXYZ")), _xyz(tags.get(b"gXYZ"))
    if red is None or green is None:
        return None
    for profile, known in _PRIMARIES.items():
        if np.abs(np.array([red, green]) - np.array(known)).max() < _TOLERANCE:
            is_linear = _is_linear(tags.get(b"rTRC", b""))
            return Profile.LINEAR_SRGB if is_linear and profile is Profile.SRGB else profile
    return None


def _tags(icc: bytes) -> dict[bytes, bytes]:
    """Return the tags of a profile by signature, those inside the profile only."""
    count = struct.unpack(">I", icc[128:132])[0]
    table = icc[132 : 132 + 12 * min(count, 100)]
    records = (struct.unpack(">4sII", table[at : at + 12]) for at in range(0, len(table) - 11, 12))
    return {name: icc[offset : offset + size] for name, offset, size in records if offset + size <= len(icc)}


def _xyz(tag: bytes | None) -> tuple[float, float, float] | None:
    """Return the numbers of an XYZ tag."""
    if tag is None or len(tag) < 20 or tag[:4] != b"XYZ ":
        return None
    x, y, z = struct.unpack(">3i", tag[8:20])
    return x / 65536, y / 65536, z / 65536


def _is_linear(tag: bytes) -> bool:
    """Return whether a curve is the identity."""
    if tag[:4] == b"curv" and len(tag) >= 12:
        count = struct.unpack(">I", tag[8:12])[0]
        return count == 0 or (count == 1 and tag[12:14] == b"\x01\x00")
    return tag[:4] == b"para" and len(tag) >= 16 and tag[8:10] == b"\0\0" and tag[12:16] == b"\0\1\0\0"
