"""The index of a JPEG with further pictures behind it. Source: CIPA DC-007 (Multi-Picture Format)."""

import struct
from dataclasses import dataclass
from io import BytesIO

from rawtool.io.exif import long_entry, pack_directory, pack_header
from rawtool.io.jpegsegments import APP2, Jpeg, Segment, payloads, segment_of
from rawtool.io.tiffdir import Entry, read_directories

MPF_NAME = b"MPF\0"
_VERSION, _N_PICTURES, _PICTURES = 0xB000, 0xB001, 0xB002
_TYPE_MASK, _UNDEFINED, _PRIMARY = 0xFFFFFF, 0x000000, 0x030000
_THUMBNAILS = frozenset({0x010001, 0x010002})
_RECORD = "3I2H"


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture of the index: its kind, bytes, and offset from the index, 0 for the first."""

    kind: int
    n_bytes: int
    offset: int

    @property
    def is_replaceable(self) -> bool:
        """Whether it is the picture itself, a preview of it or a gain map."""
        return self.kind in {_UNDEFINED, _PRIMARY, *_THUMBNAILS}


def mpf_segment(n_bytes_first: int, offset_second: int, n_bytes_second: int) -> Segment:
    """Return the index of two pictures; the offset counts from the segment's TIFF header."""
    order = ">"
    records = struct.pack(order + _RECORD, _PRIMARY, n_bytes_first, 0, 0, 0)
    records += struct.pack(order + _RECORD, _UNDEFINED, n_bytes_second, offset_second, 0, 0)
    entries = (
        Entry(_VERSION, 7, 4, b"0100", 0),
        long_entry(order, _N_PICTURES, 2),
        Entry(_PICTURES, 7, len(records), records, 0),
    )
    return segment_of(APP2, MPF_NAME + pack_header(order, 8) + pack_directory(order, entries, 8))


def listed_pictures(jpeg: Jpeg) -> tuple[Listed, ...]:
    """Return what the index of a JPEG lists; nothing without an index that can be read."""
    for payload in payloads(jpeg, APP2, MPF_NAME):
        directories = read_directories(BytesIO(payload))
        records = directories[0].entries.get(_PICTURES) if directories else None
        if records is not None:
            form = directories[0].layout.order + _RECORD
            whole = records.payload[: len(records.payload) // 16 * 16]
            return tuple(
                Listed(kind & _TYPE_MASK, *rest[:2]) for kind, *rest in struct.iter_unpack(form, whole)
            )
    return ()


def moved_index(index: Segment, grown_by: int, farther_by: int) -> Segment:
    """Return an index for a first picture that has grown, and others that stand farther from the index.

    Both are numbers of bytes and may be negative; an index that cannot be read stays as it is.
    """
    start = len(index.content) - len(index.payload) + len(MPF_NAME)
    directories = read_directories(BytesIO(index.content[start:]))
    records = directories[0].entries.get(_PICTURES) if directories else None
    if records is None or len(records.payload) < struct.calcsize(">" + _RECORD):
        return index
    form = struct.Struct(directories[0].layout.order + _RECORD)
    content = bytearray(index.content)
    for at in range(start + records.offset, start + records.offset + len(records.payload) - 15, form.size):
        kind, n_bytes, offset, *parents = form.unpack_from(content, at)
        n_bytes += grown_by if offset == 0 and n_bytes else 0
        offset += farther_by if offset else 0
        form.pack_into(content, at, kind, n_bytes % 2**32, offset % 2**32, *parents)
    return Segment(index.marker, bytes(content))
