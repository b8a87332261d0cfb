"""A payload in a JPEG, behind it or beside it; the picture itself stays byte for byte.

Inside it stands in APP11 segments before the index of further pictures (MPF), which is corrected for it.
Behind it stands TRAILER_MARK, the payload, its length (uint64) and CRC-32 (uint32), big-endian, and the mark
again: found from the end, whatever stands between it and the picture. Beside it is a file of its own.
Other boxes in APP11 are kept, but a C2PA manifest signs the bytes of its file and will say they have changed.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from rawtool.errors import CorruptFileError, NoSidecarError
from rawtool.io.jpegsegments import APP2, SOI, Jpeg, Segment, dumps, loads, with_segments
from rawtool.io.jumbf import LABEL, MARK, damaged, is_ours, payload_in, segments_with
from rawtool.io.mpf import MPF_NAME, moved_index
from rawtool.io.reading import read_bytes

TRAILER_MARK = bytes.fromhex("1503a2ff9b2a427d8be0eb535874a671")
SIDECAR_SUFFIX = ".rawtool"
_LENGTHS = struct.Struct(">QI")
# Tables and frame headers: DHT, DAC and SOF share a row, then DQT and DRI (ITU-T T.81, table B.1).
_TABLES = frozenset(range(0xC0, 0xD0)) | {0xDB, 0xDD}


def with_payload(content: bytes, payload: bytes) -> bytes:
    """Return a JPEG with a payload inside, in the place of any that it carries already.

    Raises:
        CorruptFileError: no JPEG, or cut short.
        UnsupportedFormatError: the payload is too long for a JPEG.
    """
    bare = loads(without_payload(content))
    added = segments_with(payload, bare)
    is_index = [_is_index(segment) for segment in bare.segments]
    if True in is_index:
        at = is_index.index(True)
        return dumps(_arranged(bare, (*bare.segments[:at], *added, *bare.segments[at:])))
    return dumps(with_segments(bare, added))


def with_trailer(content: bytes, payload: bytes) -> bytes:
    """Return a JPEG with a payload behind everything, in the place of any that it carries already.

    Programs that look for a film at the very end of a picture (motion photos) no longer find it there.

    Raises:
        CorruptFileError: no JPEG, or cut short.
    """
    lengths = _LENGTHS.pack(len(payload), zlib.crc32(payload))
    return b"".join((without_payload(content), TRAILER_MARK, payload, lengths, TRAILER_MARK))


def without_payload(content: bytes) -> bytes:
    """Return a JPEG as it was before it got a payload, byte for byte.

    Raises:
        CorruptFileError: no JPEG, or cut short.
        DamagedSidecarError: there is a payload behind it, and its end is damaged.
    """
    end = content.rfind(TRAILER_MARK)
    if end >= 0:
        start = end - _LENGTHS.size - len(_payload_before(content, end)) - len(TRAILER_MARK)
        content = content[:start] + content[end + len(TRAILER_MARK) :]
    jpeg = loads(content)
    return dumps(_arranged(jpeg, tuple(segment for segment in jpeg.segments if not is_ours(segment))))


def payload_of(content: bytes) -> bytes:
    """Return the payload inside a JPEG.

    Raises:
        NoSidecarError: there is none.
        DamagedSidecarError: there is one, and it is not as it was written.
        CorruptFileError: no JPEG, or cut short, and no trace of a payload.
    """
    payload = _inside(content)
    if payload is None:
        raise _missing()
    return payload


def payload_behind(content: bytes) -> bytes:
    """Return the payload behind a JPEG.

    Raises:
        NoSidecarError: there is none.
        DamagedSidecarError: there is one, and it is not as it was written.
    """
    end = content.rfind(TRAILER_MARK)
    if end < 0:
        raise _missing()
    return _payload_before(content, end)


def find_payload(path: Path) -> bytes:
    """Return the payload of a JPEG: inside, else behind, else in the file beside it.

    Raises:
        NoSidecarError: there is none in any of these places, or this is no JPEG.
        DamagedSidecarError: the first that there is, is not as it was written.
        CorruptFileError: the JPEG is damaged.
        InputError: not readable.
    """
    content = read_bytes(path)
    if not content.startswith(SOI):
        raise NoSidecarError("not a JPEG, so no raw is inside; give the picture that rawtool pack wrote")
    payload = _inside(content)
    if payload is not None:
        return payload
    if TRAILER_MARK in content:
        return payload_behind(content)
    beside = sidecar_of(path)
    if not beside.is_file():
        raise _missing()
    return read_bytes(beside)


def sidecar_of(path: Path) -> Path:
    """Return where the payload beside a picture stands: its name, and .rawtool."""
    return path.with_name(path.name + SIDECAR_SUFFIX)


def scan_sha256(content: bytes) -> str:
    """Return the SHA-256, in hexadecimal, of all that decides the pixels of a JPEG but the colour transform.

    These are its tables and frame header in their order and everything from the first scan to the end of the
    picture. What is said of the picture (EXIF, profile, comments) may change, this may not.

    Raises:
        CorruptFileError: no JPEG, or cut short.
    """
    jpeg = loads(content)
    tables = (segment.content for segment in jpeg.segments if segment.marker in _TABLES)
    return hashlib.sha256(b"".join((*tables, jpeg.scans))).hexdigest()


def _inside(content: bytes) -> bytes | None:
    """Return the payload inside a JPEG, None where there is no trace of one."""
    has_trace = MARK in content or LABEL in content
    try:
        payload = payload_in(loads(content))
    except CorruptFileError as error:
        if has_trace:
            raise damaged("the JPEG around it is damaged or cut short") from error
        raise
    if payload is None and has_trace:
        raise damaged("what is left of it cannot be read")
    return payload


def _payload_before(content: bytes, end: int) -> bytes:
    """Return the payload whose second mark stands at a place."""
    at = end - _LENGTHS.size
    n_bytes, check = _LENGTHS.unpack_from(content, at) if at >= 0 else (0, 0)
    start = at - n_bytes
    has_mark = start >= len(TRAILER_MARK) and content.startswith(TRAILER_MARK, start - len(TRAILER_MARK))
    payload = content[start:at] if has_mark else b""
    if not has_mark or zlib.crc32(payload) != check:
        raise damaged("what stands behind the JPEG fails its check")
    return payload


def _arranged(jpeg: Jpeg, segments: tuple[Segment, ...]) -> Jpeg:
    """Return the JPEG with other segments, and with its index of further pictures corrected for them."""
    grown_by = _n_bytes(segments) - _n_bytes(jpeg.segments)

    def corrected(index: Segment) -> Segment:
        moved_by = _n_bytes(_before(index, segments)) - _n_bytes(_before(index, jpeg.segments))
        return moved_index(index, grown_by, grown_by - moved_by)

    return replace(jpeg, segments=tuple(corrected(one) if _is_index(one) else one for one in segments))


def _before(segment: Segment, segments: tuple[Segment, ...]) -> Iterator[Segment]:
    """Return the segments before one of them."""
    return takewhile(lambda other: other is not segment, segments)


def _n_bytes(segments: Iterable[Segment]) -> int:
    """Return how many bytes segments have together."""
    return sum(len(segment.content) for segment in segments)


def _is_index(segment: Segment) -> bool:
    """Return whether a segment is an index of further pictures."""
    return segment.marker == APP2 and segment.payload.startswith(MPF_NAME)


def _missing() -> NoSidecarError:
    """Return the error for a picture without a payload."""
    return NoSidecarError("no raw is inside, behind or beside it; give the picture that rawtool pack wrote")
