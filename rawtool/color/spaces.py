"""Named output spaces: primaries, matrices, ICC profiles.

XYZ is relative to D65, white has Y = 1, and every space has that same white, so grey stays grey.
"""

import hashlib
import struct
from collections.abc import Sequence

import numpy as np

from rawtool.arrays import Matrix3, Plane, Rgb, Vector3
from rawtool.color.matrices import (
    D65_WHITE,
    SRGB_FROM_XYZ,
    XYZ_FROM_SRGB,
    adapt_white,
    apply_matrix,
    xyz_of_xy,
)
from rawtool.color.transfer import ADOBE_RGB_GAMMA, REC2020_ALPHA, REC2020_BETA
from rawtool.vocabulary import Profile

Chromaticities = tuple[float, float, float, float, float, float, float, float]

_REC709: Chromaticities = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
_CHROMATICITIES: dict[Profile, Chromaticities] = {
    Profile.SRGB: _REC709,  # IEC 61966-2-1, ITU-R BT.709-6
    Profile.LINEAR_SRGB: _REC709,
    Profile.DISPLAY_P3: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),  # SMPTE EG 432-1
    Profile.ADOBE_RGB: (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290),  # Adobe RGB (1998), 4.3.1
    Profile.REC2020: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),  # ITU-R BT.2020-2
}


def chromaticities(profile: Profile) -> Chromaticities:
    """Give x, y of red, green, blue and white as the standards state them."""
    return _CHROMATICITIES[profile]


def xyz_from_rgb(profile: Profile) -> Matrix3:
    """Map linear RGB of the profile's primaries to XYZ D65.

    Computed from the primaries and D65_WHITE; for Rec.709 primaries the inverse of SRGB_FROM_XYZ,
    which is the same to seven digits, so that the house has one such matrix.
    """
    if chromaticities(profile) == _REC709:
        return XYZ_FROM_SRGB
    red_x, red_y, green_x, green_y, blue_x, blue_y, *_ = chromaticities(profile)
    primaries = np.column_stack(
        [xyz_of_xy(xy) for xy in ((red_x, red_y), (green_x, green_y), (blue_x, blue_y))]
    )
    return primaries * np.linalg.solve(primaries, D65_WHITE)


def rgb_from_xyz(profile: Profile) -> Matrix3:
    """Map XYZ D65 to linear RGB of the profile's primaries."""
    if chromaticities(profile) == _REC709:
        return SRGB_FROM_XYZ
    return np.linalg.inv(xyz_from_rgb(profile))


def convert(light: Rgb, source: Profile, target: Profile) -> Rgb:
    """Express linear light of one profile's primaries in those of another; nothing is clipped."""
    if chromaticities(source) == chromaticities(target):
        return light
    return apply_matrix(rgb_from_xyz(target) @ xyz_from_rgb(source), light)


def luminance_weights(profile: Profile) -> Vector3:
    """Give the share of red, green and blue in the luminance Y; they sum to 1."""
    return xyz_from_rgb(profile)[1]


def luminance(light: Rgb, profile: Profile) -> Plane:
    """Compute the relative luminance Y of linear light."""
    return np.asarray(light @ luminance_weights(profile).astype(np.float32))


# ICC.1:2022 (version 4.4): a matrix and tone curve profile, written field by field.

_PCS_WHITE = (0xF6D6, 0x10000, 0xD32D)
"""D50 of the profile connection space in s15Fixed16 (ICC.1:2022, 7.2.16)."""

_NAMES: dict[Profile, str] = {
    Profile.SRGB: "sRGB",
    Profile.DISPLAY_P3: "Display P3",
    Profile.ADOBE_RGB: "Compatible with Adobe RGB (1998)",
    Profile.REC2020: "Rec. 2020",
    Profile.LINEAR_SRGB: "Linear sRGB",
}
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_CURVES: dict[Profile, tuple[float, ...]] = {
    Profile.SRGB: _SRGB_CURVE,
    Profile.DISPLAY_P3: _SRGB_CURVE,
    Profile.ADOBE_RGB: (ADOBE_RGB_GAMMA,),
    Profile.REC2020: (1 / 0.45, 1 / REC2020_ALPHA, 1 - 1 / REC2020_ALPHA, 1 / 4.5, 4.5 * REC2020_BETA),
    Profile.LINEAR_SRGB: (1.0,),
}
"""Parameters g or g, a, b, c, d of the decoding curves (ICC.1:2022, 10.18, function types 0 and 3)."""

_HEADER_BYTES = 128
_HEADER_FIELDS = ">I4xI4s4s4s6H4s28x3I48x"


def icc_profile(profile: Profile) -> bytes:
    """Build the ICC v4 display profile of an output space; the same bytes every time."""
    red, green, blue = _colorants(profile)
    curve = _parametric(_CURVES[profile])
    tags = (
        (b"desc", _text(_NAMES[profile])),
        (b"cprt", _text("No copyright, use freely")),
        (b"wtpt", _xyz(_PCS_WHITE)),
        (b"chad", b"sf32" + bytes(4) + _integers(_fixed(_d50_from_d65().ravel().tolist()))),
        (b"rXYZ", _xyz(red)),
        (b"gXYZ", _xyz(green)),
        (b"bXYZ", _xyz(blue)),
        (b"rTRC", curve),
        (b"gTRC", curve),
        (b"bTRC", curve),
    )
    body = _tag_table(tags)
    header = _header(_HEADER_BYTES + len(body))
    # The profile ID is the MD5 of the profile with flags, intent and ID at zero (ICC.1:2022, 7.2.18).
    digest = hashlib.md5(header + body, usedforsecurity=False).digest()
    return header[:84] + digest + header[100:] + body


def _header(size: int) -> bytes:
    """Version 4.4, display, RGB to XYZ, a fixed date, perceptual intent, ID left at zero."""
    date = (2026, 1, 1, 0, 0, 0)
    return struct.pack(
        _HEADER_FIELDS, size, 0x04400000, b"mntr", b"RGB ", b"XYZ ", *date, b"acsp", *_PCS_WHITE
    )


def _tag_table(tags: Sequence[tuple[bytes, bytes]]) -> bytes:
    """List the tags and lay out their data behind, on 4-byte bounds; equal data is stored once."""
    start = _HEADER_BYTES + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    places: dict[bytes, int] = {}
    for signature, content in tags:
        if content not in places:
            places[content] = start + len(data)
            data += content + bytes(-len(content) % 4)
        table += signature + struct.pack(">2I", places[content], len(content))
    return table + data


def _d50_from_d65() -> Matrix3:
    return adapt_white(D65_WHITE, np.array(_PCS_WHITE) / 65536)


def _colorants(profile: Profile) -> tuple[list[int], list[int], list[int]]:
    """Adapt the primaries to D50; green takes up the rounding, so that they add up to white exactly."""
    adapted = _d50_from_d65() @ xyz_from_rgb(profile)
    red, blue = _fixed(adapted[:, 0].tolist()), _fixed(adapted[:, 2].tolist())
    green = [white - r - b for white, r, b in zip(_PCS_WHITE, red, blue, strict=True)]
    return red, green, blue


def _fixed(values: Sequence[float]) -> list[int]:
    return [round(value * 65536) for value in values]


def _integers(values: Sequence[int]) -> bytes:
    return struct.pack(f">{len(values)}i", *values)


def _xyz(values: Sequence[int]) -> bytes:
    return b"XYZ " + bytes(4) + _integers(values)


def _parametric(parameters: tuple[float, ...]) -> bytes:
    function = 0 if len(parameters) == 1 else 3
    return b"para" + bytes(4) + struct.pack(">2H", function, 0) + _integers(_fixed(parameters))


def _text(text: str) -> bytes:
    """Write a multi-localised text with one record, American English."""
    encoded = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">2I2s2s2I", 1, 12, b"en", b"US", len(encoded), 28) + encoded
