"""The JPEG that a camera puts into its raw file: the largest of those that LibRaw and the directories know.

Source: TIFF/EP and EXIF 2.32 (JPEGInterchangeFormat); DNG 1.7.1, Preview Images.
"""

from collections.abc import Iterator
from dataclasses import replace
from io import BufferedIOBase
from pathlib import Path

import rawpy

from rawtool.errors import CorruptFileError, InputError
from rawtool.frames import Capture
from rawtool.io.exif import block_with, minimal_block, without_maker_note
from rawtool.io.jpegsegments import (
    APP1,
    EXIF_NAME,
    LONGEST_PAYLOAD,
    SOI,
    Jpeg,
    dumps,
    frame_of,
    loads,
    payloads,
    segment_of,
)
from rawtool.io.libraw import ERRORS, translated
from rawtool.io.reading import readable
from rawtool.io.tiffdir import Directory, read_directories

_JPEG_OFFSET, _JPEG_LENGTH = 513, 514
_COMPRESSION, _STRIP_OFFSETS, _STRIP_BYTES = 259, 273, 279
_JPEG_COMPRESSIONS = (6, 7)
# Baseline, extended and progressive; SOF3 is lossless JPEG, which holds the raw itself.
_PICTURES = {0xC0, 0xC1, 0xC2}
_BITS = 8


def read_preview(path: Path) -> bytes:
    """Return the bytes of the largest JPEG inside a raw file, as the camera made them.

    Raises:
        InputError: there is none, or the file cannot be read.
    """
    with readable(), path.open("rb") as stream:
        found = [*_listed(stream), *_of_libraw(path)]
    pictures = [content for content in found if _n_pixels(content) > 0]
    if not pictures:
        raise InputError("the file holds no JPEG of the camera; use --base develop")
    return max(pictures, key=_n_pixels)


def with_exif_of(content: bytes, capture: Capture) -> bytes:
    """Return a camera's JPEG with the EXIF of its capture in front, unless it has one.

    Without one it lies as the sensor does, and only the raw's EXIF says how it is to be turned.
    """
    jpeg = loads(content)
    if payloads(jpeg, APP1, EXIF_NAME):
        return content
    block = block_with(capture.exif or minimal_block(capture), orientation=capture.orientation)
    if len(block) > LONGEST_PAYLOAD - len(EXIF_NAME):
        block = without_maker_note(block)
    added = segment_of(APP1, EXIF_NAME + block)
    return dumps(replace(jpeg, segments=(added, *jpeg.segments)))


def _listed(stream: BufferedIOBase) -> Iterator[bytes]:
    """Yield what the directories of a TIFF-like file call a JPEG."""
    for directory in read_directories(stream):
        for offset, length in _places(directory):
            stream.seek(directory.layout.base + offset)
            yield stream.read(length)


def _places(directory: Directory) -> Iterator[tuple[int, int]]:
    """Yield offset and length of each whole JPEG that a directory points to."""
    length = directory.integer(_JPEG_LENGTH, 0)
    if length > 0:
        yield directory.integer(_JPEG_OFFSET, 0), length
    strips = directory.integers(_STRIP_OFFSETS) or ()
    if directory.integer(_COMPRESSION, 0) in _JPEG_COMPRESSIONS and len(strips) == 1:
        yield strips[0], directory.integer(_STRIP_BYTES, 0)


def _of_libraw(path: Path) -> Iterator[bytes]:
    """Yield the preview that LibRaw chooses, if it is a JPEG."""
    try:
        with rawpy.imread(str(path)) as opened:
            found = opened.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
        return
    except tuple(ERRORS) as error:
        raise translated(error) from error
    if found.format is rawpy.ThumbFormat.JPEG:
        yield bytes(found.data)


def _n_pixels(content: bytes) -> int:
    """Return how many pixels a JPEG of 8 bits has; 0 for what is none, or holds anything else."""
    if not content.startswith(SOI):
        return 0
    try:
        jpeg = loads(content)
        height, width, _ = frame_of(jpeg)
    except CorruptFileError:
        return 0
    return height * width if _is_picture(jpeg) else 0


def _is_picture(jpeg: Jpeg) -> bool:
    """Return whether this is a picture of 8 bits that every program shows."""
    return any(s.marker in _PICTURES and s.payload[:1] == bytes([_BITS]) for s in jpeg.segments)
