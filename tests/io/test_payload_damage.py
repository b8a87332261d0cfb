"""Ten thousand damages to a packed JPEG: every one is noticed, none crashes, none gives another raw."""

import random
import struct
import zlib
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from rawtool.codec.container import Chunk, Container, dumps, loads
from rawtool.errors import CorruptFileError, DamagedSidecarError, NoSidecarError, SidecarError
from rawtool.io import jpegsegments as segments
from rawtool.io import jumbf
from rawtool.io.packedjpeg import payload_of, with_payload
from tests.codec.sidecars import CONTAINER
from tests.io.jpegs import jpeg

BASE = jpeg(np.zeros((16, 24, 3), np.uint8))
NOISE = np.random.default_rng(3).bytes(12_000)
CHUNKS = tuple(Chunk(f"LAT{n}", NOISE[n * 2000 :][:2000]) for n in range(5))
SIDECAR = Container(1, bytes(32), (*CONTAINER.chunks[:3], *CHUNKS))
PAYLOAD = dumps(SIDECAR)
OTHER = dumps(replace(SIDECAR, chunks=(*SIDECAR.chunks[:-1], Chunk("LAT4", NOISE[-2000:]))))


@pytest.fixture(scope="module")
def packed():
    """A picture with its sidecar in four short segments."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jumbf, "_ROOM", 3000)
        yield with_payload(BASE, PAYLOAD)


@pytest.fixture(scope="module")
def span(packed):
    """From the first byte of the sidecar's segments to the one behind the last."""
    ours = [one for one in segments.loads(packed).segments if jumbf.is_ours(one)]
    start = packed.index(ours[0].content)
    return start, start + sum(len(one.content) for one in ours)


def verdict(content):
    """The name of the error, or "equal"; a sidecar that says something else fails the test."""
    try:
        found = loads(payload_of(content))
    except (SidecarError, CorruptFileError) as error:
        return type(error).__name__
    assert found == SIDECAR
    return "equal"


def verdicts(damage, n_times, seed):
    draw = random.Random(seed)
    return Counter(verdict(damage(draw)) for _ in range(n_times))


def flipped(content, start, end, draw):
    damaged = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 20))):
        at = draw.randrange(8 * start, 8 * end)
        damaged[at // 8] ^= 1 << at % 8
    return bytes(damaged)


def with_ours(content, change):
    """The JPEG with its sidecar's segments changed as a tuple."""
    picture = segments.loads(content)
    ours = tuple(one for one in picture.segments if jumbf.is_ours(one))
    at = picture.segments.index(ours[0])
    kept = tuple(one for one in picture.segments if not jumbf.is_ours(one))
    return segments.dumps(replace(picture, segments=(*kept[:at], *change(ours), *kept[at:])))


def test_flipped_bits(packed, span):
    found = verdicts(lambda draw: flipped(packed, *span, draw), 3500, 1)

    # What only says where the box lies, or what it is called, may change: the sidecar is there and the same.
    assert set(found) == {"DamagedSidecarError", "equal"}
    assert found["equal"] < 120


def test_overwritten_bytes(packed, span):
    def damage(draw):
        start, n_bytes = draw.randrange(*span), draw.randrange(1, 64)
        new = draw.choice((bytes(n_bytes), draw.randbytes(n_bytes), b"\xff" * n_bytes, packed[:n_bytes]))
        return packed[:start] + new + packed[start + n_bytes :]

    assert set(verdicts(damage, 1500, 2)) <= {"DamagedSidecarError", "equal"}


def test_bytes_removed_and_put_in(packed, span):
    def damage(draw):
        start, n_bytes = draw.randrange(*span), draw.randrange(1, 64)
        if draw.random() < 0.5:
            return packed[:start] + packed[start + n_bytes :]
        return packed[:start] + draw.randbytes(n_bytes) + packed[start:]

    found = verdicts(damage, 1500, 3)

    assert set(found) <= {"DamagedSidecarError", "equal"}
    assert found["equal"] < 30


def test_cuts(packed, span):
    first_trace = packed.index(jumbf.MARK) + len(jumbf.MARK)
    lengths = random.Random(4).sample(range(len(packed)), 1500)

    for n_bytes in lengths:
        expected = "CorruptFileError" if n_bytes < first_trace else "DamagedSidecarError"
        assert verdict(packed[:n_bytes]) == expected


def test_segments_removed_doubled_and_shuffled(packed):
    def damage(draw):
        def change(ours):
            chosen = draw.choices(ours, k=draw.randrange(1, 7))
            return chosen if sorted(map(id, chosen)) != sorted(map(id, ours)) else chosen[1:]

        return with_ours(packed, change)

    assert set(verdicts(damage, 1000, 5)) == {"DamagedSidecarError"}


def test_all_segments_removed(packed):
    assert verdict(with_ours(packed, lambda ours: ())) == "NoSidecarError"


def test_segments_of_another_sidecar_among_ours(packed, monkeypatch):
    monkeypatch.setattr(jumbf, "_ROOM", 3000)
    other = jumbf.segments_with(OTHER, segments.loads(BASE))

    def damage(draw):
        picks = [draw.random() < 0.5 for _ in other]
        picks[0], picks[-1] = False, True
        return with_ours(
            packed, lambda ours: [b if pick else a for a, b, pick in zip(ours, other, picks, strict=True)]
        )

    assert set(verdicts(damage, 300, 6)) == {"DamagedSidecarError"}


def test_parts_exchanged_under_right_checks(packed):
    """The segments are whole and numbered as they should be, their contents are not in their order."""
    parts = [packed_part[-1] for one in ours_in(packed) for packed_part in jumbf._parts_in(one)]

    def damage(draw):
        shuffled = draw.sample(parts, len(parts))
        if shuffled == parts:
            shuffled.reverse()
        return with_payload(packed, b"".join(shuffled))

    assert set(verdicts(damage, 150, 7)) == {"DamagedSidecarError"}


def test_chunks_exchanged_within_the_container(packed):
    header, n_chunks = PAYLOAD[: 54 + 16 * len(SIDECAR.chunks)], len(SIDECAR.chunks)
    bodies = [chunk.payload for chunk in SIDECAR.chunks]
    entries = [header[50 + 16 * n :][:16] for n in range(n_chunks)]

    def damage(draw):
        order = draw.sample(range(n_chunks), n_chunks)
        moved = [bodies[n] for n in order] if draw.random() < 0.5 else bodies
        table = b"".join(entries[n] for n in order) if moved is bodies else header[50:-4]
        head = header[:50] + table
        check = struct.pack("<I", zlib.crc32(head)) if draw.random() < 0.5 else header[-4:]
        changed = head + check + b"".join(moved)
        return with_payload(packed, changed if changed != PAYLOAD else changed[:-1])

    assert set(verdicts(damage, 150, 8)) == {"DamagedSidecarError"}


def test_damage_elsewhere_leaves_the_sidecar_or_says_that_the_picture_is_damaged(packed, span):
    def damage(draw):
        start, end = draw.choice(((2, span[0]), (span[1], len(packed))))
        return flipped(packed, start, end, draw)

    found = verdicts(damage, 1000, 9)

    assert set(found) == {"equal", "DamagedSidecarError"}
    assert found["equal"] > 700


def ours_in(content):
    return [one for one in segments.loads(content).segments if jumbf.is_ours(one)]


def test_the_errors_are_of_the_right_kind(packed):
    with pytest.raises(NoSidecarError):
        payload_of(with_ours(packed, lambda ours: ()))
    with pytest.raises(DamagedSidecarError, match=r"^the raw inside is damaged: .*; take another copy"):
        payload_of(with_ours(packed, lambda ours: ours[1:]))
