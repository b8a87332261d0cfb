"""PNG pictures of 8 and 16 bits, and of PQ codes with cICP. Source: PNG, third edition."""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image

from rawtool.arrays import AnyArray
from rawtool.frames import ContentLight, Image
from rawtool.io.carried import exif_of, xmp_of
from rawtool.io.cicp import PQ_RGB, Cicp, space_of
from rawtool.io.colorprofile import managed
from rawtool.io.samples import ALPHA_DROPPED, check_size, has_alpha, quantised, without_alpha
from rawtool.vocabulary import Space

_HEADER_END = 33
_PALETTE = 3


def png_bytes(image: Image, *, bits: int, level: int) -> bytes:
    """Return a PNG; profile, EXIF and XMP stand right after its header. PQ has cICP instead of a profile."""
    encoded = bytes(imagecodecs.png_encode(np.ascontiguousarray(quantised(image, bits)), level=level))
    exif, xmp = exif_of(image), xmp_of(image)
    chunks = b""
    if image.space is Space.PQ:
        chunks += _chunk(b"cICP", bytes((PQ_RGB.primaries, PQ_RGB.transfer, PQ_RGB.matrix, 1)))
        chunks += _chunk(b"cLLI", _light_bytes(image.content_light)) if image.content_light else b""
    elif image.icc:
        chunks += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(image.icc))
    if exif:
        chunks += _chunk(b"eXIf", exif)
    if xmp:
        chunks += _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    return encoded[:_HEADER_END] + chunks + encoded[_HEADER_END:]


def read_png(path: Path) -> Image:
    """Return a PNG of 8 or 16 bits as it is stored; palettes are resolved, alpha is dropped.

    Raises:
        UnsupportedFormatError: colours that have no name here.
    """
    content = path.read_bytes()
    width, height = struct.unpack(">2I", content[16:24])
    check_size(height, width)
    if content[25] == _PALETTE or content[24] < 8:
        with PIL.Image.open(io.BytesIO(content)) as picture:
            is_transparent = "transparency" in picture.info
            pixels = np.array(picture.convert("RGB"))
    else:
        decoded = np.asarray(imagecodecs.png_decode(content))
        is_transparent, pixels = has_alpha(decoded), without_alpha(decoded)
    chunks = dict(_chunks(content))
    image = _meant(pixels, chunks)
    return replace(image, warnings=(*image.warnings, ALPHA_DROPPED)) if is_transparent else image


def _meant(pixels: AnyArray, chunks: dict[bytes, bytes]) -> Image:
    """Return the pixels with what cICP, or else a profile, says of them (PNG, 12.1)."""
    code_points = chunks.get(b"cICP", b"")
    if len(code_points) == 4:
        space, profile = space_of(Cicp(*code_points[:3]))
        return Image(pixels, space, profile)
    profile_chunk = chunks.get(b"iCCP")
    return managed(pixels, zlib.decompress(profile_chunk.split(b"\0", 1)[1][1:]) if profile_chunk else None)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks before the picture's own."""
    at = 8
    while at + 8 <= len(content):
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        if kind == b"IDAT":
            return
        yield kind, content[at + 8 : at + 8 + size]
        at += 12 + size


def _light_bytes(light: ContentLight) -> bytes:
    """Return MaxCLL and MaxFALL in units of 0.0001 cd/m2."""
    return struct.pack(
        ">2I", *(min(round(nits * 10_000), 2**31 - 1) for nits in (light.most_nits, light.mean_nits))
    )


def _chunk(kind: bytes, payload: bytes) -> bytes:
    """Return a PNG chunk."""
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))
