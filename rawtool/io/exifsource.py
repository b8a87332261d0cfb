"""Where the EXIF of a file stands: TIFF-like raws, JPEG, PNG, RAF, CR3."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase, BytesIO

from rawtool.io.tiffdir import Directory, read_directories, read_directory

_EXIF_IFD, _GPS_IFD, _XMP = 34665, 34853, 700
_LONGEST_BOX = 1 << 26
_CANON_UUID = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_XMP_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0"


@dataclass(frozen=True, slots=True)
class ExifSource:
    """The directories with capture facts; each may stem from a TIFF structure of its own."""

    main: Directory
    exif: Directory | None
    gps: Directory | None
    xmp: bytes | None = None


def find_exif(stream: BufferedIOBase) -> ExifSource | None:
    """Return the EXIF directories of a file, None when it has none or is of another kind."""
    stream.seek(0)
    head = stream.read(16)
    if head[:2] == b"\xff\xd8":
        return _jpeg_source(stream, 0)
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return _png_source(stream)
    if head == b"FUJIFILMCCD-RAW ":
        stream.seek(84)
        offset = stream.read(4)
        return _jpeg_source(stream, struct.unpack(">I", offset)[0]) if len(offset) == 4 else None
    if head[4:12] == b"ftypcrx ":
        return _cr3_source(stream)
    return tiff_source(stream)


def tiff_source(stream: BufferedIOBase, base: int = 0) -> ExifSource | None:
    """Return the directories of a TIFF structure that starts at base."""
    directories = read_directories(stream, base)
    return source_of(stream, directories[0]) if directories else None


def source_of(stream: BufferedIOBase, main: Directory) -> ExifSource:
    """Return a main directory with the Exif and GPS directories that it points to."""
    exif = read_directory(stream, main.layout, main.integer(_EXIF_IFD, 0))
    gps = read_directory(stream, main.layout, main.integer(_GPS_IFD, 0))
    packet = main.entries.get(_XMP)
    return ExifSource(main, exif, gps, packet.payload if packet else None)


def _jpeg_source(stream: BufferedIOBase, base: int) -> ExifSource | None:
    """Return the EXIF of the APP1 segment of a JPEG."""
    source, xmp = None, None
    for payload in _jpeg_app1(stream, base):
        if source is None and payload.startswith(b"Exif\0"):
            source = tiff_source(BytesIO(payload[6:]))
        elif xmp is None and payload.startswith(_XMP_SEGMENT):
            xmp = payload[len(_XMP_SEGMENT) :]
    return None if source is None else ExifSource(source.main, source.exif, source.gps, xmp)


def _jpeg_app1(stream: BufferedIOBase, base: int) -> Iterator[bytes]:
    """Yield the APP1 payloads before the scan."""
    at = base + 2
    while True:
        stream.seek(at)
        marker = stream.read(4)
        if len(marker) < 4 or marker[0] != 0xFF or marker[1] in (0xD9, 0xDA):
            return
        size = struct.unpack(">H", marker[2:])[0]
        if marker[1] == 0xE1:
            yield stream.read(max(size - 2, 0))
        at += 2 + max(size, 2)


def _png_source(stream: BufferedIOBase) -> ExifSource | None:
    """Return the EXIF of a PNG's eXIf chunk."""
    at = 8
    while True:
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return None
        size = struct.unpack(">I", head[:4])[0]
        if head[4:] == b"eXIf" and size < _LONGEST_BOX:
            return tiff_source(BytesIO(stream.read(size)))
        at += 12 + size


def _cr3_source(stream: BufferedIOBase) -> ExifSource | None:
    """Return the directories of a CR3's CMT1, CMT2 and CMT4 boxes, each a TIFF of its own."""
    blocks: dict[bytes, bytes] = {}
    n_bytes = stream.seek(0, 2)
    for kind, start, end in _boxes(stream, 0, n_bytes):
        if kind != b"moov":
            continue
        for inner, first, last in _boxes(stream, start, end):
            stream.seek(first)
            if inner == b"uuid" and stream.read(16) == _CANON_UUID:
                blocks |= {
                    name: _bytes(stream, a, b)
                    for name, a, b in _boxes(stream, first + 16, last)
                    if name.startswith(b"CMT")
                }
    parts = {name: read_directories(BytesIO(block)) for name, block in blocks.items()}
    main, exif, gps = (parts.get(name) or (None,) for name in (b"CMT1", b"CMT2", b"CMT4"))
    return ExifSource(main[0], exif[0], gps[0]) if main[0] is not None else None


def _boxes(stream: BufferedIOBase, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, first byte, end) of the boxes of an ISO media file."""
    at = start
    while at + 8 <= end:
        stream.seek(at)
        size, kind = struct.unpack(">I4s", stream.read(8))
        n_head = 8
        if size == 1 and at + 16 <= end:
            size, n_head = struct.unpack(">Q", stream.read(8))[0], 16
        last = end if size == 0 else at + size
        if (size and size < n_head) or last > end:
            return
        yield kind, at + n_head, last
        at = last


def _bytes(stream: BufferedIOBase, start: int, end: int) -> bytes:
    """Return a box's content, nothing when it is absurdly long."""
    stream.seek(start)
    return stream.read(end - start) if end - start < _LONGEST_BOX else b""
