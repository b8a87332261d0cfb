import io
import struct

import pytest

from rawtool.io.tiffdir import read_directories, read_layout
from tests.io.material import long, rational, short, text, tiff


def directory(content):
    return read_directories(io.BytesIO(content))[0]


@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_are_read_in_both_byte_orders(order):
    found = directory(tiff([short(258, 8, 9, 10, order=order), long(256, 70000, order=order)], order))

    assert found.integers(258) == (8, 9, 10)
    assert found.integer(256, 0) == 70000


def test_fractions_are_divided_and_a_zero_below_the_line_gives_zero():
    found = directory(tiff([rational(50721, (-1, 4), (3, 0), kind=10)]))

    assert found.numbers(50721) == (-0.25, 0.0)


def test_text_ends_at_its_first_zero():
    assert directory(tiff([text(272, "Box\0junk")])).text(272) == "Box"


def test_an_absent_tag_is_none():
    found = directory(tiff([short(258, 8)]))

    assert (found.numbers(1), found.text(2), found.integer(3, 7)) == (None, None, 7)


def test_a_value_that_lies_outside_the_file_is_left_out_and_counted():
    content = bytearray(tiff([(272, 2, 20, b"x" * 20), short(258, 8)]))
    at = content.index(struct.pack("<HHI", 272, 2, 20))
    content[at + 4 : at + 8] = struct.pack("<I", 2**31)
    found = directory(bytes(content))

    assert found.text(272) is None
    assert found.n_damaged == 1
    assert found.integer(258, 0) == 8


def test_a_directory_outside_the_file_is_no_directory():
    assert read_directories(io.BytesIO(b"II*\0" + struct.pack("<I", 5000) + b"\0" * 20)) == ()


def test_a_chain_that_bites_its_tail_ends():
    content = bytearray(tiff([short(258, 8)]))
    content[8 + 2 + 12 : 8 + 2 + 12 + 4] = struct.pack("<I", 8)

    assert len(read_directories(io.BytesIO(bytes(content)))) == 1


def test_sub_directories_are_found():
    inner = struct.pack("<H", 1) + struct.pack("<HHIHH", 258, 3, 1, 14, 0) + b"\0" * 4
    outer = tiff([long(330, 8 + 2 + 12 + 4)], extra=inner)
    found = read_directories(io.BytesIO(outer))

    assert [d.integer(258, 0) for d in found] == [0, 14]


def test_big_tiff_is_read():
    entry = struct.pack("<HHQ", 256, 16, 1) + struct.pack("<Q", 2**33)
    content = b"II+\0" + struct.pack("<HHQ", 8, 0, 16) + struct.pack("<Q", 1) + entry + b"\0" * 8

    assert directory(content).integer(256, 0) == 2**33


def test_what_is_not_tiff_has_no_layout():
    assert read_layout(io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"\0" * 20)) is None
