"""Ultra HDR: a JPEG that every program shows, and behind it the gain map that makes it HDR.

The base stays as it is, byte for byte, but for segments put before its picture. Both ways of saying
where the map is and what it means are written: hdrgm and GContainer in XMP, and ISO 21496-1.
Source: Ultra HDR image format 1.1; ISO 21496-1; CIPA DC-007.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image

from rawtool.arrays import GainCodes
from rawtool.errors import CorruptFileError, OutputError, UnsupportedFormatError
from rawtool.frames import GainRange, HdrGainMap, Provenance
from rawtool.io.gainmapfacts import (
    CONTAINER_URI,
    HDRGM_URI,
    ISO_NAME,
    ISO_VERSION,
    container_description,
    dumps_iso,
    hdrgm_description,
    loads_hdrgm,
    loads_iso,
)
from rawtool.io.jpegsegments import (
    APP1,
    APP2,
    SOI,
    XMP_NAME,
    Jpeg,
    dumps,
    frame_of,
    loads,
    payloads,
    segment_of,
    with_segments,
    with_xmp,
    without,
)
from rawtool.io.mpf import MPF_NAME, listed_pictures, mpf_segment
from rawtool.io.publish import publish
from rawtool.io.reading import read_bytes
from rawtool.io.xmp import xmp_packet, xmp_with, xmp_without

LEFT_OUT = "what stood behind the end of the picture (previews, an older gain map) was left out"
# From an MPF segment's first byte to its TIFF header: marker, length, name.
_MPF_HEAD = 2 + 2 + len(MPF_NAME)
_SEMANTIC = re.compile(rb"Semantic(?:\s*=\s*[\"']|>)(\w+)")
_OWN_SEMANTICS = {b"Primary", b"GainMap"}
_FILM = re.compile(rb"(?:MotionPhoto|MicroVideo)\W{1,4}1")


def write_ultra_hdr(
    base: bytes,
    gain_map: HdrGainMap,
    target: Path,
    *,
    quality: int = 95,
    overwrite: bool = False,
    provenance: Provenance | None = None,
) -> tuple[str, ...]:
    """Write a JPEG and its gain map as one file, whole or not at all; quality is the map's, 1 to 100.

    EXIF, colour profile and XMP of the base stay; its XMP gains the gain map's directory and who made it.
    A gain map and previews that the base has already are replaced.

    Returns:
        What was left out, in words for the user: nothing for most pictures.

    Raises:
        UnsupportedFormatError: the base is grey or CMYK, or one of several pictures that would be lost.
        CorruptFileError: the base is damaged.
        OutputExistsError: the target exists and overwrite is off.
        OutputError: it cannot be written.
    """
    content, left_out = dumps_ultra_hdr(base, gain_map, quality=quality, provenance=provenance)

    def write(path: Path) -> None:
        path.write_bytes(content)

    publish(write, target, overwrite=overwrite)
    return left_out


def read_ultra_hdr(path: Path) -> tuple[bytes, HdrGainMap] | None:
    """Return the base of an Ultra HDR picture as it is stored and its gain map; None for other files.

    Raises:
        CorruptFileError: damaged.
        InputError: not readable.
    """
    content = read_bytes(path)
    return loads_ultra_hdr(content) if content.startswith(SOI) else None


def dumps_ultra_hdr(
    base: bytes, gain_map: HdrGainMap, *, quality: int = 95, provenance: Provenance | None = None
) -> tuple[bytes, tuple[str, ...]]:
    """Return the bytes of write_ultra_hdr and what was left out."""
    picture = loads(base)
    _check_base(picture)
    bare, left_out = _bare(picture)
    appended = _gain_jpeg(gain_map, quality)
    packet = xmp_packet(provenance, next(iter(payloads(bare, APP1, XMP_NAME)), None))
    packed = with_xmp(bare, xmp_with(container_description(len(appended)), packet))
    iso = segment_of(APP2, ISO_NAME + ISO_VERSION)
    index = mpf_segment(0, 0, len(appended))
    unsized = dumps(with_segments(packed, (iso, index)))
    header_at = unsized.index(index.content) + _MPF_HEAD
    index = mpf_segment(len(unsized), len(unsized) - header_at, len(appended))
    return dumps(with_segments(packed, (iso, index))) + appended, left_out


def loads_ultra_hdr(content: bytes) -> tuple[bytes, HdrGainMap] | None:
    """Return base and gain map of a JPEG, None when it has no gain map.

    Raises:
        CorruptFileError: damaged.
    """
    picture = loads(content)
    for found in _pictures(picture.trailer):
        stated = _stated(found)
        if stated is not None:
            ranges, base_headroom_ev, hdr_headroom_ev = stated
            base = content[: len(content) - len(picture.trailer)]
            return base, HdrGainMap(_codes(found), ranges, hdr_headroom_ev, base_headroom_ev)
    return None


def _check_base(picture: Jpeg) -> None:
    """Refuse a JPEG that cannot be a base."""
    if frame_of(picture)[2] != 3:
        raise UnsupportedFormatError("a grey or CMYK JPEG is no base of Ultra HDR; export it as RGB")
    packet = b"".join(payloads(picture, APP1, XMP_NAME))
    has_others = set(_SEMANTIC.findall(packet)) - _OWN_SEMANTICS or _FILM.search(packet)
    if has_others or not all(one.is_replaceable for one in listed_pictures(picture)):
        raise UnsupportedFormatError(
            "the JPEG holds further pictures or a film (motion photo, depth, panorama), which would be lost; "
            "export it as a plain JPEG, or use --format exr"
        )


def _bare(picture: Jpeg) -> tuple[Jpeg, tuple[str, ...]]:
    """Return the base without a gain map of its own, its index and what stands behind its picture."""
    bare = without(without(picture, APP2, MPF_NAME), APP2, ISO_NAME)
    for packet in payloads(bare, APP1, XMP_NAME)[:1]:
        cleaned = xmp_without(xmp_without(packet, HDRGM_URI), CONTAINER_URI)
        bare = bare if cleaned == packet else with_xmp(bare, cleaned)
    return replace(bare, trailer=b""), (LEFT_OUT,) if picture.trailer.strip(b"\0") else ()


def _gain_jpeg(gain_map: HdrGainMap, quality: int) -> bytes:
    """Return the gain map as a JPEG of its own."""
    stream = io.BytesIO()
    try:
        PIL.Image.fromarray(np.ascontiguousarray(gain_map.codes)).save(
            stream, "JPEG", quality=quality, subsampling=0
        )
    except (OSError, ValueError) as error:
        raise OutputError(f"the gain map cannot be encoded: {error}; use --format exr") from error
    facts = gain_map.ranges, gain_map.base_headroom_ev, gain_map.hdr_headroom_ev
    encoded = with_xmp(loads(stream.getvalue()), xmp_with(hdrgm_description(*facts), None))
    return dumps(with_segments(encoded, (segment_of(APP2, ISO_NAME + dumps_iso(*facts)),)))


def _pictures(trailer: bytes) -> Iterator[Jpeg]:
    """Yield the JPEGs behind a picture."""
    at = trailer.find(SOI + b"\xff")
    while at >= 0:
        try:
            found = loads(trailer[at:])
        except CorruptFileError:
            return
        yield found
        at = trailer.find(SOI + b"\xff", len(trailer) - len(found.trailer))


def _codes(picture: Jpeg) -> GainCodes:
    """Return the codes of a gain map's JPEG."""
    try:
        return np.asarray(imagecodecs.jpeg8_decode(dumps(replace(picture, trailer=b""))))
    except (RuntimeError, ValueError) as error:
        raise CorruptFileError(f"the gain map is damaged ({error}); export the picture again") from error


def _stated(picture: Jpeg) -> tuple[tuple[GainRange, ...], float, float] | None:
    """Return what a picture says of itself as a gain map, None when it says nothing."""
    for content in payloads(picture, APP2, ISO_NAME):
        if len(content) > len(ISO_VERSION):
            return loads_iso(content)
    for packet in payloads(picture, APP1, XMP_NAME):
        if b"hdrgm:GainMapMax" in packet:
            return loads_hdrgm(packet.decode("utf-8", "replace"))
    return None
