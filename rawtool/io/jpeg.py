"""JPEG pictures: written with profile, EXIF and XMP; read as RGB or grey, never as CMYK."""

import io
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image

from rawtool.errors import OutputError, UnsupportedFormatError
from rawtool.frames import Image
from rawtool.io.carried import exif_of, xmp_of
from rawtool.io.colorprofile import managed
from rawtool.io.exif import block_with, minimal_block, without_maker_note
from rawtool.io.jpegsegments import (
    APP1,
    EXIF_NAME,
    XMP_NAME,
    dumps,
    loads,
    profile_segments,
    segment_of,
    with_segments,
)
from rawtool.io.samples import quantised
from rawtool.io.xmp import xmp_packet

SUBSAMPLINGS = frozenset({"444", "422", "420"})
LONGEST_SIDE = 65500
# An APP1 segment holds 65535 bytes with its length and its name.
_LONGEST_EXIF, _LONGEST_XMP = 65527, 65504


def jpeg_bytes(image: Image, *, quality: int = 95, subsampling: str = "444") -> bytes:
    """Return a JPEG of 8 bits; values are clipped to [0, 1]. An EXIF too long loses its maker note first.

    Raises:
        OutputError: it cannot be encoded.
    """
    exif = exif_of(image)
    if exif and len(exif) > _LONGEST_EXIF:
        exif = without_maker_note(exif)
    if exif and len(exif) > _LONGEST_EXIF and image.capture:
        exif = block_with(minimal_block(image.capture))
    xmp = xmp_of(image)
    if xmp and len(xmp) > _LONGEST_XMP:
        xmp = xmp_packet(image.provenance, None)
    codes = np.ascontiguousarray(quantised(image, 8))
    try:
        content = bytes(imagecodecs.jpeg8_encode(codes, level=quality, subsampling=subsampling))
        said = [segment_of(APP1, name + text) for name, text in ((EXIF_NAME, exif), (XMP_NAME, xmp)) if text]
        said += profile_segments(image.icc or b"")
    except (imagecodecs.Jpeg8Error, UnsupportedFormatError, ValueError) as error:
        raise OutputError(f"the JPEG cannot be encoded: {error}; use --format tiff") from error
    return dumps(with_segments(loads(content), tuple(said)))


def read_jpeg(path: Path) -> Image:
    """Return a JPEG as it is stored; of an Ultra HDR picture its base.

    Raises:
        UnsupportedFormatError: CMYK.
    """
    return decode_jpeg(path.read_bytes())


def decode_jpeg(content: bytes) -> Image:
    """Return the picture of a JPEG's bytes.

    Raises:
        UnsupportedFormatError: CMYK.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
        with PIL.Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
            icc = picture.info.get("icc_profile")
            if picture.mode not in ("L", "RGB"):
                raise UnsupportedFormatError(f"a JPEG in {picture.mode} is not supported; export it as RGB")
            pixels = np.array(picture)
    return managed(pixels, icc)
