"""Pixels as files hold them: whole codes, colour without alpha, sizes that can be."""

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.errors import CorruptFileError, UnsupportedFormatError
from rawtool.frames import Image

ALPHA_DROPPED = "its transparency was left out"
_MOST_PIXELS = 1 << 30


def quantised(image: Image, bits: int) -> AnyArray:
    """Return the pixels as uint8 or uint16 codes of [0, 2^bits - 1], rounded; values outside are clipped."""
    dtype = np.dtype(np.uint8 if bits == 8 else np.uint16)
    pixels = image.pixels
    if pixels.dtype == dtype and bits in (8, 16):
        return pixels
    if pixels.dtype == np.uint8 and bits == 16:
        return pixels.astype(np.uint16) * np.uint16(257)
    if pixels.dtype == np.uint16 and bits == 8:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    highest = float(2**bits - 1)
    scaled = np.multiply(image.as_float(), highest, dtype=np.float32)
    np.clip(scaled, 0, highest, out=scaled)
    return np.rint(scaled, out=scaled).astype(dtype)


def without_alpha(pixels: AnyArray) -> AnyArray:
    """Return (H, W) or (H, W, 3)."""
    if pixels.ndim == 2:
        return pixels
    return pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., 0]


def has_alpha(pixels: AnyArray) -> bool:
    """Return whether a decoded picture has a channel that without_alpha drops."""
    return pixels.ndim == 3 and pixels.shape[2] in (2, 4)


def plain(pixels: AnyArray) -> AnyArray:
    """Return uint8, uint16 or float32 pixels.

    Raises:
        UnsupportedFormatError: samples of another type.
    """
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32, copy=False)
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels
    raise UnsupportedFormatError(
        f"samples of type {pixels.dtype} are not supported; export 8 or 16 bits or float"
    )


def check_size(height: int, width: int) -> None:
    """Refuse sizes that no file of ours has.

    Raises:
        CorruptFileError: nothing in it, or more than 2^30 pixels.
    """
    if not 0 < height * width <= _MOST_PIXELS:
        raise CorruptFileError(f"a picture of {width}x{height} cannot be; export it again")
