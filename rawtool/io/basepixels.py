"""The pixels of a base picture, by the one decoder that packing and unpacking share.

libjpeg-turbo with its integer DCT and "fancy" upsampling, which give the same bits on every machine. The
colour profile is left aside: what counts are the codes.
"""

import hashlib
import struct

import imagecodecs
import numpy as np

from rawtool.arrays import Rgb8
from rawtool.errors import CorruptFileError, UnsupportedFormatError
from rawtool.io.jpegsegments import frame_of, loads

_N_COLORS = (1, 3)


def base_pixels(content: bytes) -> Rgb8:
    """Return the pixels of a JPEG as they are stored, uint8 (H, W, 3); grey stands in all three channels.

    Raises:
        UnsupportedFormatError: CMYK, or a JPEG of more than 8 bits.
        CorruptFileError: damaged or cut short.
    """
    if frame_of(loads(content))[2] not in _N_COLORS:
        raise UnsupportedFormatError("a JPEG in CMYK is not supported; export it as RGB")
    try:
        pixels = imagecodecs.jpeg8_decode(content, outcolorspace="RGB")
    except (RuntimeError, ValueError) as error:
        raise CorruptFileError(f"the JPEG cannot be decoded ({error}); export it again") from error
    if pixels.dtype != np.uint8 or pixels.ndim != 3:
        raise UnsupportedFormatError("a JPEG of more than 8 bits is not supported; export it with 8")
    return np.ascontiguousarray(pixels)


def pixels_sha256(pixels: Rgb8) -> str:
    """Return the SHA-256 of height and width (uint32, little-endian) and the pixels, in hexadecimal."""
    return hashlib.sha256(struct.pack("<2I", *pixels.shape[:2]) + pixels.tobytes()).hexdigest()
