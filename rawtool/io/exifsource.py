"""Where the EXIF of a file stands: TIFF-like raws, JPEG, PNG, WebP, AVIF, JPEG XL, RAF, CR3."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BufferedIOBase, BytesIO

from rawtool.errors import CorruptFileError
from rawtool.io.boxes import boxes
from rawtool.io.heif import loads
from rawtool.io.tiffdir import Directory, Layout, read_directories, read_directory

_EXIF_IFD, _GPS_IFD, _INTEROP_IFD, _XMP = 34665, 34853, 40965, 700
ADOBE_RGB = "R03"
"""The interoperability index of Adobe RGB (DCF 2.0)."""
_LONGEST_BOX = 1 << 26
_CANON_UUID = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_XMP_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_CHUNK = b"XML:com.adobe.xmp\0\0\0\0\0"
_JXL_HEAD = b"\0\0\0\x0cJXL "
_NOTHING = Directory(Layout("<", is_big=False, base=0, n_bytes=0), 0, {}, 0)


@dataclass(frozen=True, slots=True)
class ExifSource:
    """The directories with capture facts; each may stem from a TIFF structure of its own.

    A file with XMP alone has an empty main directory. interop is the EXIF interoperability index: R98
    for sRGB, ADOBE_RGB for Adobe RGB.
    """

    main: Directory
    exif: Directory | None
    gps: Directory | None
    xmp: bytes | None = None
    interop: str | None = None


def find_exif(stream: BufferedIOBase) -> ExifSource | None:
    """Return the EXIF directories of a file, None when it has none or is of another kind."""
    stream.seek(0)
    head = stream.read(16)
    for start, magic, source in _KINDS:
        if head[start:].startswith(magic):
            return source(stream)
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
    interop = read_directory(stream, exif.layout, exif.integer(_INTEROP_IFD, 0)) if exif else None
    return ExifSource(
        main, exif, gps, packet.payload if packet else None, interop.text(1) if interop else None
    )


def _blocks_source(exif: bytes | None, xmp: bytes | None) -> ExifSource | None:
    """Return what an EXIF block and an XMP packet say; without either there is nothing."""
    source = tiff_source(BytesIO(exif)) if exif else None
    if source is None:
        return ExifSource(_NOTHING, None, None, xmp) if xmp else None
    return replace(source, xmp=xmp or source.xmp)


def _jpeg_source(stream: BufferedIOBase, base: int = 0) -> ExifSource | None:
    """Return the EXIF and XMP of the APP1 segments of a JPEG."""
    exif, xmp = None, None
    for payload in _jpeg_app1(stream, base):
        if exif is None and payload.startswith(b"Exif\0"):
            exif = payload[6:]
        elif xmp is None and payload.startswith(_XMP_SEGMENT):
            xmp = payload[len(_XMP_SEGMENT) :]
    return _blocks_source(exif, xmp)


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


def _raf_source(stream: BufferedIOBase) -> ExifSource | None:
    """Return the EXIF of the preview of a RAF."""
    stream.seek(84)
    offset = stream.read(4)
    return _jpeg_source(stream, struct.unpack(">I", offset)[0]) if len(offset) == 4 else None


def _png_source(stream: BufferedIOBase) -> ExifSource | None:
    """Return the EXIF of a PNG's eXIf chunk and the XMP of its iTXt chunk."""
    found: dict[bytes, bytes] = {}
    at = 8
    while True:
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return _blocks_source(found.get(b"eXIf"), found.get(b"iTXt"))
        size = struct.unpack(">I", head[:4])[0]
        content = stream.read(size) if head[4:] in (b"eXIf", b"iTXt") and size < _LONGEST_BOX else b""
        if head[4:] == b"eXIf" and content:
            found.setdefault(b"eXIf", content)
        elif content.startswith(_XMP_CHUNK):
            found.setdefault(b"iTXt", content[len(_XMP_CHUNK) :])
        at += 12 + size


def _webp_source(stream: BufferedIOBase) -> ExifSource | None:
    """Return the EXIF and XMP chunks of a WebP. Source: WebP container specification, "Metadata"."""
    found: dict[bytes, bytes] = {}
    at = 12
    while True:
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            break
        kind, size = struct.unpack("<4sI", head)
        if kind in (b"EXIF", b"XMP ") and size < _LONGEST_BOX:
            found[kind] = stream.read(size)
        at += 8 + size + size % 2
    return _blocks_source(found.get(b"EXIF", b"").removeprefix(b"Exif\0\0"), found.get(b"XMP "))


def _avif_source(stream: BufferedIOBase) -> ExifSource | None:
    """Return the EXIF and XMP items of an AVIF."""
    stream.seek(0)
    try:
        container = loads(stream.read())
    except CorruptFileError:
        return None
    return _blocks_source(container.exif, container.xmp)


def _jxl_source(stream: BufferedIOBase) -> ExifSource | None:
    """Return the EXIF and XMP boxes of a JPEG XL; those that are packed stay unread."""
    found = {
        kind: _bytes(stream, a, b)
        for kind, a, b in boxes(stream, 0, stream.seek(0, 2))
        if kind in (b"Exif", b"xml ")
    }
    return _blocks_source(found.get(b"Exif", b"")[4:], found.get(b"xml "))


def _cr3_source(stream: BufferedIOBase) -> ExifSource | None:
    """Return the directories of a CR3's CMT1, CMT2 and CMT4 boxes, each a TIFF of its own."""
    blocks: dict[bytes, bytes] = {}
    n_bytes = stream.seek(0, 2)
    for kind, start, end in boxes(stream, 0, n_bytes):
        if kind != b"moov":
            continue
        for inner, first, last in boxes(stream, start, end):
            stream.seek(first)
            if inner == b"uuid" and stream.read(16) == _CANON_UUID:
                blocks |= {
                    name: _bytes(stream, a, b)
                    for name, a, b in boxes(stream, first + 16, last)
                    if name.startswith(b"CMT")
                }
    parts = {name: read_directories(BytesIO(block)) for name, block in blocks.items()}
    main, exif, gps = (parts.get(name) or (None,) for name in (b"CMT1", b"CMT2", b"CMT4"))
    return ExifSource(main[0], exif[0], gps[0]) if main[0] is not None else None


def _bytes(stream: BufferedIOBase, start: int, end: int) -> bytes:
    """Return a box's content, nothing when it is absurdly long."""
    stream.seek(start)
    return stream.read(end - start) if end - start < _LONGEST_BOX else b""


_KINDS: tuple[tuple[int, bytes, Callable[[BufferedIOBase], ExifSource | None]], ...] = (
    (0, b"\xff\xd8", _jpeg_source),
    (0, b"\x89PNG\r\n\x1a\n", _png_source),
    (0, b"FUJIFILMCCD-RAW ", _raf_source),
    (4, b"ftypcrx ", _cr3_source),
    (8, b"WEBP", _webp_source),
    (4, b"ftypavif", _avif_source),
    (4, b"ftypavis", _avif_source),
    (0, _JXL_HEAD, _jxl_source),
)
"""Where a magic stands, and what reads the EXIF of a file that has it."""
