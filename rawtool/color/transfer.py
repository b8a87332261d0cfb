"""Transfer curves: light to code values and back. The only place that clips.

Relative curves (sRGB, Adobe RGB, Rec.2020, HLG, mu-law) take light with 1 = white and are extended
to negative light by odd symmetry, so that noise around black stays unbiased; above 1 they go on.
Absolute curves (PQ, PU21) take luminance in cd/m2 and clamp to the range that they are defined on.
Only ``encode`` and ``quantise`` clip to [0, 1]. Curves keep float32 and float64; other types come
back as the smallest float that holds them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from rawtool.arrays import AnyArray, lies_in_planes
from rawtool.vocabulary import Profile

SDR_WHITE_NITS = 203.0
"""cd/m2 of relative 1.0: HDR reference white of ITU-R BT.2408."""

Curve = Callable[[AnyArray], AnyArray]

# Temporaries of this many values stay in the cache: twice as fast as whole pictures.
_BLOCK = 1 << 14


def _blockwise(curve: Curve, values: AnyArray, dtype: DTypeLike, working: DTypeLike) -> AnyArray:
    """Apply an elementwise curve block by block in the working type; the result has type dtype.

    It lies in memory as the values do.
    """
    is_planar = lies_in_planes(values)
    stored = np.moveaxis(values, 2, 0) if is_planar else values
    flat = stored.reshape(-1)
    result = np.empty(flat.shape, dtype)
    for start in range(0, flat.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        result[block] = curve(flat[block].astype(working))
    found = result.reshape(stored.shape)
    return np.moveaxis(found, 0, 2) if is_planar else found


def _apply(curve: Curve, values: AnyArray) -> AnyArray:
    dtype = np.result_type(values.dtype, np.float32)
    return _blockwise(curve, values, dtype, dtype)


def _apply_in_float64(curve: Curve, values: AnyArray) -> AnyArray:
    return _blockwise(curve, values, np.result_type(values.dtype, np.float32), np.float64)


def _odd(curve: Curve) -> Curve:
    """Extend a curve for values >= 0 to negative ones by odd symmetry."""
    return lambda values: np.copysign(curve(np.abs(values)), values)


# IEC 61966-2-1 (sRGB). Display P3 uses the same curve.


def srgb_encode(light: AnyArray) -> AnyArray:
    """Encode relative linear light with the sRGB curve; odd below 0, unlimited above 1."""
    return _apply(
        _odd(lambda x: np.where(x <= 0.0031308, 12.92 * x, 1 + 1.055 * (x ** (1 / 2.4) - 1))), light
    )


def srgb_decode(encoded: AnyArray) -> AnyArray:
    """Invert ``srgb_encode``."""
    return _apply(_odd(lambda v: np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)), encoded)


ADOBE_RGB_GAMMA = 563 / 256
"""Adobe RGB (1998) Color Image Encoding, section 4.3.4.2."""


def adobe_rgb_encode(light: AnyArray) -> AnyArray:
    """Encode relative linear light with the Adobe RGB (1998) power; odd below 0."""
    return _apply(_odd(lambda x: x ** (1 / ADOBE_RGB_GAMMA)), light)


def adobe_rgb_decode(encoded: AnyArray) -> AnyArray:
    """Invert ``adobe_rgb_encode``."""
    return _apply(_odd(lambda v: v**ADOBE_RGB_GAMMA), encoded)


REC2020_ALPHA = 1.09929682680944
"""ITU-R BT.2020-2, table 4: alpha and beta make the two pieces meet in value and slope."""
REC2020_BETA = 0.018053968510807


def rec2020_encode(light: AnyArray) -> AnyArray:
    """Encode relative linear light with the BT.2020 camera curve; odd below 0.

    Of the two curves of the standard, this one and not the display power of BT.1886: its slope at
    black is finite, and an ICC parametric curve states it exactly, so picture and profile agree.
    """

    def curve(x: AnyArray) -> AnyArray:
        return np.where(x < REC2020_BETA, 4.5 * x, 1 + REC2020_ALPHA * (x**0.45 - 1))

    return _apply(_odd(curve), light)


def rec2020_decode(encoded: AnyArray) -> AnyArray:
    """Invert ``rec2020_encode``."""

    def curve(v: AnyArray) -> AnyArray:
        bent = ((v + (REC2020_ALPHA - 1)) / REC2020_ALPHA) ** (1 / 0.45)
        return np.where(v < 4.5 * REC2020_BETA, v / 4.5, bent)

    return _apply(_odd(curve), encoded)


# SMPTE ST 2084 (PQ), constants of its section 5.
PQ_PEAK_NITS = 10_000.0
PQ_M1 = 2610 / 16384
PQ_M2 = 2523 / 32
PQ_C1 = 3424 / 4096
PQ_C2 = 2413 / 128
PQ_C3 = 2392 / 128


def pq_encode(luminance_nits: AnyArray) -> AnyArray:
    """Encode cd/m2, clamped to [0, 10000], to [0, 1]; black is 7.3e-7, not 0.

    Works in float64: the power 78.8 would magnify the rounding of float32.
    """

    def curve(luminance: AnyArray) -> AnyArray:
        y = (np.clip(luminance, 0, PQ_PEAK_NITS) / PQ_PEAK_NITS) ** PQ_M1
        return ((PQ_C1 + PQ_C2 * y) / (1 + PQ_C3 * y)) ** PQ_M2

    return _apply_in_float64(curve, luminance_nits)


def pq_decode(encoded: AnyArray) -> AnyArray:
    """Decode PQ values, clamped to [0, 1], to cd/m2."""

    def curve(values: AnyArray) -> AnyArray:
        root = np.clip(values, 0, 1) ** (1 / PQ_M2)
        y = np.maximum(root - PQ_C1, 0) / (PQ_C2 - PQ_C3 * root)
        return PQ_PEAK_NITS * y ** (1 / PQ_M1)

    return _apply_in_float64(curve, encoded)


@dataclass(frozen=True, slots=True)
class Pu21:
    """The seven parameters of a PU21 curve (Mantiuk and Azimi 2021, table of ``gfxdisp/pu21``)."""

    p1: float
    p2: float
    p3: float
    p4: float
    p5: float
    p6: float
    p7: float


PU21_BANDING_GLARE = Pu21(
    0.353487901, 0.3734658629, 8.277049286e-05, 0.9062562627, 0.09150303166, 0.9099517204, 596.3148142
)
"""The default, and the only one that its authors advise."""
PU21_BANDING = Pu21(
    1.070275272, 0.4088273932, 0.153224308, 0.2520326168, 1.063512885, 1.14115047, 521.4527484
)
PU21_PEAKS = Pu21(1.043882782, 0.6459495343, 0.3194584211, 0.374025247, 1.114783422, 1.095360363, 384.9217577)
PU21_PEAKS_GLARE = Pu21(
    816.885024, 1479.463946, 0.001253215609, 0.9329636822, 0.06746643971, 1.573435413, 419.6006374
)
PU21_RANGE_NITS = (0.005, 10_000.0)
PU21_PEAK = 595.39392
"""The banding_glare code of 10000 cd/m2: divide by it for codes in [0, 1]."""


def pu21_encode(luminance_nits: AnyArray, curve: Pu21 = PU21_BANDING_GLARE) -> AnyArray:
    """Encode cd/m2, clamped to [0.005, 10000], to perceptually uniform units; 100 cd/m2 is about 256."""

    def encode_block(luminance: AnyArray) -> AnyArray:
        y = np.clip(luminance, *PU21_RANGE_NITS) ** curve.p4
        bent = ((curve.p1 + curve.p2 * y) / (1 + curve.p3 * y)) ** curve.p5
        return np.maximum(curve.p7 * (bent - curve.p6), 0)

    return _apply_in_float64(encode_block, luminance_nits)


def pu21_decode(encoded: AnyArray, curve: Pu21 = PU21_BANDING_GLARE) -> AnyArray:
    """Invert ``pu21_encode``."""

    def decode_block(values: AnyArray) -> AnyArray:
        q = np.maximum(values / curve.p7 + curve.p6, 0) ** (1 / curve.p5)
        return (np.maximum(q - curve.p1, 0) / (curve.p2 - curve.p3 * q)) ** (1 / curve.p4)

    return _apply_in_float64(decode_block, encoded)


MU = 5000.0
"""The customary mu of HDR imaging."""


def mu_law_encode(relative: AnyArray, mu: float = MU) -> AnyArray:
    """Compress relative light by log(1 + mu x) / log(1 + mu); odd below 0, 1 stays 1."""
    return _apply(_odd(lambda x: np.log1p(mu * x) / math.log1p(mu)), relative)


def mu_law_decode(encoded: AnyArray, mu: float = MU) -> AnyArray:
    """Invert ``mu_law_encode``."""
    return _apply(_odd(lambda v: np.expm1(v * math.log1p(mu)) / mu), encoded)


# ITU-R BT.2100, table 5 (hybrid log-gamma).
HLG_A = 0.17883277
HLG_B = 1 - 4 * HLG_A
HLG_C = 0.5 - HLG_A * math.log(4 * HLG_A)


def hlg_encode(scene: AnyArray) -> AnyArray:
    """Encode relative scene light, 1 = peak, with the HLG camera curve; odd below 0."""

    def curve(x: AnyArray) -> AnyArray:
        bent = HLG_A * np.log(np.maximum(12 * x - HLG_B, HLG_A)) + HLG_C
        return np.where(x <= 1 / 12, np.sqrt(3 * x), bent)

    return _apply(_odd(curve), scene)


def hlg_decode(encoded: AnyArray) -> AnyArray:
    """Invert ``hlg_encode``: relative scene light, before any display system gamma."""
    return _apply(
        _odd(lambda v: np.where(v <= 0.5, v**2 / 3, (np.exp((v - HLG_C) / HLG_A) + HLG_B) / 12)), encoded
    )


_ENCODERS: dict[Profile, Curve] = {
    Profile.SRGB: srgb_encode,
    Profile.DISPLAY_P3: srgb_encode,
    Profile.ADOBE_RGB: adobe_rgb_encode,
    Profile.REC2020: rec2020_encode,
    Profile.LINEAR_SRGB: np.copy,
}
_DECODERS: dict[Profile, Curve] = {
    Profile.SRGB: srgb_decode,
    Profile.DISPLAY_P3: srgb_decode,
    Profile.ADOBE_RGB: adobe_rgb_decode,
    Profile.REC2020: rec2020_decode,
    Profile.LINEAR_SRGB: np.copy,
}


def clip_display(light: AnyArray) -> AnyArray:
    """Clip relative light to what a display shows, [0, 1]."""
    return np.clip(light, 0, 1)


def encode(light: AnyArray, profile: Profile) -> AnyArray:
    """Clip relative light of the profile's primaries to [0, 1] and apply its transfer curve."""
    return _ENCODERS[profile](clip_display(light))


def decode(encoded: AnyArray, profile: Profile) -> AnyArray:
    """Undo the profile's transfer curve; nothing is clipped."""
    return _DECODERS[profile](encoded)


def quantise(encoded: AnyArray, bit_depth: int) -> AnyArray:
    """Round display-encoded values to integer codes of [0, 2^bit_depth - 1], clipping to [0, 1].

    uint8 up to 8 bits, uint16 above; the values must be finite.

    Raises:
        ValueError: bit_depth is not in 1..16.
    """
    if not 1 <= bit_depth <= 16:
        raise ValueError(f"bit_depth must be 1 to 16, not {bit_depth}")
    top = 2**bit_depth - 1
    dtype = np.uint8 if bit_depth <= 8 else np.uint16
    return _blockwise(lambda values: np.clip(values, 0, 1) * top + 0.5, encoded, dtype, np.float32)
