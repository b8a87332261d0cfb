"""What an embedded ICC profile says: which named space it is, and its grey curve. Source: ICC.1:2022."""

import struct
from collections.abc import Callable

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.vocabulary import Profile

Curve = Callable[[AnyArray], AnyArray]

# Media-relative XYZ (D50) of the red and green primaries.
_PRIMARIES = {
    Profile.SRGB: ((0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971)),
    Profile.DISPLAY_P3: ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419)),
    Profile.ADOBE_RGB: ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609)),
    Profile.REC2020: ((0.6735, 0.2790, -0.0019), (0.1657, 0.6753, 0.0300)),
}
_TOLERANCE = 0.01
# Parameters of parametric curves (10.18, types 0 and 3): IEC 61966-2-1, Adobe RGB (1998), ITU-R BT.2020-2.
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_CURVES = {
    Profile.SRGB: _SRGB_CURVE,
    Profile.DISPLAY_P3: _SRGB_CURVE,
    Profile.ADOBE_RGB: (563 / 256,),
    Profile.REC2020: (
        1 / 0.45,
        1 / 1.09929682680944,
        0.09929682680944 / 1.09929682680944,
        1 / 4.5,
        0.0812428582986,
    ),
}
_STEPS = np.linspace(0.0, 1.0, 4096)


def profile_of(icc: bytes | None) -> Profile | None:
    """Return the space that a profile's primaries and curve name, None when it is none of ours."""
    found = primaries_of(icc)
    if icc is None or found is None:
        return None
    curve = curve_of(icc, b"rTRC")
    if is_light(icc):
        return Profile.LINEAR_SRGB if found is Profile.SRGB else None
    return found if curve is not None and _is_near(curve, curve_named(found)) else None


def primaries_of(icc: bytes | None) -> Profile | None:
    """Return the named space whose primaries an RGB profile has, whatever its curve."""
    measured = _red_and_green(icc)
    if measured is None:
        return None
    for profile, known in _PRIMARIES.items():
        if np.abs(measured - np.array(known)).max() < _TOLERANCE:
            return profile
    return None


def nearest_primaries(icc: bytes) -> Profile:
    """Return the named space whose primaries are nearest to a profile's, sRGB where it has none."""
    measured = _red_and_green(icc)
    if measured is None:
        return Profile.SRGB
    distances = {known: np.abs(measured - np.array(xyz)).max() for known, xyz in _PRIMARIES.items()}
    return min(distances, key=lambda known: distances[known])


def is_grey(icc: bytes) -> bool:
    """Return whether a profile is for one channel."""
    return icc[16:20] == b"GRAY"


def is_light(icc: bytes | None) -> bool:
    """Return whether the codes of a profile are light: its curve is the identity."""
    curve = None if icc is None else curve_of(icc, b"kTRC" if is_grey(icc) else b"rTRC")
    return curve is not None and bool(np.allclose(curve(_STEPS), _STEPS, atol=1e-4))


def curve_of(icc: bytes, name: bytes) -> Curve | None:
    """Return a tone curve of a profile, codes in [0, 1] to light, None without one that is understood."""
    tag = _tags(icc).get(name, b"")
    if tag[:4] == b"curv" and len(tag) >= 12:
        return _sampled(tag)
    if tag[:4] == b"para" and len(tag) >= 12:
        return _parametric(struct.unpack(">H", tag[8:10])[0], tag[12:])
    return None


def curve_named(profile: Profile) -> Curve:
    """Return the curve of a named display space, codes in [0, 1] to light."""
    return _power(_CURVES[profile])


def codes_of(light: AnyArray, curve: Curve) -> AnyArray:
    """Invert a rising curve: light in [0, 1] to codes, by interpolation."""
    steps = np.linspace(0.0, 1.0, 1 << 16)
    return np.interp(light, curve(steps), steps)


def _is_near(curve: Curve, known: Curve) -> bool:
    """Return whether two curves agree to about two codes of 255, measured in codes."""
    return bool(np.abs(codes_of(curve(_STEPS), known) - _STEPS).max() < _TOLERANCE)


def _red_and_green(icc: bytes | None) -> AnyArray | None:
    """Return the XYZ of red and green of an RGB profile."""
    if icc is None or len(icc) < 132 or icc[16:20] != b"RGB ":
        return None
    tags = _tags(icc)
    red, green = _xyz(tags.get(b"rXYZ")), _xyz(tags.get(b"gXYZ"))
    return None if red is None or green is None else np.array([red, green])


def _tags(icc: bytes) -> dict[bytes, bytes]:
    """Return the tags of a profile by signature, those inside the profile only."""
    if len(icc) < 132:
        return {}
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


def _sampled(tag: bytes) -> Curve | None:
    """Return the curve of a curv tag (10.6): the identity, a power or a table."""
    count = struct.unpack(">I", tag[8:12])[0]
    if count == 0:
        return _power((1.0,))
    if len(tag) < 12 + 2 * count:
        return None
    values = np.frombuffer(tag, ">u2", count, 12)
    if count == 1:
        return _power((float(values[0]) / 256,))
    table = values.astype(np.float64) / 65535
    return lambda codes: np.interp(codes, np.linspace(0, 1, count), table)


def _parametric(function: int, fields: bytes) -> Curve | None:
    """Return the curve of a para tag (10.18)."""
    n_parameters = (1, 3, 4, 5, 7)[function] if function <= 4 else 0
    if not n_parameters or len(fields) < 4 * n_parameters:
        return None
    values = [value / 65536 for value in struct.unpack_from(f">{n_parameters}i", fields)]
    if function in (1, 2):
        power, a, b, *c = values
        end, offset = (-b / a if a else 0.0), (c or [0.0])[0]
        return _power((power, a, b, 0.0, end, offset, offset))
    return _power(tuple(values))


def _power(parameters: tuple[float, ...]) -> Curve:
    """Return (a x + b)^g + e from d on and c x + f below; only g is a must."""
    power, a, b, c, end, e, f = parameters + (1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)[len(parameters) :]
    return lambda codes: np.where(codes >= end, np.maximum(a * codes + b, 0) ** power + e, c * codes + f)
