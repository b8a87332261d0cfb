"""The directories of TIFF-like files: DNG, NEF, CR2, EXIF blocks, classic and BigTIFF.

Values stay the bytes that the file holds; nothing is allocated that the file is too short for.
Source: TIFF 6.0, section 2; BigTIFF as in libtiff.
"""

import struct
from dataclasses import dataclass
from io import BufferedIOBase

# Bytes per value of the TIFF types 1 to 12, IFD (13) and the BigTIFF types 16 to 18.
TYPE_BYTES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_STRUCT_CODES = {1: "B", 2: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
_STRUCT_CODES |= {16: "Q", 17: "q", 18: "Q"}
_SUB_IFDS = 330
_MOST_DIRECTORIES = 64
_MOST_ENTRIES = 4096


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag: its TIFF type, the number of values, their bytes and where in the file those stand."""

    code: int
    kind: int
    count: int
    payload: bytes
    offset: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How a TIFF-like file writes its numbers; base is the file position of the header."""

    order: str
    is_big: bool
    base: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Directory:
    """One IFD; entries of unknown type or with values outside the file are left out and counted."""

    layout: Layout
    offset: int
    entries: dict[int, Entry]
    following: int
    n_damaged: int = 0

    def numbers(self, code: int) -> tuple[float, ...] | None:
        """The values of a numeric tag, fractions divided out (x/0 is 0), or None without the tag."""
        entry = self.entries.get(code)
        return None if entry is None else decode_numbers(entry, self.layout.order)

    def integers(self, code: int) -> tuple[int, ...] | None:
        """The values of a numeric tag cut to whole numbers."""
        values = self.numbers(code)
        return None if values is None else tuple(int(value) for value in values)

    def integer(self, code: int, default: int) -> int:
        """The first value of a tag, or the default."""
        values = self.integers(code)
        return values[0] if values else default

    def number(self, code: int) -> float | None:
        """The first value of a tag."""
        values = self.numbers(code)
        return values[0] if values else None

    def text(self, code: int) -> str | None:
        """An ASCII tag without its padding, or None when absent or blank."""
        entry = self.entries.get(code)
        if entry is None:
            return None
        return entry.payload.split(b"\0")[0].decode("utf-8", "replace").strip() or None


def decode_numbers(entry: Entry, order: str) -> tuple[float, ...]:
    """Return the values of an entry as numbers; not-a-number and infinity become 0."""
    if entry.kind in (5, 10):
        flat = struct.unpack(f"{order}{2 * entry.count}{'I' if entry.kind == 5 else 'i'}", entry.payload)
        return tuple(
            top / bottom if bottom else 0.0 for top, bottom in zip(flat[::2], flat[1::2], strict=True)
        )
    values = struct.unpack(f"{order}{entry.count}{_STRUCT_CODES[entry.kind]}", entry.payload)
    return tuple(float(value) if abs(value) < float("inf") else 0.0 for value in values)


def read_layout(stream: BufferedIOBase, base: int = 0) -> tuple[Layout, int] | None:
    """Return the layout and the offset of the first directory, or None when this is no TIFF.

    The magic numbers of ORF ("RO", "RS") and RW2 (85) count as TIFF.
    """
    n_bytes = stream.seek(0, 2)
    stream.seek(base)
    head = stream.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return None
    magic = struct.unpack(order + "H", head[2:4])[0]
    if magic == 43 and len(head) == 16:
        return Layout(order, is_big=True, base=base, n_bytes=n_bytes), struct.unpack(order + "Q", head[8:16])[
            0
        ]
    if magic in (42, 85, 0x4F52, 0x5352):
        return Layout(order, is_big=False, base=base, n_bytes=n_bytes), struct.unpack(order + "I", head[4:8])[
            0
        ]
    return None


def read_directory(stream: BufferedIOBase, layout: Layout, offset: int) -> Directory | None:
    """Return the directory at an offset from the header, or None when the file cannot hold one there."""
    start = layout.base + offset
    n_head, n_entry = (8, 20) if layout.is_big else (2, 12)
    if offset <= 0 or start + n_head > layout.n_bytes:
        return None
    stream.seek(start)
    count = struct.unpack(layout.order + ("Q" if layout.is_big else "H"), stream.read(n_head))[0]
    if count > _MOST_ENTRIES or start + n_head + count * n_entry > layout.n_bytes:
        return None
    table = stream.read(count * n_entry)
    tail = stream.read(8 if layout.is_big else 4)
    following = _offset(tail, layout) if len(tail) == (8 if layout.is_big else 4) else 0
    read = (
        _read_entry(stream, layout, table[at : at + n_entry], start + n_head + at)
        for at in range(0, len(table), n_entry)
    )
    found = [entry for entry in read if entry is not None]
    return Directory(layout, offset, {e.code: e for e in reversed(found)}, following, count - len(found))


def read_directories(stream: BufferedIOBase, base: int = 0) -> tuple[Directory, ...]:
    """Return the chain of directories with all their SubIFDs, the first one first; empty if no TIFF."""
    opened = read_layout(stream, base)
    if opened is None:
        return ()
    layout, first = opened
    waiting, seen, found = [first], set[int](), list[Directory]()
    while waiting and len(found) < _MOST_DIRECTORIES:
        offset = waiting.pop(0)
        directory = None if offset in seen else read_directory(stream, layout, offset)
        seen.add(offset)
        if directory is not None:
            found.append(directory)
            waiting += [*(directory.integers(_SUB_IFDS) or ())[:_MOST_DIRECTORIES], directory.following]
    return tuple(found)


def _read_entry(stream: BufferedIOBase, layout: Layout, record: bytes, at: int) -> Entry | None:
    """Return one entry of a directory, None when its type is unknown or its values lie outside the file."""
    code, kind = struct.unpack(layout.order + "HH", record[:4])
    n_count = 8 if layout.is_big else 4
    count = struct.unpack(layout.order + ("Q" if layout.is_big else "I"), record[4 : 4 + n_count])[0]
    inline = record[4 + n_count :]
    size = count * TYPE_BYTES.get(kind, 0)
    if kind not in TYPE_BYTES or count == 0:
        return None
    if size <= len(inline):
        return Entry(code, kind, count, inline[:size], at + 4 + n_count - layout.base)
    offset = _offset(inline, layout)
    if layout.base + offset + size > layout.n_bytes:
        return None
    stream.seek(layout.base + offset)
    return Entry(code, kind, count, stream.read(size), offset)


def _offset(field: bytes, layout: Layout) -> int:
    """Return a file offset from its bytes."""
    return int(struct.unpack(layout.order + ("Q" if layout.is_big else "I"), field)[0])
