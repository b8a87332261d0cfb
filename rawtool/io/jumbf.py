"""A payload as JUMBF boxes in the APP11 segments of a JPEG.

One superbox of our own content type holds a description box and one uuid box for each segment, so that every
segment tells by itself which part of how many it is. A part is our UUID, its number from 0 on, how many
there are (uint16 each), CRC-32 (uint32) of both numbers and of its bytes, and its bytes; big-endian, as in
all boxes. Source: ISO/IEC 19566-5 (JUMBF); ISO/IEC 18477-3 (boxes in APP11).
"""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

from rawtool.errors import DamagedSidecarError, UnsupportedFormatError
from rawtool.io.boxes import box, boxes
from rawtool.io.jpegsegments import LONGEST_PAYLOAD, Jpeg, Segment, segment_of

APP11 = 0xEB
MARK = bytes.fromhex("2ad02dde60a74e179fe098bf2a797992")
"""The UUID of our content type and of every part."""

LABEL = b"rawtool.sidecar"
_COMMON, _SUPERBOX = b"JP", b"jumb"
# Requestable, and with a label.
_TOGGLES = 0x03
# JP, instance, sequence number, and length and type of the superbox, which every segment repeats.
_HEAD, _PART = struct.Struct(">2sHII4s"), struct.Struct(">HHI")
_BOX_HEAD = 8
_DESCRIPTION = box(b"jumd", MARK, bytes([_TOGGLES]), LABEL, b"\0")
# Bytes of the payload in the first segment; the later ones have room for the description's as well.
_ROOM = LONGEST_PAYLOAD - _HEAD.size - len(_DESCRIPTION) - _BOX_HEAD - len(MARK) - _PART.size
_MOST_PARTS = 65535


def segments_with(payload: bytes, jpeg: Jpeg) -> tuple[Segment, ...]:
    """Return the segments of a payload for a JPEG, under a box instance number that it does not use yet.

    All but the last are full: ImageMagick joins and divides them, and only so at the same places.

    Raises:
        UnsupportedFormatError: the payload is too long.
    """
    room_later = _ROOM + len(_DESCRIPTION)
    later = [payload[at : at + room_later] for at in range(_ROOM, len(payload), room_later)]
    contents = [payload[:_ROOM], *later]
    if len(contents) > _MOST_PARTS:
        raise UnsupportedFormatError(
            f"{len(payload)} bytes have no room in a JPEG; keep them beside it, with --embed sidecar"
        )
    parts = [_part(number, len(contents), content) for number, content in enumerate(contents)]
    parts[0] = _DESCRIPTION + parts[0]
    instance, n_bytes = _free_instance(jpeg), _BOX_HEAD + sum(map(len, parts))
    return tuple(
        segment_of(APP11, _HEAD.pack(_COMMON, instance, number, n_bytes, _SUPERBOX) + part)
        for number, part in enumerate(parts, 1)
    )


def payload_in(jpeg: Jpeg) -> bytes | None:
    """Return the payload in the segments of a JPEG, None when no segment has a part of one.

    The order of the segments does not matter, nor do the numbers that other programs may give them.

    Raises:
        DamagedSidecarError: a part is damaged, missing or there twice.
    """
    parts = [part for segment in jpeg.segments if is_ours(segment) for part in _parts_in(segment)]
    if not parts:
        return None
    numbers, counts = sorted(number for number, _, _ in parts), {count for _, count, _ in parts}
    if counts != {len(parts)} or numbers != list(range(len(parts))):
        raise damaged(f"{len(parts)} of its parts are there, of {max(counts)}")
    return b"".join(content for _, _, content in sorted(parts))


def is_ours(segment: Segment) -> bool:
    """Return whether a segment holds a part of a payload."""
    return segment.marker == APP11 and segment.payload.startswith(_COMMON) and MARK in segment.payload


def damaged(why: str) -> DamagedSidecarError:
    """Return the error for a payload that is not as it was written."""
    return DamagedSidecarError(f"the raw inside is damaged: {why}; take another copy of the file")


def _part(number: int, n_parts: int, content: bytes) -> bytes:
    """Return one part as a box."""
    check = zlib.crc32(content, zlib.crc32(struct.pack(">HH", number, n_parts)))
    return box(b"uuid", MARK, _PART.pack(number, n_parts, check), content)


def _parts_in(segment: Segment) -> Iterator[tuple[int, int, bytes]]:
    """Yield (number, number of parts, bytes) of the parts in a segment of ours."""
    content = segment.payload
    for kind, start, end in boxes(BytesIO(content), _HEAD.size, len(content)):
        body = content[start:end]
        if kind != b"uuid" or not body.startswith(MARK) or len(body) < len(MARK) + _PART.size:
            continue
        number, n_parts, _ = _PART.unpack_from(body, len(MARK))
        part = body[len(MARK) + _PART.size :]
        if _part(number, n_parts, part)[_BOX_HEAD:] != body:
            raise damaged(f"part {number + 1} fails its check")
        yield number, n_parts, part


def _free_instance(jpeg: Jpeg) -> int:
    """Return the lowest box instance number, from 1 on, that no other superbox of the JPEG has."""
    taken = {
        struct.unpack_from(">H", segment.payload, len(_COMMON))[0]
        for segment in jpeg.segments
        if segment.marker == APP11 and segment.payload.startswith(_COMMON) and len(segment.payload) >= 4
    }
    return next(instance for instance in range(1, len(taken) + 2) if instance not in taken)
