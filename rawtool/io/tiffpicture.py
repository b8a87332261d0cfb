"""TIFF pictures: 8 and 16 bits, or floating point, written with profile, EXIF and XMP. Source: TIFF 6.0."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import tifffile

from rawtool.arrays import AnyArray
from rawtool.errors import UnsupportedFormatError
from rawtool.frames import Image
from rawtool.io.carried import exif_of, xmp_of
from rawtool.io.colorprofile import managed
from rawtool.io.exif import Block, loads, long_entry, short_entry
from rawtool.io.samples import ALPHA_DROPPED, check_size, has_alpha, plain, quantised, without_alpha
from rawtool.io.tiffdir import Entry
from rawtool.io.tiffwriter import (
    STRIP_TAGS,
    byte_entry,
    deflated_strips,
    plain_strips,
    rational_entry,
    write_tiff,
)
from rawtool.vocabulary import Profile, Space

_DEFLATE_LEVEL = 4
_WHITE_IS_ZERO, _GREY_OR_RGB = 0, (0, 1, 2)
_KINDS = {3: "a palette", 5: "CMYK", 6: "YCbCr", 8: "Lab", 32803: "a mosaic of a sensor"}


def write_picture(image: Image, path: Path, *, bits: int, is_float: bool, is_plain: bool) -> None:
    """Write a TIFF; floats as they are, whole codes clipped to [0, 1]; is_plain leaves it uncompressed.

    Raises:
        OutputError: the picture is too large for the format.
    """
    pixels = image.as_float() if is_float else quantised(image, bits)
    exif = exif_of(image)
    block = loads(exif) if exif else Block("<", (), (), ())
    packed = (
        plain_strips(pixels, block.order)
        if is_plain
        else deflated_strips(pixels, block.order, _DEFLATE_LEVEL)
    )
    strips, rows, predictor = packed
    entries = _entries(pixels, block.order, rows, predictor)
    xmp = xmp_of(image)
    entries += [byte_entry(700, xmp)] if xmp else []
    entries += [byte_entry(34675, image.icc, kind=7)] if image.icc else []
    write_tiff(path, block, entries, strips, STRIP_TAGS)


def read_picture(path: Path) -> Image:
    """Return the first picture of a TIFF as it is stored; alpha is dropped.

    Floating point without a profile is scene-linear light in Rec.709 primaries. What matters of damage is
    raised, not logged.

    Raises:
        UnsupportedFormatError: not RGB or grey.
    """
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        check_size(page.imagelength, page.imagewidth)
        if page.photometric not in _GREY_OR_RGB:
            kind = _KINDS.get(page.photometric, f"kind {page.photometric}")
            raise UnsupportedFormatError(f"a TIFF in {kind} is not supported; export it as RGB")
        stored = np.asarray(page.asarray())
        if page.planarconfig == 2 and stored.ndim == 3:
            stored = np.moveaxis(stored, 0, 2)
        is_inverted = page.photometric == _WHITE_IS_ZERO
        icc = page.tags.valueof(34675)
    pixels = without_alpha(plain(stored))
    if is_inverted and pixels.dtype.kind == "u":
        pixels = np.iinfo(pixels.dtype).max - pixels
    if icc is None and pixels.dtype.kind == "f":
        image = Image(pixels, Space.SCENE_LINEAR, Profile.LINEAR_SRGB)
    else:
        image = managed(pixels, icc)
    return replace(image, warnings=(*image.warnings, ALPHA_DROPPED)) if has_alpha(stored) else image


def _entries(pixels: AnyArray, order: str, rows: int, predictor: int) -> list[Entry]:
    """Return the tags that describe the pixels; 8 is Adobe's deflate."""
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
