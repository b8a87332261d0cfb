"""Finished pictures to frames: JPEG, PNG, TIFF, OpenEXR, Radiance; upright, with their profile."""

import io
import logging
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import tifffile

from rawtool.arrays import AnyArray
from rawtool.errors import CorruptFileError, InputError, MemoryLimitError, UnsupportedFormatError
from rawtool.frames import Image
from rawtool.io.exifsource import find_exif
from rawtool.io.exr import read_exr
from rawtool.io.iccprofile import profile_of
from rawtool.io.orientation import upright
from rawtool.vocabulary import Profile, Space

# Rec.709, Display P3 and Rec.2020 as EXR chromaticities: red x, y, green x, y, blue x, y.
_PRIMARIES = {
    Profile.LINEAR_SRGB: (0.64, 0.33, 0.30, 0.60, 0.15, 0.06),
    Profile.DISPLAY_P3: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    Profile.REC2020: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    Profile.ADOBE_RGB: (0.64, 0.33, 0.21, 0.71, 0.15, 0.06),
}
_MOST_PIXELS = 1 << 30


def read_image(path: Path) -> Image:
    """Return a picture, upright: whole-number codes as they are stored, or float32.

    What has no profile counts as sRGB, floating-point pictures as scene-linear with Rec.709 primaries.
    Alpha is dropped.

    Raises:
        UnsupportedFormatError: another kind of file.
        CorruptFileError: damaged, cut short or empty.
        InputError: not readable, or a package for the format is missing.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
            source = find_exif(stream) if head[:2] in (b"\xff\xd8", b"\x89P") else None
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise InputError(f"cannot be read: {reason}; check the path and its permissions") from error
    if not head:
        raise CorruptFileError("the file is empty; export it again")
    image = _translated(_reader(head), path)
    orientation = source.main.integer(274, 1) if source else 1
    return (
        image
        if orientation == 1
        else Image(upright(image.pixels, orientation), image.space, image.profile, icc=image.icc)
    )


def _reader(head: bytes) -> Callable[[Path], Image]:
    """Return what reads a file that begins so."""
    readers = {
        b"\xff\xd8\xff": _read_jpeg,
        b"\x89PNG": _read_png,
        b"v/1\x01": _read_exr,
        b"#?": _read_radiance,
        b"II*\0": _read_tiff,
        b"MM\0*": _read_tiff,
        b"II+\0": _read_tiff,
        b"MM\0+": _read_tiff,
    }
    for magic, reader in readers.items():
        if head.startswith(magic):
            return reader
    raise UnsupportedFormatError(
        "not a JPEG, PNG, TIFF, OpenEXR or Radiance picture; export it as one of these"
    )


def _translated(read: Callable[[Path], Image], path: Path) -> Image:
    """Read with the decoders' errors in our words."""
    try:
        return read(path)
    except MemoryError as error:
        raise MemoryLimitError("not enough memory for the picture; close other programs") from error
    except PIL.Image.DecompressionBombError as error:
        raise InputError("the picture has more than 178 million pixels; export it as TIFF") from error
    except (
        OSError,
        ValueError,
        RuntimeError,
        KeyError,
        IndexError,
        TypeError,
        SyntaxError,
        struct.error,
        zlib.error,
        tifffile.TiffFileError,
    ) as error:
        reason = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        raise CorruptFileError(f"the picture is damaged ({reason}); export it again") from error


def _read_jpeg(path: Path) -> Image:
    """Return a JPEG."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
        with PIL.Image.open(path) as picture:
            icc = picture.info.get("icc_profile")
            if picture.mode not in ("L", "RGB"):
                raise UnsupportedFormatError(f"a JPEG in {picture.mode} is not supported; export it as RGB")
            pixels = np.array(picture)
    return Image(pixels, Space.DISPLAY, profile_of(icc) or Profile.SRGB, icc=icc)


def _read_png(path: Path) -> Image:
    """Return a PNG of 8 or 16 bits; palettes are resolved."""
    content = path.read_bytes()
    width, height = struct.unpack(">2I", content[16:24])
    _check_size(height, width)
    if content[25] == 3 or content[24] < 8:
        with PIL.Image.open(io.BytesIO(content)) as picture:
            pixels = np.array(picture.convert("RGB"))
    else:
        pixels = np.asarray(imagecodecs.png_decode(content))
    icc = _png_profile(content)
    return Image(_without_alpha(pixels), Space.DISPLAY, profile_of(icc) or Profile.SRGB, icc=icc)


def _png_profile(content: bytes) -> bytes | None:
    """Return the ICC profile of a PNG's iCCP chunk."""
    at = 8
    while at + 8 <= len(content):
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        if kind == b"iCCP":
            return zlib.decompress(content[at + 8 : at + 8 + size].split(b"\0", 1)[1][1:])
        if kind == b"IDAT":
            return None
        at += 12 + size
    return None


def _read_tiff(path: Path) -> Image:
    """Return the first picture of a TIFF; what matters of damage is raised, not logged."""
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        _check_size(page.imagelength, page.imagewidth)
        if page.photometric not in (0, 1, 2):
            raise UnsupportedFormatError(
                f"a TIFF of kind {page.photometric} is not supported; export it as RGB"
            )
        pixels = np.asarray(page.asarray())
        if page.planarconfig == 2 and pixels.ndim == 3:
            pixels = np.moveaxis(pixels, 0, 2)
        is_inverted = page.photometric == 0
        icc, orientation = page.tags.valueof(34675), page.tags.valueof(274, default=1)
    if is_inverted and pixels.dtype.kind == "u":
        pixels = np.iinfo(pixels.dtype).max - pixels
    profile = profile_of(icc)
    pixels = upright(_without_alpha(_plain(pixels)), orientation)
    is_scene = pixels.dtype.kind == "f" and profile in (None, Profile.LINEAR_SRGB)
    default = Profile.LINEAR_SRGB if is_scene else Profile.SRGB
    return Image(pixels, Space.SCENE_LINEAR if is_scene else Space.DISPLAY, profile or default, icc=icc)


def _read_exr(path: Path) -> Image:
    """Return an OpenEXR picture, in the named space nearest to its chromaticities."""
    pixels, stated = read_exr(path)
    profile = Profile.LINEAR_SRGB
    if stated is not None:
        distances = {known: np.abs(np.subtract(stated[:6], xy)).max() for known, xy in _PRIMARIES.items()}
        profile = min(distances, key=lambda known: distances[known])
    return Image(pixels, Space.SCENE_LINEAR, profile)


def _read_radiance(path: Path) -> Image:
    """Return a Radiance RGBE picture."""
    pixels = np.asarray(imagecodecs.rgbe_decode(path.read_bytes()), np.float32)
    return Image(pixels, Space.SCENE_LINEAR, Profile.LINEAR_SRGB)


def _plain(pixels: AnyArray) -> AnyArray:
    """Return uint8, uint16 or float32 pixels."""
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32, copy=False)
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels
    raise UnsupportedFormatError(
        f"samples of type {pixels.dtype} are not supported; export 8 or 16 bits or float"
    )


def _without_alpha(pixels: AnyArray) -> AnyArray:
    """Return (H, W) or (H, W, 3)."""
    if pixels.ndim == 2:
        return pixels
    return pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., 0]


def _check_size(height: int, width: int) -> None:
    """Refuse sizes that no file of ours has."""
    if not 0 < height * width <= _MOST_PIXELS:
        raise CorruptFileError(f"a picture of {width}x{height} cannot be; export it again")
