"""The maker and model inside Canon's CRW files, which hold no EXIF.

Source: the CIFF heap as documented by Phil Harvey, "The Canon RAW (CRW) File Format".
"""

import struct
from io import BufferedIOBase

_MAKE_AND_MODEL = 0x080A
_MOST_DEPTH = 8
_MOST_ENTRIES = 512


def read_make_and_model(stream: BufferedIOBase) -> tuple[str, str] | None:
    """Return (make, model), None when this is no CRW or it does not say."""
    n_bytes = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(14)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or head[6:14] != b"HEAPCCDR":
        return None
    start = struct.unpack(order + "I", head[2:6])[0]
    payload = _find(stream, order, (start, n_bytes), 0)
    names = [name.decode("ascii", "replace").strip() for name in (payload or b"").split(b"\0") if name]
    return (names[0], names[1]) if len(names) >= 2 else None


def _find(stream: BufferedIOBase, order: str, heap: tuple[int, int], depth: int) -> bytes | None:
    """Return the bytes of the make-and-model record in the heap from start to end, sub-heaps included."""
    start, end = heap
    if depth > _MOST_DEPTH or end - start < 6:
        return None
    stream.seek(end - 4)
    at = start + struct.unpack(order + "I", stream.read(4))[0]
    if not start <= at <= end - 6:
        return None
    stream.seek(at)
    count = struct.unpack(order + "H", stream.read(2))[0]
    table = stream.read(10 * min(count, _MOST_ENTRIES))
    for record in range(0, len(table) - 9, 10):
        tag, size, offset = struct.unpack(order + "HII", table[record : record + 10])
        if tag >> 14 or start + offset + size > end:
            continue
        if tag & 0x3FFF == _MAKE_AND_MODEL:
            stream.seek(start + offset)
            return stream.read(size)
        if tag & 0x3800 in (0x2800, 0x3000):
            found = _find(stream, order, (start + offset, start + offset + size), depth + 1)
            if found is not None:
                return found
    return None
