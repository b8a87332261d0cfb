"""A TIFF with one picture, its EXIF and perhaps a preview: what TIFF and DNG output share.

Classic TIFF, below 4 GB.
"""

import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import imagecodecs
import numpy as np

from rawtool.arrays import AnyArray
from rawtool.errors import OutputError
from rawtool.io.exif import (
    FARTHEST_MAKER_NOTE,
    Block,
    long_entry,
    pack_directory,
    pack_header,
    pack_tables,
)
from rawtool.io.tiffdir import Entry

STRIP_TAGS, TILE_TAGS = (273, 279), (324, 325)
_MOST_BYTES = 2**32 - 2**20
_STRIP_BYTES = 1 << 18
_SUB_IFD = 330


@dataclass(frozen=True, slots=True)
class Inner:
    """A second picture in one strip, with a directory of its own below the main one."""

    entries: tuple[Entry, ...]
    strip: bytes

    def packed(self, order: str, start: int) -> tuple[bytes, int]:
        """Lay strip and directory out from start on, an even offset; the second is where the directory is."""
        strip = self.strip + b"\0" * (len(self.strip) % 2)
        places = (long_entry(order, 273, start), long_entry(order, 279, len(self.strip)))
        return strip + pack_directory(order, [*self.entries, *places], start + len(strip)), start + len(strip)


def write_tiff(
    path: Path,
    block: Block,
    entries: Sequence[Entry],
    chunks: Sequence[bytes],
    tags: tuple[int, int],
    inner: Inner | None = None,
) -> None:
    """Write the chunks and a directory with the entries, the block's EXIF, GPS and maker note.

    tags are the codes for the chunks' offsets and lengths. The block's own main entries are kept where
    the entries do not set the same tag. All entries are in the block's byte order.

    Raises:
        OutputError: the picture is too large for the format.
    """
    note = block.maker_note
    is_note_first = note is not None and 8 <= note.offset <= FARTHEST_MAKER_NOTE
    front = b""
    if note is not None and is_note_first:
        front = b"\0" * (note.offset - 8) + note.payload + b"\0" * (note.count % 2)
    offsets, at = [], 8 + len(front)
    for chunk in chunks:
        offsets.append(at)
        at += len(chunk) + len(chunk) % 2
    if at > _MOST_BYTES:
        raise OutputError("the picture does not fit into the 4 GB of a TIFF; use --size or another --format")
    note_at = note.offset if note is not None and is_note_first else at
    behind = b"" if note is None or is_note_first else note.payload + b"\0" * (note.count % 2)
    order = block.order
    counts = [len(chunk) for chunk in chunks]
    places = [long_entry(order, tags[0], *offsets), long_entry(order, tags[1], *counts)]
    if inner is not None:
        packed, place = inner.packed(order, at + len(behind))
        behind += packed
        places.append(long_entry(order, _SUB_IFD, place))
    start = at + len(behind)
    main = {entry.code: entry for entry in (*block.main, *entries, *places)}
    tables = pack_tables(replace(block, main=tuple(main.values())), start, note, note_at)
    with path.open("wb") as stream:
        stream.write(pack_header(order, start) + front)
        for chunk in chunks:
            stream.write(chunk + b"\0" * (len(chunk) % 2))
        stream.write(behind + tables)


def deflated_strips(pixels: AnyArray, order: str, level: int) -> tuple[list[bytes], int, int]:
    """Return deflated strips, the rows in each and the TIFF predictor: 2 for whole numbers, 3 for floats."""
    samples = pixels.reshape(pixels.shape[0], pixels.shape[1], -1)
    rows = max(1, _STRIP_BYTES // max(1, samples[0].nbytes))
    is_float = samples.dtype.kind == "f"

    def deflate(top: int) -> bytes:
        strip = np.ascontiguousarray(samples[top : top + rows])
        if is_float:
            return bytes(imagecodecs.zlib_encode(_float_predicted(strip), level=level))
        predicted = imagecodecs.delta_encode(strip, axis=-2)
        return bytes(imagecodecs.zlib_encode(_ordered(predicted, order).tobytes(), level=level))

    with ThreadPoolExecutor() as pool:
        strips = list(pool.map(deflate, range(0, samples.shape[0], rows)))
    return strips, rows, 3 if is_float else 2


def plain_strips(pixels: AnyArray, order: str) -> tuple[list[bytes], int, int]:
    """Return uncompressed strips, the rows in each and predictor 1."""
    rows = max(1, _STRIP_BYTES // max(1, pixels[0].nbytes))
    strips = [_ordered(pixels[top : top + rows], order).tobytes() for top in range(0, pixels.shape[0], rows)]
    return strips, rows, 1


def rational_entry(order: str, code: int, values: Sequence[float], *, is_signed: bool) -> Entry:
    """Return a RATIONAL or SRATIONAL tag, rounded to a millionth where the size of the number allows it."""
    flat: list[int] = []
    for value in values:
        bottom = 1_000_000 if abs(value) < 2000 else 10_000
        flat += [round(value * bottom), bottom] if value != round(value) else [round(value), 1]
    payload = struct.pack(f"{order}{len(flat)}{'i' if is_signed else 'I'}", *flat)
    return Entry(code, 10 if is_signed else 5, len(values), payload, 0)


def byte_entry(code: int, payload: bytes, kind: int = 1) -> Entry:
    """Return a BYTE tag, or one of kind 7 (UNDEFINED)."""
    return Entry(code, kind, len(payload), payload, 0)


def _ordered(values: AnyArray, order: str) -> AnyArray:
    """Return the values in a byte order."""
    return values.astype(values.dtype.newbyteorder(">" if order == ">" else "<"))


def _float_predicted(strip: AnyArray) -> bytes:
    """Return rows of floats after predictor 3, which has no byte order (Photoshop TIFF Note 3)."""
    predicted = imagecodecs.floatpred_encode(strip.astype(strip.dtype.newbyteorder("=")), axis=-2, dist=1)
    return bytes(predicted.tobytes())
