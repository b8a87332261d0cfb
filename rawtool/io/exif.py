r"""EXIF carried from raw to picture: entries travel as the bytes they are.

A block is a TIFF structure with a main, an Exif and a GPS directory, without "Exif\\0\\0" before it.
Maker notes keep their original offset where that is possible, since some count their own offsets
from it. Source: EXIF 2.32; DNG 1.7.1, DNGPrivateData.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path

from rawtool.frames import Capture
from rawtool.io.ciff import read_make_and_model
from rawtool.io.exifsource import ExifSource, find_exif, tiff_source
from rawtool.io.tiffdir import Entry

ORIENTATION, SOFTWARE = 274, 305
_MAKE, _MODEL, _DATE = 271, 272, 306
_EXIF_IFD, _GPS_IFD, _MAKER_NOTE, _DNG_PRIVATE = 34665, 34853, 37500, 50740
# Description, maker, model, software, date, artist, host, rating, copyright, Windows' texts.
_KEPT_MAIN = {270, 271, 272, 305, 306, 315, 316, 18246, 18249, 33432, 40091, 40092, 40093, 40094, 40095}
# Colour space and sizes of the old picture, the interoperability directory, padding.
_DROPPED_EXIF = {40961, 40962, 40963, 40965, 59932, _MAKER_NOTE}
FARTHEST_MAKER_NOTE = 60_000
_STRUCTURE = {13, 16, 17, 18}


@dataclass(frozen=True, slots=True)
class Block:
    """The directories of an EXIF block; maker_note stands apart because its place matters."""

    order: str
    main: tuple[Entry, ...]
    exif: tuple[Entry, ...]
    gps: tuple[Entry, ...]
    maker_note: Entry | None = None


def read_exif(path: Path) -> bytes | None:
    """Return the cleaned EXIF block of a file, None when it has none that is understood."""
    with path.open("rb") as stream:
        source = find_exif(stream)
    return None if source is None else block_of(source)


def read_maker(path: Path) -> tuple[str, str] | None:
    """Return (make, model) of a CRW, which has no EXIF."""
    with path.open("rb") as stream:
        return read_make_and_model(stream)


def block_of(source: ExifSource) -> bytes | None:
    """Return the block to carry over, None when nothing is worth it."""
    order = source.main.layout.order
    main = [e for e in source.main.entries.values() if e.code in _KEPT_MAIN]
    exif = list(source.exif.entries.values()) if _same_order(source.exif, order) and source.exif else []
    gps = list(source.gps.entries.values()) if _same_order(source.gps, order) and source.gps else []
    kept = [e for e in exif if e.code not in _DROPPED_EXIF]
    if not (main or kept or gps):
        return None
    return dumps(Block(order, _plain(main), _plain(kept), _plain(gps), _maker_note(source, exif)))


def block_with(block: bytes | None, *, software: str | None = None, orientation: int | None = 1) -> bytes:
    """Return a block with Software and Orientation set; None leaves a tag out or as it was."""
    parsed = loads(block) if block else Block("<", (), (), ())
    main = {entry.code: entry for entry in parsed.main if entry.code != ORIENTATION}
    if software is not None:
        main[SOFTWARE] = ascii_entry(SOFTWARE, software)
    if orientation is not None:
        main[ORIENTATION] = short_entry(parsed.order, ORIENTATION, orientation)
    return dumps(replace(parsed, main=tuple(main.values())))


def without_maker_note(block: bytes) -> bytes:
    """Return the block without its maker note."""
    return dumps(replace(loads(block), maker_note=None))


def minimal_block(capture: Capture) -> bytes:
    """Return a block made from what is known of a capture whose file has no EXIF."""
    main = [
        ascii_entry(code, text)
        for code, text in ((_MAKE, capture.make), (_MODEL, capture.model), (_DATE, capture.taken_at or ""))
        if text
    ]
    rational = ((33434, capture.exposure_s), (33437, capture.f_number), (37386, capture.focal_length_mm))
    exif = [_rational_entry(code, value) for code, value in rational if value]
    if capture.iso:
        exif.append(short_entry("<", 34855, min(round(capture.iso), 65535)))
    if capture.taken_at:
        exif.append(ascii_entry(36867, capture.taken_at))
    if exif:
        exif.append(Entry(36864, 7, 4, b"0232", 0))
    return dumps(Block("<", tuple(main), tuple(exif), ()))


def loads(block: bytes) -> Block:
    """Return the directories of a block.

    Raises:
        ValueError: the bytes are no TIFF structure.
    """
    source = tiff_source(BytesIO(block))
    if source is None:
        raise ValueError("an EXIF block must be a TIFF structure")
    main, exif, gps = (tuple(d.entries.values()) if d else () for d in (source.main, source.exif, source.gps))
    note = next((entry for entry in exif if entry.code == _MAKER_NOTE), None)
    pointers = {_EXIF_IFD, _GPS_IFD, _MAKER_NOTE}
    main, exif = (tuple(e for e in part if e.code not in pointers) for part in (main, exif))
    return Block(source.main.layout.order, main, exif, gps, note)


def dumps(block: Block) -> bytes:
    """Return a block as bytes, the maker note at its offset if that is near, else behind everything."""
    note = block.maker_note
    bare = pack_tables(block, 8, note, 0)
    if note is None:
        return pack_header(block.order, 8) + bare
    if note.offset >= 8 + len(bare) and note.offset <= FARTHEST_MAKER_NOTE:
        body = pack_tables(block, 8, note, note.offset)
        return (pack_header(block.order, 8) + body).ljust(note.offset, b"\0") + note.payload
    if 8 <= note.offset <= FARTHEST_MAKER_NOTE:
        start = note.offset + note.count + note.count % 2
        front = pack_header(block.order, start).ljust(note.offset, b"\0") + note.payload
        return front.ljust(start, b"\0") + pack_tables(block, start, note, note.offset)
    place = 8 + len(bare)
    return pack_header(block.order, 8) + pack_tables(block, 8, note, place) + note.payload


def pack_directory(order: str, entries: Iterable[Entry], start: int) -> bytes:
    """Return one directory for the file position start, its long values right behind it."""
    ordered = sorted(entries, key=lambda entry: entry.code)
    table, values = b"", b""
    behind = start + 2 + 12 * len(ordered) + 4
    for entry in ordered:
        field = entry.payload.ljust(4, b"\0")
        if len(entry.payload) > 4:
            field = struct.pack(order + "I", behind + len(values))
            values += entry.payload + b"\0" * (len(entry.payload) % 2)
        table += struct.pack(order + "HHI", entry.code, entry.kind, entry.count) + field
    return struct.pack(order + "H", len(ordered)) + table + b"\0" * 4 + values


def ascii_entry(code: int, text: str) -> Entry:
    """Return an ASCII tag (UTF-8, as everybody writes it)."""
    payload = text.encode("utf-8", "replace").replace(b"\0", b" ") + b"\0"
    return Entry(code, 2, len(payload), payload, 0)


def short_entry(order: str, code: int, *values: int) -> Entry:
    """Return a SHORT tag."""
    return Entry(code, 3, len(values), struct.pack(f"{order}{len(values)}H", *values), 0)


def long_entry(order: str, code: int, *values: int) -> Entry:
    """Return a LONG tag."""
    return Entry(code, 4, len(values), struct.pack(f"{order}{len(values)}I", *values), 0)


def _rational_entry(code: int, value: float) -> Entry:
    """Return a little-endian RATIONAL tag."""
    fraction = Fraction(value).limit_denominator(100_000)
    return Entry(code, 5, 1, struct.pack("<2I", min(fraction.numerator, 2**32 - 1), fraction.denominator), 0)


def pack_header(order: str, first: int) -> bytes:
    """Return the eight bytes at the start of a TIFF."""
    return {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, first)


def pack_tables(block: Block, start: int, note: Entry | None, note_offset: int) -> bytes:
    """Return the three directories laid out from start on; the Exif one points to the maker note."""
    order = block.order
    size_of = [_directory_bytes(part) for part in (block.main, block.exif, block.gps)]
    n_pointers = bool(block.exif or note) + bool(block.gps)
    exif_at = start + size_of[0] + 12 * n_pointers
    gps_at = exif_at + (size_of[1] + (12 if note else 0) if block.exif or note else 0)
    main = list(block.main)
    if block.exif or note:
        main.append(long_entry(order, _EXIF_IFD, exif_at))
    if block.gps:
        main.append(long_entry(order, _GPS_IFD, gps_at))
    packed = pack_directory(order, main, start)
    if block.exif or note:
        packed += _pack_exif(order, block.exif, exif_at, note, note_offset)
    return packed + (pack_directory(order, block.gps, gps_at) if block.gps else b"")


def _pack_exif(
    order: str, entries: Sequence[Entry], start: int, note: Entry | None, note_offset: int
) -> bytes:
    """Return the Exif directory with a pointer to the maker note, whose bytes stand elsewhere."""
    if note is None:
        return pack_directory(order, entries, start)
    pointer = Entry(_MAKER_NOTE, note.kind, 4, struct.pack(order + "I", note_offset), 0)
    packed = pack_directory(order, [*entries, pointer], start)
    at = 2 + 12 * sum(entry.code < _MAKER_NOTE for entry in entries) + 4
    return packed[:at] + struct.pack(order + "I", note.count) + packed[at + 4 :]


def _directory_bytes(entries: Sequence[Entry]) -> int:
    """Return how long a packed directory is."""
    return (
        2
        + 12 * len(entries)
        + 4
        + sum(len(e.payload) + len(e.payload) % 2 for e in entries if len(e.payload) > 4)
    )


def _plain(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries that hold values and not places in the old file."""
    return tuple(entry for entry in entries if entry.kind not in _STRUCTURE)


def _same_order(directory: object, order: str) -> bool:
    """Return whether a directory's bytes can stand beside the main one's."""
    return getattr(getattr(directory, "layout", None), "order", None) == order


def _maker_note(source: ExifSource, exif: Sequence[Entry]) -> Entry | None:
    """Return the maker note from the Exif directory or from where Adobe's converter keeps it."""
    note = next((entry for entry in exif if entry.code == _MAKER_NOTE), None)
    if note is not None and len(note.payload) > 4:
        return note
    private = source.main.entries.get(_DNG_PRIVATE)
    if private is None or not private.payload.startswith(b"Adobe\0MakN") or len(private.payload) < 20:
        return None
    n_bytes, order, offset = struct.unpack(">I2sI", private.payload[10:20])
    payload = private.payload[20 : 14 + n_bytes]
    has_same_order = {b"II": "<", b"MM": ">"}.get(order) == source.main.layout.order
    return (
        Entry(_MAKER_NOTE, 7, len(payload), payload, offset) if has_same_order and len(payload) > 4 else None
    )
