import random
import struct
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.codec.container import Chunk, Container, dumps, loads
from rawtool.codec.deflate import inflate
from rawtool.codec.facts import loads_achieved, loads_base, loads_facts
from rawtool.errors import DamagedSidecarError, NewerSidecarError
from tests.codec.sidecars import ACHIEVED, BASE, CONTAINER, DIGEST, EXIF, FACTS, LATENTS, same

CONTENT = dumps(CONTAINER)
SMALL = dumps(Container(1, DIGEST, (Chunk("FACT", b"facts"), Chunk("LAT0", LATENTS[:9]), Chunk("DONE", b""))))
KINDS = st.from_regex(r"[A-Z][A-Z0-9 ]{3}", fullmatch=True)
CHUNKS = st.lists(st.builds(Chunk, KINDS, st.binary(max_size=40)), max_size=6, unique_by=lambda c: c.kind)


def rechecked(content, n_header):
    """The bytes with a header whose check is right."""
    header = content[: n_header - 4]
    return header + struct.pack("<I", zlib.crc32(header)) + content[n_header:]


def by_hand(kind=b"LAT0", payload=b"abc", version=1, offset=70, n_chunks=1, n_more=0):
    """One chunk in a container, written from the table in the docstring."""
    head = struct.pack("<8sHHIH", b"\x89RWT\r\n\x1a\n", version, 70, 70 + len(payload) + n_more, n_chunks)
    entry = struct.pack("<4s3I", kind, offset, len(payload), zlib.crc32(payload))
    return rechecked(head + DIGEST + entry + b"\0" * 4 + payload, 70)


@given(CHUNKS, st.binary(min_size=32, max_size=32))
def test_what_is_written_is_read(chunks, decoder):
    container = Container(1, decoder, tuple(chunks))

    assert loads(dumps(container)) == container


def test_the_bytes_are_those_of_the_table_in_the_docstring():
    container = Container(1, DIGEST, (Chunk("LAT0", b"abc"),))

    assert dumps(container) == by_hand()
    assert loads(by_hand()) == container


def test_a_golden_file_of_version_1_is_read_for_ever(root):
    container = loads((root / "tests" / "golden" / "sidecar-v1.rawtool").read_bytes())

    assert container.version == 1
    assert container.decoder == DIGEST
    assert same(loads_facts(container.need("FACT")), FACTS)
    assert loads_base(container.need("BASE")) == BASE
    assert loads_achieved(container.need("DONE")) == ACHIEVED
    assert inflate(container.need("EXIF")) == EXIF
    assert container.need("LAT0") == LATENTS
    assert container.need("LAT1") == b""


def test_chunks_are_found_by_their_kind():
    assert CONTAINER.find("LAT0") == LATENTS
    assert CONTAINER.find("LAT7") is None
    with pytest.raises(DamagedSidecarError, match="no LAT7 chunk"):
        CONTAINER.need("LAT7")


def test_every_flipped_bit_is_damage():
    for at in range(8 * len(SMALL)):
        damaged = bytearray(SMALL)
        damaged[at // 8] ^= 1 << at % 8
        with pytest.raises(DamagedSidecarError):
            loads(bytes(damaged))


def test_every_cut_is_damage():
    for n_bytes in range(len(SMALL)):
        with pytest.raises(DamagedSidecarError):
            loads(SMALL[:n_bytes])


@pytest.mark.parametrize(
    "change", [lambda b, at: b[:at] + b[at + 1 :], lambda b, at: b[:at] + b"\0" + b[at:]]
)
def test_a_byte_more_or_less_anywhere_is_damage(change):
    for at in range(len(SMALL)):
        with pytest.raises(DamagedSidecarError):
            loads(change(SMALL, at))


def test_bytes_behind_the_end_are_damage():
    with pytest.raises(DamagedSidecarError, match=f"{len(CONTENT) + 1} bytes of {len(CONTENT)}"):
        loads(CONTENT + b"\0")


def test_swapped_chunks_are_damage():
    one, other = Chunk("LAT0", b"abcd"), Chunk("LAT1", b"efgh")
    content = dumps(Container(1, DIGEST, (one, other)))

    with pytest.raises(DamagedSidecarError, match="LAT0 chunk fails"):
        loads(content.replace(b"abcdefgh", b"efghabcd"))


def test_entries_swapped_in_the_table_are_damage_even_under_a_right_check():
    content = dumps(Container(1, DIGEST, (Chunk("LAT0", b"abcd"), Chunk("LAT1", b"efgh"))))
    swapped = content[:50] + content[66:82] + content[50:66] + content[82:]

    with pytest.raises(DamagedSidecarError, match="LAT1 chunk fails"):
        loads(rechecked(swapped, 86))


@pytest.mark.parametrize("ends", [(b"\r\n", b"\n"), (b"\n", b"\r\n"), (b"\r", b"\n")])
def test_a_copy_as_text_is_damage(ends):
    with pytest.raises(DamagedSidecarError, match="does not begin as one"):
        loads(CONTENT.replace(*ends))


def test_a_copy_of_seven_bits_is_damage():
    with pytest.raises(DamagedSidecarError, match="does not begin as one"):
        loads(bytes(byte & 0x7F for byte in CONTENT))


@pytest.mark.parametrize("version", [2, 65535])
def test_a_newer_version_is_said_to_be_one(version):
    with pytest.raises(NewerSidecarError, match=f"version {version}"):
        loads(by_hand(version=version))


def test_a_newer_version_may_have_another_table():
    longer = struct.pack("<8sHH", b"\x89RWT\r\n\x1a\n", 2, 20) + b"new!" + b"\0" * 4 + b"chunks"

    with pytest.raises(NewerSidecarError):
        loads(rechecked(longer, 20))


def test_a_damaged_version_is_damage_and_not_a_newer_one():
    with pytest.raises(DamagedSidecarError, match="header fails its check"):
        loads(CONTENT[:8] + b"\2" + CONTENT[9:])


@pytest.mark.parametrize(
    "lie",
    [
        {"version": 0},
        {"offset": 71},
        {"offset": 2**32 - 1},
        {"n_chunks": 2},
        {"n_chunks": 0},
        {"n_more": 1},
        {"kind": b"lat0"},
        {"kind": b"\xff\xff\xff\xff"},
    ],
    ids=str,
)
def test_a_header_that_lies_under_a_right_check_is_damage(lie):
    with pytest.raises(DamagedSidecarError):
        loads(by_hand(**lie))


def test_bytes_of_no_chunk_are_damage():
    with pytest.raises(DamagedSidecarError, match="belong to no chunk"):
        loads(by_hand(n_more=1) + b"\0")


@pytest.mark.parametrize("n_header", [0, 1, 11, 12, 15, 16, 40, 53])
def test_a_header_shorter_than_one_is_damage(n_header):
    content = CONTENT[:10] + struct.pack("<H", n_header) + CONTENT[12:]

    with pytest.raises(DamagedSidecarError):
        loads(rechecked(content, n_header) if n_header >= 16 else content)


@given(st.binary(max_size=200))
def test_what_is_no_sidecar_is_damage(content):
    with pytest.raises(DamagedSidecarError):
        loads(content)


def test_longer_damage_is_noticed_too():
    draw = random.Random(8)
    for _ in range(500):
        start, n_bytes = draw.randrange(len(CONTENT)), draw.randrange(1, 100)
        damaged = CONTENT[:start] + draw.randbytes(n_bytes) + CONTENT[start + n_bytes :]
        with pytest.raises(DamagedSidecarError):
            loads(damaged)


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 2},
        {"decoder": bytes(31)},
        {"chunks": (Chunk("LAT", b""),)},
        {"chunks": (Chunk("lat0", b""),)},
        {"chunks": (Chunk("ÄÖÜ0", b""),)},
        {"chunks": (Chunk("LAT0", b""), Chunk("LAT0", b""))},
    ],
    ids=str,
)
def test_what_could_not_be_read_is_not_written(wrong):
    with pytest.raises(ValueError, match=r"version|digest|kinds"):
        dumps(replace(CONTAINER, **wrong))
