import io

import numpy as np
import pytest

from rawtool.errors import CorruptFileError, UnsupportedRawError
from rawtool.io.dngtags import classify_cell, find_picture, read_picture
from rawtool.io.tiffdir import read_directories
from rawtool.vocabulary import SensorKind
from tests.io.material import dng, long, rational, short

SAMPLES = np.zeros((12, 16), np.uint16)


def picture(*tags, samples=SAMPLES, without=()):
    directories = read_directories(io.BytesIO(dng(samples, *tags, without=without)))
    return read_picture(directories[0], find_picture(directories))


def test_a_plain_mosaic_is_described():
    found = picture()

    assert (found.height, found.width, found.kind) == (12, 16, SensorKind.BAYER)
    assert found.cfa is not None
    assert found.cfa.cell == ((0, 1), (1, 2))
    assert found.black_level == (0.0, 0.0, 0.0, 0.0)
    assert found.white_level == 60000.0


def test_the_pattern_counts_from_the_active_area_as_the_standard_says():
    found = picture(long(50829, 1, 3, 11, 15))

    assert found.active == (1, 3, 10, 12)
    assert found.cfa is not None
    assert found.cfa.cell == ((0, 1), (1, 2))


def test_an_active_area_that_cannot_be_is_the_whole_picture():
    assert picture(long(50829, 0, 0, 13, 16)).active == (0, 0, 12, 16)


def test_black_levels_are_spread_over_the_cell():
    found = picture(short(50713, 1, 2), rational(50714, (10, 1), (41, 2)))

    assert found.black_level == (10.0, 20.5, 10.0, 20.5)


def test_four_black_levels_stand_row_by_row():
    found = picture(short(50713, 2, 2), rational(50714, (1, 1), (2, 1), (3, 1), (4, 1)))

    assert found.black_level == (1.0, 2.0, 3.0, 4.0)


def test_row_and_column_deltas_are_averaged_over_the_cell():
    deltas = rational(50716, *[(row % 2, 1) for row in range(12)], kind=10)

    assert picture(rational(50714, (100, 1)), deltas).black_level == (100.0, 100.0, 101.0, 101.0)


def test_without_a_white_level_all_bits_count():
    assert picture(without=(50717,)).white_level == 65535.0


def test_without_a_white_level_a_table_ends_at_it():
    table = (50712, 3, 3, b"\0\0\x10\0\x20\0")

    assert picture(table, without=(50717,)).white_level == 32.0


def test_the_lowest_white_level_counts():
    assert picture(long(50717, 900, 800, 1000)).white_level == 800.0


def test_the_crop_is_narrowed_by_the_users():
    half = rational(51125, (1, 4), (0, 1), (3, 4), (1, 1))

    assert picture(long(50719, 2, 2), long(50720, 12, 8), half).crop == (4, 2, 4, 12)


def test_a_crop_that_leaves_the_active_area_is_ignored():
    assert picture(long(50719, 8, 8), long(50720, 12, 8)).crop == (0, 0, 12, 16)


def test_six_by_six_and_four_by_four_cells_are_told_apart():
    quad = ((0, 0, 1, 1), (0, 0, 1, 1), (1, 1, 2, 2), (1, 1, 2, 2))

    assert classify_cell(quad)[0] is SensorKind.QUAD_BAYER
    xtrans = ((1, 0, 1, 1, 2, 1), (2, 1, 2, 0, 1, 0)) * 3
    assert classify_cell(xtrans)[0] is SensorKind.XTRANS


def test_a_repeated_bayer_cell_is_a_bayer_cell():
    kind, cfa = classify_cell(((1, 0) * 2, (2, 1) * 2) * 2)

    assert (kind, cfa.cell) == (SensorKind.BAYER, ((1, 0), (2, 1)))


@pytest.mark.parametrize("rows", [((0, 1), (2, 3)), ((0, 0), (0, 0)), ((0, 1, 2),) * 3])
def test_other_cells_are_refused(rows):
    with pytest.raises(UnsupportedRawError):
        classify_cell(rows)


def test_a_filter_of_another_colour_is_named():
    with pytest.raises(UnsupportedRawError, match="white"):
        picture((33422, 1, 4, b"\0\1\6\2"))


@pytest.mark.parametrize(
    "tag", [long(256, 60000), long(257, 2**31), long(279, 2**30), short(277, 9), short(258, 0), long(256, 0)]
)
def test_sizes_that_the_file_cannot_hold_are_damage(tag):
    with pytest.raises(CorruptFileError):
        picture(tag)


def test_a_cut_file_says_how_much_is_missing():
    content = dng(SAMPLES)[:-100]
    directories = read_directories(io.BytesIO(content))

    with pytest.raises(CorruptFileError, match="100 bytes are missing"):
        read_picture(directories[0], find_picture(directories))


def test_a_dng_of_previews_only_is_refused():
    directories = read_directories(io.BytesIO(dng(SAMPLES, short(262, 2))))

    with pytest.raises(UnsupportedRawError, match="previews"):
        find_picture(directories)
