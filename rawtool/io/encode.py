"""Pictures to files: JPEG, PNG, TIFF; OpenEXR through exr.py. Published whole, with profile, EXIF and XMP."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image

from rawtool.arrays import AnyArray
from rawtool.errors import OutputError, UsageError, VerificationError
from rawtool.frames import Image
from rawtool.io.exif import (
    Block,
    block_with,
    loads,
    long_entry,
    minimal_block,
    short_entry,
    without_maker_note,
)
from rawtool.io.exr import write_exr
from rawtool.io.publish import publish
from rawtool.io.tiffdir import Entry
from rawtool.io.tiffwriter import (
    STRIP_TAGS,
    byte_entry,
    deflated_strips,
    plain_strips,
    rational_entry,
    write_tiff,
)
from rawtool.io.xmp import xmp_packet
from rawtool.vocabulary import Format

# What each format can hold: (bits, is floating point); the first is the default.
_DEPTHS = {
    Format.JPEG: ((8, False),),
    Format.PNG: ((8, False), (16, False)),
    Format.TIFF: ((16, False), (8, False), (32, True)),
    Format.EXR: ((16, True), (32, True)),
}
_COMPRESSIONS = {
    Format.JPEG: (),
    Format.PNG: tuple(str(level) for level in range(10)),
    Format.TIFF: ("deflate", "none"),
    Format.EXR: ("zip", "zips", "piz", "dwaa", "none"),
}
_SUBSAMPLINGS = {"444": 0, "422": 1, "420": 2}
_LONGEST_JPEG_SIDE = 65500
# An APP1 segment holds 65535 bytes with its length and its name.
_LONGEST_EXIF, _LONGEST_XMP = 65527, 65504
_DEFLATE_LEVEL = 4


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """How a picture is written.

    bit_depth None takes the format's own: JPEG and PNG 8, TIFF 16, EXR 16 (half). TIFF takes 8 and 16
    whole or 32 float; EXR is always float. compression: PNG "0" to "9", TIFF "deflate" or "none", EXR
    "zip", "zips", "piz", "dwaa" or "none". chromaticities (red, green, blue, white: x, y each) go into EXR.
    """

    format: Format
    quality: int = 95
    bit_depth: int | None = None
    is_float: bool = False
    subsampling: str = "444"
    compression: str | None = None
    chromaticities: tuple[float, float, float, float, float, float, float, float] | None = None


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
    _check_options(image, options)
    if image.pixels.dtype.kind == "f" and not np.isfinite(image.pixels).all():
        raise VerificationError(
            "the finished picture holds values that are not numbers; try --device cpu, and report it"
        )
    publish(_writer(image, options, bits, is_float=is_float), target, overwrite=overwrite)


def depth_of(options: EncodeOptions) -> tuple[int, bool]:
    """Return the bits per sample and whether they are floating point.

    Raises:
        UsageError: the format cannot hold such samples.
    """
    depths = _DEPTHS.get(options.format)
    if depths is None:
        raise ValueError("a DNG is written by write_dng")
    is_float = options.is_float or options.format is Format.EXR
    if options.bit_depth is None:
        return (
            next((depth for depth in depths if depth[1] == is_float), (0, False)) if is_float else depths[0]
        )
    wanted = (options.bit_depth, is_float or options.bit_depth == 32)
    if wanted not in depths:
        known = " or ".join(f"{bits}{'f' if floating else ''}" for bits, floating in depths)
        raise UsageError(
            f"{options.format.value} cannot hold {options.bit_depth} bits; use --bit-depth {known}, "
            "or --format tiff"
        )
    return wanted


def quantised(image: Image, bits: int) -> AnyArray:
    """Return the pixels as uint8 or uint16 codes of [0, 1], rounded; values outside are clipped."""
    dtype = np.dtype(np.uint8 if bits == 8 else np.uint16)
    pixels = image.pixels
    if pixels.dtype == dtype:
        return pixels
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint16) * np.uint16(257)
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    highest = float(2**bits - 1)
    scaled = np.multiply(pixels, highest, dtype=np.float32)
    np.clip(scaled, 0, highest, out=scaled)
    return np.rint(scaled, out=scaled).astype(dtype)


def _check_options(image: Image, options: EncodeOptions) -> None:
    """Refuse what the format does not know."""
    height, width = image.pixels.shape[:2]
    if options.format is Format.JPEG and max(height, width) > _LONGEST_JPEG_SIDE:
        raise UsageError(f"a JPEG is at most {_LONGEST_JPEG_SIDE} pixels long; use --size or --format tiff")
    if options.subsampling not in _SUBSAMPLINGS:
        raise UsageError(f"no subsampling {options.subsampling}; use 444, 422 or 420")
    if not 1 <= options.quality <= 100:
        raise UsageError(f"no quality {options.quality}; use 1 to 100")
    known = _COMPRESSIONS[options.format]
    if options.compression is not None and options.compression not in known:
        raise UsageError(
            f"{options.format.value} knows no compression {options.compression}; "
            f"use {' or '.join(known) if known else '--quality'}"
        )


def _writer(image: Image, options: EncodeOptions, bits: int, *, is_float: bool) -> Callable[[Path], None]:
    """Return what writes the picture into a path."""
    if options.format is Format.EXR:
        return lambda path: write_exr(
            image,
            path,
            is_half=bits == 16,
            compression=options.compression or "zip",
            chromaticities=options.chromaticities,
        )
    if options.format is Format.TIFF:
        return lambda path: _write_tiff(
            image, path, bits, is_float=is_float, is_plain=options.compression == "none"
        )
    if options.format is Format.PNG:
        return lambda path: _write_bytes(path, _png(image, bits, int(options.compression or "1")))
    return lambda path: _write_bytes(path, _jpeg(image, options))


def _write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file."""
    path.write_bytes(content)


def exif_of(image: Image) -> bytes | None:
    """Return the EXIF block to embed: the capture's, upright, with our name as Software."""
    software = image.provenance.software if image.provenance else None
    if image.capture is None:
        return block_with(None, software=software) if software else None
    return block_with(image.capture.exif or minimal_block(image.capture), software=software)


def xmp_of(image: Image) -> bytes | None:
    """Return the XMP packet to embed."""
    return xmp_packet(image.provenance, image.capture.xmp if image.capture else None)


def _jpeg(image: Image, options: EncodeOptions) -> bytes:
    """Return a JPEG."""
    exif = exif_of(image)
    if exif and len(exif) > _LONGEST_EXIF:
        exif = without_maker_note(exif)
    if exif and len(exif) > _LONGEST_EXIF and image.capture:
        exif = block_with(minimal_block(image.capture))
    xmp = xmp_of(image)
    if xmp and len(xmp) > _LONGEST_XMP:
        xmp = xmp_packet(image.provenance, None)
    stream = io.BytesIO()
    picture = PIL.Image.fromarray(np.ascontiguousarray(quantised(image, 8)))
    try:
        picture.save(
            stream,
            "JPEG",
            quality=options.quality,
            subsampling=_SUBSAMPLINGS[options.subsampling],
            exif=b"Exif\0\0" + exif if exif else b"",
            icc_profile=image.icc,
            xmp=xmp or b"",
        )
    except ValueError as error:
        raise OutputError(f"the JPEG cannot be encoded: {error}; use --format tiff") from error
    return stream.getvalue()


def _png(image: Image, bits: int, level: int) -> bytes:
    """Return a PNG; profile, EXIF and XMP stand right after its header. Source: PNG, third edition."""
    encoded = bytes(imagecodecs.png_encode(np.ascontiguousarray(quantised(image, bits)), level=level))
    exif, xmp = exif_of(image), xmp_of(image)
    chunks = b""
    if image.icc:
        chunks += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(image.icc))
    if exif:
        chunks += _chunk(b"eXIf", exif)
    if xmp:
        chunks += _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    return encoded[:33] + chunks + encoded[33:]


def _chunk(kind: bytes, payload: bytes) -> bytes:
    """Return a PNG chunk."""
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def _write_tiff(image: Image, path: Path, bits: int, *, is_float: bool, is_plain: bool) -> None:
    """Write a TIFF."""
    pixels = image.as_float() if is_float else quantised(image, bits)
    exif = exif_of(image)
    block = loads(exif) if exif else Block("<", (), (), ())
    packed = (
        plain_strips(pixels, block.order)
        if is_plain
        else deflated_strips(pixels, block.order, _DEFLATE_LEVEL)
    )
    strips, rows, predictor = packed
    entries = _tiff_entries(pixels, block.order, rows, predictor)
    xmp = xmp_of(image)
    entries += [byte_entry(700, xmp)] if xmp else []
    entries += [byte_entry(34675, image.icc, kind=7)] if image.icc else []
    write_tiff(path, block, entries, strips, STRIP_TAGS)


def _tiff_entries(pixels: AnyArray, order: str, rows: int, predictor: int) -> list[Entry]:
    """Return the tags that describe the pixels. Source: TIFF 6.0; 8 is Adobe's deflate."""
    n_samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    resolution = [rational_entry(order, code, [300.0], is_signed=False) for code in (282, 283)]
    return [
        long_entry(order, 256, pixels.shape[1]),
        long_entry(order, 257, pixels.shape[0]),
        short_entry(order, 258, *[pixels.dtype.itemsize * 8] * n_samples),
        short_entry(order, 259, 1 if predictor == 1 else 8),
        short_entry(order, 262, 1 if n_samples == 1 else 2),
        short_entry(order, 277, n_samples),
        long_entry(order, 278, rows),
        *resolution,
        short_entry(order, 284, 1),
        short_entry(order, 296, 2),
        short_entry(order, 317, predictor),
        short_entry(order, 339, *[3 if pixels.dtype.kind == "f" else 1] * n_samples),
    ]
