"""A JPEG as its segments, kept byte for byte: what stands around a scan can change, the scan cannot.

Source: ITU-T T.81, annex B; JFIF 1.02; XMP part 3; ICC.1:2022, B.4.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from rawtool.errors import CorruptFileError, UnsupportedFormatError

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
APP1, APP2 = 0xE1, 0xE2
XMP_NAME, EXIF_NAME = b"http://ns.adobe.com/xap/1.0/\0", b"Exif\0\0"
ICC_NAME = b"ICC_PROFILE\0"
LONGEST_PAYLOAD = 65533
_MOST_PROFILE_PARTS = 255
_EOI, _SOS, _TEM = 0xD9, 0xDA, 0x01
_APPLICATION = range(0xE0, 0xF0)
# Start-of-frame markers but for DHT, JPG and DAC, which share their row.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Segment:
    """One marker segment with all its bytes; fill bytes before the marker belong to it."""

    marker: int
    content: bytes

    @property
    def payload(self) -> bytes:
        """What follows the marker and the length."""
        return self.content[self.content.index(self.marker.to_bytes(), 1) + 3 :]


@dataclass(frozen=True, slots=True)
class Jpeg:
    """The segments before the first scan, the scans with EOI, and what stands behind them."""

    segments: tuple[Segment, ...]
    scans: bytes
    trailer: bytes = b""


def loads(content: bytes) -> Jpeg:
    """Take a JPEG apart; dumps puts the very same bytes together again.

    Raises:
        CorruptFileError: no JPEG, or cut short.
    """
    if not content.startswith(SOI):
        raise CorruptFileError("the JPEG does not begin as one; export it again")
    found = list(_segments(content))
    start = 2 + sum(len(segment.content) for segment in found)
    end = _end_of_scans(content, start)
    return Jpeg(tuple(found), content[start:end], content[end:])


def dumps(jpeg: Jpeg) -> bytes:
    """Return the bytes of a JPEG."""
    return SOI + b"".join(segment.content for segment in jpeg.segments) + jpeg.scans + jpeg.trailer


def segment_of(marker: int, payload: bytes) -> Segment:
    """Return a segment with a payload.

    Raises:
        UnsupportedFormatError: the payload is longer than 65533 bytes.
    """
    if len(payload) > LONGEST_PAYLOAD:
        raise UnsupportedFormatError(
            f"what the JPEG says of itself needs {len(payload)} bytes where it has {LONGEST_PAYLOAD}; "
            "export it without its XMP"
        )
    return Segment(marker, struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload)


def payloads(jpeg: Jpeg, marker: int, name: bytes) -> list[bytes]:
    """Return what stands behind a name in the segments of a marker."""
    return [
        segment.payload[len(name) :]
        for segment in jpeg.segments
        if segment.marker == marker and segment.payload.startswith(name)
    ]


def without(jpeg: Jpeg, marker: int, name: bytes) -> Jpeg:
    """Return the JPEG without the segments of a marker whose payloads begin with a name."""
    kept = (s for s in jpeg.segments if not (s.marker == marker and s.payload.startswith(name)))
    return Jpeg(tuple(kept), jpeg.scans, jpeg.trailer)


def with_segments(jpeg: Jpeg, added: tuple[Segment, ...]) -> Jpeg:
    """Return the JPEG with segments behind the application segments that it begins with."""
    markers = [segment.marker in _APPLICATION for segment in jpeg.segments]
    at = markers.index(False) if False in markers else len(markers)
    return Jpeg((*jpeg.segments[:at], *added, *jpeg.segments[at:]), jpeg.scans, jpeg.trailer)


def with_xmp(jpeg: Jpeg, packet: bytes) -> Jpeg:
    """Return the JPEG with this XMP: in the place of its own, else behind JFIF and EXIF."""
    ours = segment_of(APP1, XMP_NAME + packet)
    is_xmp = [s.marker == APP1 and s.payload.startswith(XMP_NAME) for s in jpeg.segments]
    if True in is_xmp:
        at = is_xmp.index(True)
        return Jpeg((*jpeg.segments[:at], ours, *jpeg.segments[at + 1 :]), jpeg.scans, jpeg.trailer)
    leading = [s.marker == 0xE0 or s.payload.startswith(EXIF_NAME) for s in jpeg.segments]
    at = leading.index(False) if False in leading else len(leading)
    return Jpeg((*jpeg.segments[:at], ours, *jpeg.segments[at:]), jpeg.scans, jpeg.trailer)


def frame_of(jpeg: Jpeg) -> tuple[int, int, int]:
    """Return (height, width, number of components) of the picture.

    Raises:
        CorruptFileError: it does not say.
    """
    for segment in jpeg.segments:
        if segment.marker in _FRAMES and len(segment.payload) >= 6:
            height, width, n_components = struct.unpack(">xHHB", segment.payload[:6])
            return height, width, n_components
    raise CorruptFileError("the JPEG does not say how large it is; export it again")


def profile_in(jpeg: Jpeg) -> bytes | None:
    """Return the embedded ICC profile, its parts put together in their order; None without one."""
    parts = payloads(jpeg, APP2, ICC_NAME)
    return b"".join(part[2:] for part in sorted(parts, key=lambda part: part[:1])) if parts else None


def profile_segments(icc: bytes) -> tuple[Segment, ...]:
    """Return the segments that hold an ICC profile, numbered; none for an empty one.

    Raises:
        UnsupportedFormatError: it is longer than 255 segments.
    """
    longest = LONGEST_PAYLOAD - len(ICC_NAME) - 2
    parts = [icc[at : at + longest] for at in range(0, len(icc), longest)]
    if len(parts) > _MOST_PROFILE_PARTS:
        raise UnsupportedFormatError("the colour profile is too long for a JPEG; convert the picture to sRGB")
    heads = (ICC_NAME + bytes([number, len(parts)]) for number in range(1, len(parts) + 1))
    return tuple(segment_of(APP2, head + part) for head, part in zip(heads, parts, strict=True))


def _segments(content: bytes) -> Iterator[Segment]:
    """Yield the segments before the first scan."""
    at = 2
    while True:
        code = at
        while content[code : code + 2] == b"\xff\xff":
            code += 1
        if content[code : code + 1] != b"\xff" or code + 4 > len(content):
            raise CorruptFileError("the JPEG is cut short or damaged before its picture; export it again")
        marker = content[code + 1]
        if marker == _SOS:
            return
        if marker in (_EOI, _TEM, 0):
            raise CorruptFileError("the JPEG holds no picture; export it again")
        end = code + 2 + struct.unpack(">H", content[code + 2 : code + 4])[0]
        if end > len(content) or end < code + 4:
            raise CorruptFileError("the JPEG is cut short before its picture; export it again")
        yield Segment(marker, content[at:end])
        at = end


def _end_of_scans(content: bytes, start: int) -> int:
    """Return where the picture ends, behind EOI: between scans there may be tables."""
    at = start
    while True:
        at = content.find(b"\xff", at)
        if at < 0 or at + 2 > len(content):
            raise CorruptFileError("the JPEG is cut short within its picture; export it again")
        marker = content[at + 1]
        if marker == _EOI:
            return at + 2
        is_plain = marker in (0, _TEM) or 0xD0 <= marker <= 0xD8
        if marker == 0xFF:
            at += 1
        elif is_plain or at + 4 > len(content):
            at += 2
        else:
            at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
