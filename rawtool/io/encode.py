"""The one door for pictures that are written: each format's room behind it, published whole.

An Ultra HDR picture is written by write_ultra_hdr, a DNG by write_dng.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from rawtool.errors import UsageError, VerificationError
from rawtool.frames import Image
from rawtool.io import avif, jpeg
from rawtool.io.avif import avif_bytes
from rawtool.io.encodeoptions import EncodeOptions, depth_of
from rawtool.io.exr import write_exr
from rawtool.io.jpeg import SUBSAMPLINGS, jpeg_bytes
from rawtool.io.jxl import jxl_bytes
from rawtool.io.png import png_bytes
from rawtool.io.primaries import stated_by
from rawtool.io.publish import publish
from rawtool.io.radiance import write_radiance
from rawtool.io.tiffpicture import write_picture
from rawtool.vocabulary import Format, Profile, Space

_COMPRESSIONS = {
    Format.JPEG: (),
    Format.PNG: tuple(str(level) for level in range(10)),
    Format.TIFF: ("deflate", "none"),
    Format.EXR: ("zip", "zips", "piz", "dwaa", "none"),
    Format.RADIANCE: (),
    Format.AVIF: (),
    Format.JXL: (),
    Format.UHDR: (),
}
_LONGEST_SIDES = {
    Format.JPEG: jpeg.LONGEST_SIDE,
    Format.UHDR: jpeg.LONGEST_SIDE,
    Format.AVIF: avif.LONGEST_SIDE,
}
# The one space that a format holds; the others take what is display-encoded, and more.
_ONLY = {Format.RADIANCE: Space.SCENE_LINEAR, Format.AVIF: Space.PQ, Format.JXL: Space.PQ}
_HOLD_PQ = (Format.AVIF, Format.JXL, Format.PNG)
_LEAST_PQ_BITS = 10
_PNG_PQ_BITS = 16


def write_image(image: Image, target: Path, options: EncodeOptions, *, overwrite: bool = False) -> None:
    """Write an upright picture under its final name, whole or not at all.

    Whole-number formats take values clipped to [0, 1].

    Raises:
        UsageError: the format cannot hold what the options ask for.
        VerificationError: the picture holds values that are not numbers.
        OutputExistsError: the target exists and overwrite is off.
        OutputError: it cannot be written, or a package for the format is missing.
    """
    bits, is_float = depth_of(options)
    if image.space is Space.PQ and options.format is Format.PNG and options.bit_depth is None:
        bits = _PNG_PQ_BITS
    _check_options(image, options)
    _check_space(image, options.format, bits)
    if image.pixels.dtype.kind == "f" and not np.isfinite(image.pixels).all():
        raise VerificationError(
            "the finished picture holds values that are not numbers; try --device cpu, and report it"
        )
    publish(_writer(image, options, bits, is_float=is_float), target, overwrite=overwrite)


def encode_jpeg(image: Image, options: EncodeOptions) -> bytes:
    """Return the bytes of a JPEG; for the base of an Ultra HDR picture (UHDR) grey becomes three channels.

    Raises:
        UsageError: a JPEG cannot hold what the options ask for.
        OutputError: it cannot be encoded.
    """
    _check_options(image, options)
    _check_space(image, options.format, depth_of(options)[0])
    if options.format is Format.UHDR and image.pixels.ndim == 2:
        image = replace(image, pixels=np.repeat(image.pixels[..., None], 3, axis=2))
    return jpeg_bytes(image, quality=options.quality, subsampling=options.subsampling)


def _check_options(image: Image, options: EncodeOptions) -> None:
    """Refuse what the format does not know."""
    longest = _LONGEST_SIDES.get(options.format)
    if longest is not None and max(image.pixels.shape[:2]) > longest:
        raise UsageError(
            f"{options.format.value} holds at most {longest} pixels a side; use --size or --format tiff"
        )
    if options.subsampling not in SUBSAMPLINGS:
        raise UsageError(f"no subsampling {options.subsampling}; use 444, 422 or 420")
    if not 1 <= options.quality <= 100:
        raise UsageError(f"no quality {options.quality}; use 1 to 100")
    known = _COMPRESSIONS[options.format]
    if options.compression is not None and options.compression not in known:
        raise UsageError(
            f"{options.format.value} knows no compression {options.compression}; "
            f"use {' or '.join(known) if known else '--quality'}"
        )


def _check_space(image: Image, kind: Format, bits: int) -> None:
    """Refuse values that the format gives another meaning."""
    only = _ONLY.get(kind)
    if only is not None and image.space is not only:
        raise UsageError(f"{kind.value} holds HDR light only; use --format jpg, png or tiff")
    if image.space is Space.PQ and (kind not in _HOLD_PQ or image.profile is not Profile.REC2020):
        raise ValueError("PQ values are written in Rec.2020 primaries, as AVIF, JPEG XL or PNG")
    if image.space is Space.PQ and bits < _LEAST_PQ_BITS:
        raise UsageError(f"{bits} bits are too few for HDR; use --bit-depth {_PNG_PQ_BITS}")


def _writer(image: Image, options: EncodeOptions, bits: int, *, is_float: bool) -> Callable[[Path], None]:
    """Return what writes the picture into a path."""
    quality, compression = options.quality, options.compression
    primaries = options.chromaticities or stated_by(image.profile)
    packed: dict[Format, Callable[[Path], bytes]] = {
        Format.JPEG: lambda _: encode_jpeg(image, options),
        Format.PNG: lambda _: png_bytes(image, bits=bits, level=int(compression or "1")),
        Format.AVIF: lambda _: avif_bytes(image, bits=bits, quality=quality),
        Format.JXL: lambda path: jxl_bytes(image, path, quality=quality),
    }
    if options.format is Format.EXR:
        return lambda path: write_exr(
            image, path, is_half=bits == 16, compression=compression or "zip", chromaticities=primaries
        )
    if options.format is Format.RADIANCE:
        return lambda path: write_radiance(image, path, chromaticities=primaries)
    if options.format is Format.TIFF:
        return lambda path: write_picture(
            image, path, bits=bits, is_float=is_float, is_plain=compression == "none"
        )
    if options.format not in packed:
        raise ValueError("an Ultra HDR picture is written by write_ultra_hdr")
    return lambda path: _write_bytes(path, packed[options.format](path))


def _write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file."""
    path.write_bytes(content)
