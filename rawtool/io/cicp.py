"""Colour by code points, as PNG, AVIF and JPEG XL state it. Source: ITU-T H.273 (CICP), tables 2 to 4."""

from dataclasses import dataclass

from rawtool.errors import UnsupportedFormatError
from rawtool.vocabulary import Profile, Space

_REC709, _UNSPECIFIED, _REC2020, _P3 = 1, 2, 9, 12
_LINEAR, _PQ, _HLG = 8, 16, 18


@dataclass(frozen=True, slots=True)
class Cicp:
    """Primaries, transfer and matrix by their numbers."""

    primaries: int
    transfer: int
    matrix: int


PQ_RGB = Cicp(_REC2020, _PQ, 0)
"""PQ in Rec.2020 primaries (ITU-R BT.2100), R, G and B as they are."""

PQ_YCC = Cicp(_REC2020, _PQ, 9)
"""The same as luma and two colour differences."""


def space_of(stated: Cicp) -> tuple[Space, Profile]:
    """Return what values with these code points mean; unspecified ones count as sRGB.

    Raises:
        UnsupportedFormatError: HLG, or primaries that have no name here.
    """
    known = {_REC709: Profile.SRGB, _UNSPECIFIED: Profile.SRGB, _P3: Profile.DISPLAY_P3}
    profile = (known | {_REC2020: Profile.REC2020}).get(stated.primaries)
    if profile is None or stated.transfer == _HLG:
        what = "HLG" if stated.transfer == _HLG else f"primaries {stated.primaries} of H.273"
        raise UnsupportedFormatError(f"a picture in {what} is not supported; export it as sRGB or PQ")
    if stated.transfer == _PQ:
        return Space.PQ, profile
    if stated.transfer == _LINEAR:
        return Space.SCENE_LINEAR, Profile.LINEAR_SRGB if profile is Profile.SRGB else profile
    return Space.DISPLAY, profile
