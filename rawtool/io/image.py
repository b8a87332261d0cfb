"""Finished pictures to frames, upright, with their profile and their capture.

JPEG, PNG, TIFF, WebP, AVIF, JPEG XL, OpenEXR, Radiance.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import PIL.Image
import tifffile

from rawtool.errors import CorruptFileError, InputError, MemoryLimitError, UnsupportedFormatError
from rawtool.frames import Image
from rawtool.io import jxl
from rawtool.io.avif import read_avif
from rawtool.io.carried import capture_of
from rawtool.io.exifsource import ADOBE_RGB, ExifSource, find_exif
from rawtool.io.exr import read_exr
from rawtool.io.jpeg import read_jpeg
from rawtool.io.orientation import upright
from rawtool.io.png import read_png
from rawtool.io.radiance import read_radiance
from rawtool.io.reading import readable
from rawtool.io.tiffpicture import read_picture
from rawtool.io.webp import read_webp
from rawtool.vocabulary import Profile, Space


@dataclass(frozen=True, slots=True)
class _Kind:
    """How files that begin with a magic at some place are read, and whether EXIF says how they are turned."""

    start: int
    magic: bytes
    read: Callable[[Path], Image]
    is_turned_by_exif: bool = False


_KINDS = (
    _Kind(0, b"\xff\xd8\xff", read_jpeg, is_turned_by_exif=True),
    _Kind(0, b"\x89PNG", read_png, is_turned_by_exif=True),
    *(
        _Kind(0, magic, read_picture, is_turned_by_exif=True)
        for magic in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    ),
    _Kind(8, b"WEBP", read_webp, is_turned_by_exif=True),
    _Kind(4, b"ftypavif", read_avif),
    _Kind(0, b"v/1\x01", read_exr),
    _Kind(0, b"#?", read_radiance),
    *(_Kind(0, magic, jxl.read_jxl) for magic in jxl.MAGICS),
)


def read_image(path: Path) -> Image:
    """Return a picture, upright: whole-number codes as they are stored, or float32.

    What has no profile counts as sRGB, or as Adobe RGB where EXIF says so; floating-point pictures as
    scene-linear with Rec.709 primaries. A profile without a name here is converted to the nearest that has
    one, in 16 bits; alpha is dropped: warnings of the picture say so. An Ultra HDR picture is its base.

    Raises:
        UnsupportedFormatError: another kind of file, CMYK, HLG.
        CorruptFileError: damaged, cut short or empty.
        InputError: not readable, or a package for the format is missing.
    """
    with readable(), path.open("rb") as stream:
        head = stream.read(16)
        kind = next((one for one in _KINDS if head[one.start :].startswith(one.magic)), None)
        source = None if kind is None else find_exif(stream)
    if not head:
        raise CorruptFileError("the file is empty; export it again")
    if kind is None:
        raise UnsupportedFormatError(
            "not a JPEG, PNG, TIFF, WebP, AVIF, JPEG XL, OpenEXR or Radiance picture; export it as JPEG"
        )
    image = _translated(kind.read, path)
    orientation = source.main.integer(274, 1) if source and kind.is_turned_by_exif else 1
    return replace(
        image,
        pixels=upright(image.pixels, orientation),
        profile=_profile(image, source),
        capture=image.capture or capture_of(source),
    )


def _profile(image: Image, source: ExifSource | None) -> Profile:
    """Return the picture's profile; without an embedded one EXIF may name Adobe RGB."""
    is_silent = image.icc is None and image.space is Space.DISPLAY and image.profile is Profile.SRGB
    if is_silent and source is not None and source.interop == ADOBE_RGB:
        return Profile.ADOBE_RGB
    return image.profile


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
        ArithmeticError,
        SyntaxError,
        struct.error,
        zlib.error,
        tifffile.TiffFileError,
    ) as error:
        reason = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        raise CorruptFileError(f"the picture is damaged ({reason}); export it again") from error
