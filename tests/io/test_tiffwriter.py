import numpy as np
import pytest
import tifffile

from rawtool.errors import OutputError
from rawtool.io import tiffwriter
from rawtool.io.exif import Block, long_entry, short_entry
from rawtool.io.tiffdir import decode_numbers
from rawtool.io.tiffwriter import STRIP_TAGS, byte_entry, plain_strips, rational_entry, write_tiff

PIXELS = np.arange(5 * 7, dtype=np.uint16).reshape(5, 7) * 1000


def entries(order):
    return [
        long_entry(order, 256, 7),
        long_entry(order, 257, 5),
        short_entry(order, 258, 16),
        short_entry(order, 259, 1),
        short_entry(order, 262, 1),
        short_entry(order, 277, 1),
        long_entry(order, 278, 5),
    ]


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_independent_reader_finds_pixels_and_directories(tmp_path, order):
    block = Block(
        order, (short_entry(order, 274, 3),), (short_entry(order, 34855, 100),), (byte_entry(1, b"N\0"),)
    )
    strips, _, _ = plain_strips(PIXELS, order)
    write_tiff(tmp_path / "a.tif", block, entries(order), strips, STRIP_TAGS)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        np.testing.assert_array_equal(tiff.pages[0].asarray(), PIXELS)
        assert tiff.pages[0].tags.valueof(274) == 3
        assert tiff.pages[0].tags.valueof(34665) == {"ISOSpeedRatings": 100}


def test_what_is_set_wins_over_what_the_block_brings(tmp_path):
    block = Block("<", (short_entry("<", 262, 9),), (), ())
    strips, _, _ = plain_strips(PIXELS, "<")
    write_tiff(tmp_path / "a.tif", block, entries("<"), strips, STRIP_TAGS)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.pages[0].tags.valueof(262) == 1


def test_what_does_not_fit_into_the_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tiffwriter, "_MOST_BYTES", 60)
    strips, _, _ = plain_strips(PIXELS, "<")

    with pytest.raises(OutputError, match="4 GB"):
        write_tiff(tmp_path / "a.tif", Block("<", (), (), ()), entries("<"), strips, STRIP_TAGS)


@pytest.mark.parametrize("values", [(0.123457, -1.5, 0.0), (62048.0, 12345.6789, -3.0)])
def test_fractions_hold_the_values(values):
    found = decode_numbers(rational_entry("<", 1, values, is_signed=True), "<")

    np.testing.assert_allclose(found, values, atol=1e-4, rtol=1e-9)
