import struct

import numpy as np
import pytest

from rawtool.io.jpegsegments import APP2, loads, segment_of
from rawtool.io.mpf import MPF_NAME, Listed, listed_pictures, moved_index, mpf_segment
from tests.io.jpegs import jpeg, with_application
from tests.io.material import tiff

PLAIN = jpeg(np.zeros((8, 8, 3), np.uint8))


def index(*pictures, order=">"):
    records = b"".join(struct.pack(order + "3I2H", *picture, 0, 0) for picture in pictures)
    return tiff([(0xB000, 7, 4, b"0100"), (0xB002, 7, len(records), records)], order=order)


def test_an_index_of_two_pictures_is_read_back():
    content = with_application(PLAIN, mpf_segment(1000, 800, 77).payload)

    assert listed_pictures(loads(content)) == (Listed(0x030000, 1000, 0), Listed(0, 77, 800))


def test_the_index_has_the_bytes_that_the_standard_asks_for():
    payload = mpf_segment(0x01020304, 0x0A0B0C0D, 5).payload

    assert payload.startswith(b"MPF\0MM\0*\0\0\0\x08\0\3")
    assert b"\xb0\x00\x00\x07\0\0\0\x040100" in payload
    assert b"\xb0\x01\x00\x04\0\0\0\1\0\0\0\2" in payload
    assert payload.endswith(struct.pack(">3I2H3I2H", 0x30000, 0x01020304, 0, 0, 0, 0, 5, 0x0A0B0C0D, 0, 0))


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_camera_s_preview_may_be_replaced_and_a_panorama_may_not(order):
    pictures = index((0x20030000, 900, 0), (0x40010002, 50, 700), (0x020001, 9, 800), order=order)
    found = listed_pictures(loads(with_application(PLAIN, MPF_NAME, pictures)))

    assert [one.kind for one in found] == [0x030000, 0x010002, 0x020001]
    assert [one.is_replaceable for one in found] == [True, True, False]


@pytest.mark.parametrize("payload", [b"", b"MM\0*", index()[:-3], b"II*\0\xff\xff\0\0"])
def test_an_index_that_cannot_be_read_lists_nothing(payload):
    assert listed_pictures(loads(with_application(PLAIN, MPF_NAME, payload))) == ()


def test_a_jpeg_without_an_index_lists_nothing():
    assert listed_pictures(loads(PLAIN)) == ()


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_moved_index_has_a_larger_first_picture_and_farther_others(order):
    pictures = (0x20030000, 900, 0), (0x40010002, 50, 700), (0x020001, 9, 800)
    before = segment_of(APP2, MPF_NAME + index(*pictures, order=order))
    expected = (0x20030000, 950, 0), (0x40010002, 50, 693), (0x020001, 9, 793)

    assert moved_index(before, 50, -7) == segment_of(APP2, MPF_NAME + index(*expected, order=order))
    assert moved_index(moved_index(before, 50, -7), -50, 7) == before


def test_a_first_picture_of_unknown_length_stays_so():
    before = segment_of(APP2, MPF_NAME + index((0x030000, 0, 0)))

    assert moved_index(before, 50, 50) == before


@pytest.mark.parametrize("payload", [b"", b"MM\0*", index()[:-3], index(), b"II*\0\xff\xff\0\0"])
def test_an_index_that_cannot_be_read_is_not_touched(payload):
    before = segment_of(APP2, MPF_NAME + payload)

    assert moved_index(before, 50, 50) == before
