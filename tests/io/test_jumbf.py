import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest

from rawtool.errors import DamagedSidecarError, UnsupportedFormatError
from rawtool.io import jumbf
from rawtool.io.jpegsegments import Segment, loads, segment_of
from rawtool.io.jumbf import APP11, LABEL, MARK, is_ours, payload_in, segments_with
from tests.io.jpegs import jpeg

PLAIN = loads(jpeg(np.zeros((8, 8, 3), np.uint8)))
PAYLOAD = np.random.default_rng(1).bytes(200_000)
UUID = "2ad02dde-60a7-4e17-9fe0-98bf2a797992"


def with_ours(payload, picture=PLAIN):
    return replace(picture, segments=(*picture.segments, *segments_with(payload, picture)))


def part_by_hand(number, n_parts, content):
    """A uuid box, written from the docstring."""
    numbers = struct.pack(">HH", number, n_parts)
    body = bytes.fromhex(UUID.replace("-", "")) + numbers
    body += struct.pack(">I", zlib.crc32(numbers + content)) + content
    return struct.pack(">I4s", 8 + len(body), b"uuid") + body


def superbox(segments):
    """The superbox in segments as ISO/IEC 18477-3 puts it together."""
    heads = [struct.unpack(">2sHII4s", segment.payload[:16]) for segment in segments]
    assert {(head[0], head[1], *head[3:]) for head in heads} == {(b"JP", *heads[0][1:2], *heads[0][3:])}
    assert [head[2] for head in heads] == list(range(1, len(heads) + 1))
    return segments[0].payload[8:16] + b"".join(segment.payload[16:] for segment in segments)


@pytest.mark.parametrize("n_bytes", [0, 1, 65_000, 65_400, 65_420, 65_440, 65_500, 131_000, 200_000])
def test_a_payload_of_any_length_comes_back(n_bytes):
    assert payload_in(with_ours(PAYLOAD[:n_bytes])) == PAYLOAD[:n_bytes]


def test_segments_are_full_and_none_is_too_long():
    lengths = [len(segment.content) for segment in segments_with(PAYLOAD, PLAIN)]

    assert len(lengths) == 4
    assert lengths[:3] == [65_537] * 3
    assert lengths[3] < 65_537


def test_a_small_payload_has_the_bytes_that_the_standard_asks_for():
    (segment,) = segments_with(b"abc", PLAIN)
    description = bytes.fromhex(UUID.replace("-", "")) + b"\3rawtool.sidecar\0"
    content = struct.pack(">I4s", 8 + len(description), b"jumd") + description + part_by_hand(0, 1, b"abc")
    expected = struct.pack(">2sHII4s", b"JP", 1, 1, 8 + len(content), b"jumb") + content

    assert segment.content == struct.pack(">HH", 0xFFEB, 2 + len(expected)) + expected


def test_segments_make_one_superbox_of_the_length_that_they_say():
    box = superbox(segments_with(PAYLOAD, PLAIN))

    assert struct.unpack(">I4s", box[:8]) == (len(box), b"jumb")
    assert box.count(MARK) == 1 + 4
    assert box.count(LABEL) == 1


def test_a_payload_costs_little():
    assert sum(len(s.content) for s in segments_with(PAYLOAD, PLAIN)) - len(PAYLOAD) < 260


def test_other_superboxes_keep_their_instance_number():
    foreign = tuple(
        segment_of(APP11, struct.pack(">2sHII4s", b"JP", instance, 1, 16, b"jumb") + b"12345678")
        for instance in (1, 3)
    )
    picture = replace(PLAIN, segments=(*foreign, segment_of(APP11, b"HDR_RI ver=11"), *PLAIN.segments))
    packed = with_ours(PAYLOAD, picture)

    assert {segment.payload[2:4] for segment in packed.segments if is_ours(segment)} == {b"\0\2"}
    assert packed.segments[: len(picture.segments)] == picture.segments
    assert payload_in(packed) == PAYLOAD


def test_without_segments_of_ours_there_is_no_payload():
    foreign = segment_of(APP11, struct.pack(">2sHII4s", b"JP", 1, 1, 16, b"jumb") + b"12345678")

    assert payload_in(PLAIN) is None
    assert payload_in(replace(PLAIN, segments=(foreign, segment_of(0xEA, b"JP" + MARK)))) is None


def test_the_order_of_the_segments_does_not_matter():
    segments = segments_with(PAYLOAD, PLAIN)

    assert payload_in(replace(PLAIN, segments=segments[::-1])) == PAYLOAD


def test_parts_in_one_superbox_of_another_program_are_read():
    parts = [part_by_hand(number, 2, content) for number, content in enumerate((b"ab", b"cd"))]
    head = struct.pack(">2sHII4s", b"JP", 7, 1, 8 + sum(map(len, parts)), b"jumb")

    assert payload_in(replace(PLAIN, segments=(segment_of(APP11, head + b"".join(parts)),))) == b"abcd"


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s[1:],
        lambda s: s[:-1],
        lambda s: (*s[:1], *s[2:]),
        lambda s: (*s, s[1]),
        lambda s: (s[0], s[1], s[1], s[3]),
        lambda s: (*s[:3], *segments_with(PAYLOAD[:70_000], PLAIN)[1:]),
    ],
    ids=["first gone", "last gone", "second gone", "one twice", "one for another", "one of another payload"],
)
def test_a_part_that_is_missing_or_too_much_is_damage(change):
    with pytest.raises(DamagedSidecarError, match="of its parts are there"):
        payload_in(replace(PLAIN, segments=change(segments_with(PAYLOAD, PLAIN))))


@pytest.mark.parametrize("at", [-1, -30, 200, 30_000])
def test_a_changed_part_is_damage(at):
    segments = segments_with(PAYLOAD, PLAIN)
    content = bytearray(segments[1].content)
    content[at] ^= 4

    with pytest.raises(DamagedSidecarError, match="part 2 fails its check"):
        payload_in(replace(PLAIN, segments=(segments[0], Segment(APP11, bytes(content)), *segments[2:])))


def test_a_part_without_its_mark_is_missed():
    segments = segments_with(PAYLOAD, PLAIN)
    blank = Segment(APP11, segments[1].content.replace(MARK, MARK[::-1]))

    with pytest.raises(DamagedSidecarError, match="3 of its parts are there, of 4"):
        payload_in(replace(PLAIN, segments=(segments[0], blank, *segments[2:])))


def test_a_payload_that_is_too_long_says_where_else_it_can_stand(monkeypatch):
    monkeypatch.setattr(jumbf, "_MOST_PARTS", 3)

    with pytest.raises(UnsupportedFormatError, match=r"200000 bytes.*--embed sidecar"):
        segments_with(PAYLOAD, PLAIN)
