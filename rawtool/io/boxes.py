"""The boxes of ISO media files: CR3, AVIF, JPEG XL. Source: ISO/IEC 14496-12, 4.2."""

import struct
from collections.abc import Iterator
from io import BufferedIOBase


def boxes(stream: BufferedIOBase, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, first byte, end) of the boxes between two places; a damaged one ends them."""
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


def box(kind: bytes, *contents: bytes) -> bytes:
    """Return a box."""
    content = b"".join(contents)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full_box(kind: bytes, version: int, flags: int, *contents: bytes) -> bytes:
    """Return a box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *contents)
