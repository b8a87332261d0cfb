import io
import struct

import pytest

from rawtool.io.boxes import box, boxes, full_box


def found(content, start=0):
    return [(kind, content[a:b]) for kind, a, b in boxes(io.BytesIO(content), start, len(content))]


def test_boxes_are_read_back_in_their_order():
    content = box(b"ftyp", b"avif", b"1234") + box(b"free") + box(b"mdat", b"xyz")

    assert found(content) == [(b"ftyp", b"avif1234"), (b"free", b""), (b"mdat", b"xyz")]


def test_a_full_box_begins_with_version_and_flags():
    assert full_box(b"pitm", 2, 5, b"a") == struct.pack(">I4sI", 13, b"pitm", 2 << 24 | 5) + b"a"


def test_a_long_length_is_understood():
    content = struct.pack(">I4sQ", 1, b"mdat", 19) + b"abc" + box(b"free")

    assert found(content) == [(b"mdat", b"abc"), (b"free", b"")]


def test_a_box_without_a_length_goes_to_the_end():
    assert found(struct.pack(">I4s", 0, b"mdat") + b"rest") == [(b"mdat", b"rest")]


@pytest.mark.parametrize(
    "damaged", [struct.pack(">I4s", 7, b"evil"), struct.pack(">I4s", 99, b"long"), b"abc"]
)
def test_a_damaged_box_ends_them(damaged):
    assert found(box(b"ftyp", b"x") + damaged) == [(b"ftyp", b"x")]
