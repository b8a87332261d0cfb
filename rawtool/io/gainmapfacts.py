"""What a gain map says of itself inside a JPEG: ISO 21496-1 as bytes, and Adobe's hdrgm as XMP.

Source: ISO 21496-1, annex C; Ultra HDR image format 1.1, "Gain map metadata" and "GContainer".
"""

import re
import struct

from rawtool.errors import CorruptFileError
from rawtool.frames import GainRange

ISO_NAME = b"urn:iso:std:iso:ts:21496:-1\0"
ISO_VERSION = struct.pack(">2H", 0, 0)
"""Minimum and writer version: all that the base says."""

HDRGM_URI = "http://ns.adobe.com/hdr-gain-map/1.0/"
CONTAINER_URI = "http://ns.google.com/photos/1.0/container/"
_ITEM_URI = f"{CONTAINER_URI}item/"
_MULTICHANNEL, _BASE_PRIMARIES, _COMMON_DENOMINATOR, _BACKWARD = 0x80, 0x40, 0x08, 0x04
_DENOMINATOR = 1_000_000
_SEQUENCE = re.compile(r"<rdf:li>\s*([^<\s]+)\s*</rdf:li>")


def dumps_iso(ranges: tuple[GainRange, ...], base_headroom_ev: float, hdr_headroom_ev: float) -> bytes:
    """Return the binary form; the map applies in the primaries of the base. Rounded to a millionth."""
    flags = _BASE_PRIMARIES | (_MULTICHANNEL if len(ranges) == 3 else 0)
    fields = struct.pack(">4sB", ISO_VERSION, flags)
    fields += _fraction(base_headroom_ev) + _fraction(hdr_headroom_ev)
    for one in ranges:
        values = one.least_ev, one.most_ev, one.exponent, one.base_offset, one.hdr_offset
        fields += b"".join(_fraction(value) for value in values)
    return fields


def loads_iso(content: bytes) -> tuple[tuple[GainRange, ...], float, float]:
    """Return the ranges, the base's and the HDR's headroom of a binary form.

    Raises:
        CorruptFileError: cut short, of a later version, or with the HDR picture as its base.
    """
    try:
        version, flags = struct.unpack_from(">H2xB", content)
        n_channels = 3 if flags & _MULTICHANNEL else 1
        values = _numbers(content[5:], n_channels, has_common=bool(flags & _COMMON_DENOMINATOR))
    except (struct.error, ZeroDivisionError) as error:
        raise CorruptFileError("the gain map's description is damaged; export the picture again") from error
    if version != 0 or flags & _BACKWARD:
        raise CorruptFileError("the gain map is of a kind that is not known; export the picture again")
    ranges = tuple(GainRange(*values[at : at + 5]) for at in range(2, len(values), 5))
    return ranges, values[0], values[1]


def hdrgm_description(ranges: tuple[GainRange, ...], base_headroom_ev: float, hdr_headroom_ev: float) -> str:
    """Return the RDF description of a gain map."""
    fields = {
        "GainMapMin": [one.least_ev for one in ranges],
        "GainMapMax": [one.most_ev for one in ranges],
        "Gamma": [one.exponent for one in ranges],
        "OffsetSDR": [one.base_offset for one in ranges],
        "OffsetHDR": [one.hdr_offset for one in ranges],
        "HDRCapacityMin": [base_headroom_ev],
        "HDRCapacityMax": [hdr_headroom_ev],
    }
    single = " ".join(
        f'hdrgm:{name}="{values[0]:.6f}"' for name, values in fields.items() if len(values) == 1
    )
    several = "".join(_sequence(name, values) for name, values in fields.items() if len(values) > 1)
    return (
        f'<rdf:Description rdf:about="" xmlns:hdrgm="{HDRGM_URI}" hdrgm:Version="1.0" '
        f'hdrgm:BaseRenditionIsHDR="False" {single}>{several}</rdf:Description>'
    )


def loads_hdrgm(packet: str) -> tuple[tuple[GainRange, ...], float, float]:
    """Return the ranges, the base's and the HDR's headroom of an XMP packet.

    Raises:
        CorruptFileError: it lacks what a map needs, or has the HDR picture as its base.
    """
    try:
        most, headroom = _values(packet, "GainMapMax"), _values(packet, "HDRCapacityMax")[0]
        least, exponent = _values(packet, "GainMapMin", 0.0), _values(packet, "Gamma", 1.0)
        base, hdr = _values(packet, "OffsetSDR", 1 / 64), _values(packet, "OffsetHDR", 1 / 64)
        n_channels = max(len(values) for values in (most, least, exponent, base, hdr))
        columns = [
            values * n_channels if len(values) == 1 else values
            for values in (least, most, exponent, base, hdr)
        ]
        ranges = tuple(GainRange(*row) for row in zip(*columns, strict=True))
    except ValueError as error:
        raise CorruptFileError("the gain map's description is damaged; export the picture again") from error
    if re.search(r"BaseRenditionIsHDR\W+True", packet):
        raise CorruptFileError("the gain map is of a kind that is not known; export the picture again")
    return ranges, _values(packet, "HDRCapacityMin", 0.0)[0], headroom


def container_description(n_bytes: int) -> str:
    """Return the RDF description of a base with a gain map of so many bytes behind it."""
    return (
        f'<rdf:Description rdf:about="" xmlns:Container="{CONTAINER_URI}" xmlns:Item="{_ITEM_URI}" '
        f'xmlns:hdrgm="{HDRGM_URI}" hdrgm:Version="1.0"><Container:Directory><rdf:Seq>'
        '<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="Primary" Item:Mime="image/jpeg"/>'
        '</rdf:li><rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="GainMap" '
        f'Item:Mime="image/jpeg" Item:Length="{n_bytes}"/></rdf:li>'
        "</rdf:Seq></Container:Directory></rdf:Description>"
    )


def _fraction(value: float) -> bytes:
    """Return a number as numerator and denominator."""
    return struct.pack(">iI", round(value * _DENOMINATOR), _DENOMINATOR)


def _numbers(content: bytes, n_channels: int, *, has_common: bool) -> tuple[float, ...]:
    """Return the two headrooms and five fractions a channel; one denominator stands first where all share it.

    Numerators are signed but for headrooms and exponents.
    """
    signs = "II" + "iiIii" * n_channels
    if has_common:
        bottom, *tops = struct.unpack_from(">I" + signs, content)
        return tuple(top / bottom for top in tops)
    flat = struct.unpack_from(">" + "".join(sign + "I" for sign in signs), content)
    return tuple(top / bottom for top, bottom in zip(flat[::2], flat[1::2], strict=True))


def _sequence(name: str, values: list[float]) -> str:
    """Return one value for each channel."""
    items = "".join(f"<rdf:li>{value:.6f}</rdf:li>" for value in values)
    return f"<hdrgm:{name}><rdf:Seq>{items}</rdf:Seq></hdrgm:{name}>"


def _values(packet: str, name: str, default: float | None = None) -> list[float]:
    """Return one property as attribute, element or sequence; ValueError when it must be there and is not."""
    attribute = re.search(rf'hdrgm:{name}\s*=\s*["\']([^"\']*)', packet)
    element = re.search(rf"<hdrgm:{name}>(.*?)</hdrgm:{name}>", packet, flags=re.DOTALL)
    if attribute:
        return [float(attribute[1])]
    if element:
        return [float(value) for value in _SEQUENCE.findall(element[1]) or [element[1]]]
    if default is None:
        raise ValueError(name)
    return [default]
