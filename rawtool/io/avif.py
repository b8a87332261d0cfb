"""AVIF pictures: PQ of 10 or 12 bits is written, display-encoded ones are read as well.

Source: AVIF 1.1; the clli property as in ISO/IEC 14496-12, 12.1.6.
"""

import struct
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np

from rawtool.arrays import AnyArray
from rawtool.errors import CorruptFileError, OutputError
from rawtool.frames import ContentLight, Image
from rawtool.io.carried import exif_of, xmp_of
from rawtool.io.cicp import PQ_YCC, Cicp, space_of
from rawtool.io.colorprofile import managed
from rawtool.io.heif import Container, loads, with_items
from rawtool.io.samples import ALPHA_DROPPED, has_alpha, quantised, without_alpha
from rawtool.vocabulary import Space

LONGEST_SIDE = 32768
"""What libavif decodes unless told otherwise."""

_SPEED = 8


def avif_bytes(image: Image, *, bits: int, quality: int) -> bytes:
    """Return an AVIF of a PQ picture, 4:4:4, full range; quality 100 is exact but for a code in 1024.

    Raises:
        OutputError: the encoder refuses it.
    """
    codes = quantised(image, bits)
    try:
        encoded = imagecodecs.avif_encode(
            np.ascontiguousarray(codes),
            quality,
            speed=_SPEED,
            bitspersample=bits,
            pixelformat="444" if codes.ndim == 3 else "400",
            primaries=PQ_YCC.primaries,
            transfer=PQ_YCC.transfer,
            matrix=PQ_YCC.matrix,
        )
    except (RuntimeError, ValueError) as error:
        raise OutputError(f"the AVIF cannot be encoded: {error}; use --format exr") from error
    light = () if image.content_light is None else ((b"clli", _light_bytes(image.content_light)),)
    return with_items(bytes(encoded), exif=exif_of(image), xmp=xmp_of(image), properties=light)


def read_avif(path: Path) -> Image:
    """Return an AVIF picture, upright; float32 codes of [0, 1].

    Raises:
        CorruptFileError: damaged.
        UnsupportedFormatError: colours that have no name here.
    """
    content = path.read_bytes()
    container = loads(content)
    bits = _bits(container)
    codes = np.asarray(imagecodecs.avif_decode(content))
    pixels = _turned(without_alpha(codes), container)
    if bits != 8:
        pixels = pixels.astype(np.float32) / np.float32(2**bits - 1)
    image = _meant(pixels, container.stated(b"colr") or b"")
    return replace(image, warnings=(*image.warnings, ALPHA_DROPPED)) if has_alpha(codes) else image


def _meant(pixels: AnyArray, stated: bytes) -> Image:
    """Return the pixels with what the colour property says of them, sRGB without one."""
    if stated[:4] in (b"prof", b"rICC"):
        return managed(pixels, stated[4:])
    if stated[:4] != b"nclx" or len(stated) < 10:
        return Image(pixels, Space.DISPLAY)
    space, profile = space_of(Cicp(*struct.unpack(">3H", stated[4:10])))
    return Image(pixels, space, profile)


def _bits(container: Container) -> int:
    """Return the bits per sample. Source: AV1 codec ISO media file format binding, 2.3."""
    configuration = container.stated(b"av1C")
    if configuration is None or len(configuration) < 3:
        raise CorruptFileError("the AVIF holds no AV1 picture; export it again")
    is_deep, is_deepest = configuration[2] & 0x40, configuration[2] & 0x20
    return 12 if is_deep and is_deepest else 10 if is_deep else 8


def _turned(pixels: AnyArray, container: Container) -> AnyArray:
    """Return pixels turned and mirrored as the file says. Source: ISO/IEC 23008-12, 6.5.10 and 6.5.12."""
    for kind, content in container.properties:
        if kind == b"irot":
            pixels = np.rot90(pixels, content[0] & 3)
        elif kind == b"imir":
            pixels = pixels[:, ::-1] if content[0] & 1 else pixels[::-1]
    return pixels


def _light_bytes(light: ContentLight) -> bytes:
    """Return MaxCLL and MaxFALL in whole cd/m2."""
    return struct.pack(">2H", *(min(round(nits), 65535) for nits in (light.most_nits, light.mean_nits)))
