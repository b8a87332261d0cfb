"""The container of AVIF: items, their places and their properties. Source: ISO/IEC 23008-12; AVIF 1.1."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from rawtool.errors import CorruptFileError
from rawtool.io.boxes import box, boxes, full_box

_MIME_XMP = b"application/rdf+xml"
_HEAD = 4
"""Bytes of version and flags."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item: its number, its type (for XMP: mime with its content type behind it) and its bytes."""

    number: int
    kind: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class Container:
    """The items of a file and the properties that they share, in their order."""

    items: tuple[Item, ...]
    properties: tuple[tuple[bytes, bytes], ...]

    def stated(self, kind: bytes) -> bytes | None:
        """The first property of a kind, None without one."""
        return next((content for name, content in self.properties if name == kind), None)

    def item(self, kind: bytes) -> bytes | None:
        """The bytes of the first item of a kind, None without one."""
        return next((item.content for item in self.items if item.kind == kind), None)

    @property
    def exif(self) -> bytes | None:
        """The EXIF block, a TIFF structure."""
        content = self.item(b"Exif")
        return (
            None
            if content is None or len(content) < 4
            else content[4 + struct.unpack(">I", content[:4])[0] :]
        )

    @property
    def xmp(self) -> bytes | None:
        """The XMP packet."""
        return self.item(b"mime" + _MIME_XMP)


def loads(content: bytes) -> Container:
    """Take a file apart.

    Raises:
        CorruptFileError: it has no items, or they lie outside it.
    """
    top = _children(content)
    meta = _children(top.get(b"meta", b"")[_HEAD:])
    try:
        kinds = dict(_kinds(meta[b"iinf"]))
        places = _places(meta[b"iloc"])
        source = {0: content, 1: meta.get(b"idat", b"")}
        items = tuple(
            Item(number, kinds[number], b"".join(source[method][at : at + size] for at, size in extents))
            for number, method, extents in places
            if number in kinds and method in source
        )
        properties = tuple(_listed(_children(meta[b"iprp"])[b"ipco"]))
    except (KeyError, IndexError, struct.error) as error:
        raise CorruptFileError("the container of the picture is damaged; export it again") from error
    return Container(items, properties)


def with_items(
    content: bytes, *, exif: bytes | None, xmp: bytes | None, properties: tuple[tuple[bytes, bytes], ...] = ()
) -> bytes:
    """Return a file of one picture with EXIF and XMP, and further properties of the picture."""
    top, found = _children(content), loads(content)
    meta = _children(top[b"meta"][_HEAD:])
    picture = found.items[0]
    items = [(picture.kind, picture.content)]
    items += [(b"Exif", bytes(4) + exif)] if exif else []
    items += [(b"mime" + _MIME_XMP, xmp)] if xmp else []
    iprp = box(b"iprp", *_packed_properties(_children(meta[b"iprp"]), properties))
    parts = [box(b"hdlr", meta[b"hdlr"]), full_box(b"pitm", 0, 0, struct.pack(">H", 1))]
    parts += [b"", full_box(b"iinf", 0, 0, struct.pack(">H", len(items)), *_packed_kinds(items))]
    described = full_box(b"iref", 0, 0, *_packed_references(len(items))) if len(items) > 1 else b""
    parts += [described, iprp]
    ftyp = box(b"ftyp", top[b"ftyp"])
    parts[2] = _packed_places([len(one) for _, one in items], 0)
    start = len(ftyp) + len(full_box(b"meta", 0, 0, *parts)) + 8
    parts[2] = _packed_places([len(one) for _, one in items], start)
    return ftyp + full_box(b"meta", 0, 0, *parts) + box(b"mdat", *(one for _, one in items))


def _listed(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the boxes in some bytes with their contents."""
    for kind, start, end in boxes(BytesIO(content), 0, len(content)):
        yield kind, content[start:end]


def _children(content: bytes) -> dict[bytes, bytes]:
    """Return the boxes in some bytes by type, the first of each."""
    return dict(reversed(list(_listed(content))))


def _kinds(iinf: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and type of every item."""
    n_count = 2 if iinf[0] == 0 else 4
    for kind, infe in _listed(iinf[_HEAD + n_count :]):
        if kind == b"infe" and infe[0] in (2, 3):
            form = ">HH4s" if infe[0] == 2 else ">IH4s"
            number, _, name = struct.unpack_from(form, infe, _HEAD)
            texts = infe[_HEAD + struct.calcsize(form) :].split(b"\0")
            yield number, name + (texts[1] if name == b"mime" and len(texts) > 1 else b"")


def _places(iloc: bytes) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Yield number, construction method and extents (first byte, length) of every item."""
    version, stream = iloc[0], BytesIO(iloc[_HEAD:])
    sizes, more_sizes = stream.read(2)
    n_index = more_sizes & 15 if version else 0
    wide = 4 if version == 2 else 2
    for _ in range(_integer(stream, wide)):
        number = _integer(stream, wide)
        method = _integer(stream, 2) & 15 if version else 0
        _integer(stream, 2)
        base = _integer(stream, more_sizes >> 4)
        extents = []
        for _ in range(_integer(stream, 2)):
            _integer(stream, n_index)
            at = base + _integer(stream, sizes >> 4)
            extents.append((at, _integer(stream, sizes & 15)))
        yield number, method, extents


def _integer(stream: BytesIO, n_bytes: int) -> int:
    """Return a number of so many bytes, 0 of none."""
    content = stream.read(n_bytes)
    if len(content) < n_bytes:
        raise IndexError("the box ends early")
    return int.from_bytes(content)


def _packed_properties(
    iprp: dict[bytes, bytes], added: tuple[tuple[bytes, bytes], ...]
) -> tuple[bytes, bytes]:
    """Return the properties of one picture with those added, and their association with it."""
    n_known = len(list(_listed(iprp[b"ipco"])))
    ipco = box(b"ipco", iprp[b"ipco"], *(box(kind, content) for kind, content in added))
    # Behind the entry count and the item's number stands how many follow, one byte each.
    known = iprp[b"ipma"][_HEAD + 7 :]
    places = known + bytes(range(n_known + 1, n_known + 1 + len(added)))
    return ipco, full_box(b"ipma", 0, 0, struct.pack(">IHB", 1, 1, len(places)), places)


def _packed_kinds(items: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Yield the entries of the item list."""
    for number, (kind, _) in enumerate(items, 1):
        content_type = kind[4:] + b"\0" if kind.startswith(b"mime") else b""
        yield full_box(b"infe", 2, 0, struct.pack(">HH4s", number, 0, kind[:4]), b"\0", content_type)


def _packed_references(n_items: int) -> Iterator[bytes]:
    """Yield what says that the other items describe the first one."""
    for number in range(2, n_items + 1):
        yield box(b"cdsc", struct.pack(">3H", number, 1, 1))


def _packed_places(sizes: list[int], start: int) -> bytes:
    """Return where items of some sizes stand, one behind the other."""
    entries = b""
    for number, size in enumerate(sizes, 1):
        entries += struct.pack(">3H2I", number, 0, 1, start + sum(sizes[: number - 1]), size)
    return full_box(b"iloc", 0, 0, b"\x44\0", struct.pack(">H", len(sizes)), entries)
