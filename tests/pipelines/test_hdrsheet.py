"""The preview sheet: every panel in its place, and a map that shows where light was added."""

import numpy as np
import pytest

from rawtool.color.spaces import convert
from rawtool.color.transfer import encode, quantise
from rawtool.errors import OutputExistsError
from rawtool.io.image import read_image
from rawtool.pipelines import hdrsheet
from rawtool.vocabulary import Profile
from tests import scenes

BEFORE = np.clip(scenes.zone_plate(300, 400), 0, 1)
AFTER = BEFORE * np.float32(4.0)


def panel(sheet, number, shape):
    """Cut a panel out of a sheet: rows of three cells, the picture in the middle of each."""
    cell = [max(length, least) for length, least in zip(shape, hdrsheet._SMALLEST_CELL, strict=True)]
    row, column = divmod(number, 3)
    top = hdrsheet._MARGIN + row * (cell[0] + hdrsheet._LABEL_ROWS + hdrsheet._MARGIN) + hdrsheet._LABEL_ROWS
    left = hdrsheet._MARGIN + column * (cell[1] + hdrsheet._MARGIN)
    top, left = top + (cell[0] - shape[0]) // 2, left + (cell[1] - shape[1]) // 2
    return sheet[top : top + shape[0], left : left + shape[1]]


def shown(light):
    return quantise(encode(light, Profile.SRGB), 8)


def test_the_panels_are_the_input_and_the_result_at_three_exposures():
    sheet = hdrsheet.sheet_of(BEFORE, AFTER, Profile.SRGB)

    for number, light in enumerate((BEFORE, AFTER, AFTER / 4, AFTER / 16)):
        np.testing.assert_array_equal(panel(sheet, number, (300, 400)), shown(light))


def test_the_map_tells_where_how_much_was_added():
    after = BEFORE.copy()
    after[:, 200:] *= 8

    painted = panel(hdrsheet.sheet_of(BEFORE, after, Profile.SRGB), 4, (300, 400)).astype(int)

    # What gained nothing is dark grey, what gained the most has the last colour of the ramp.
    assert np.ptp(painted[:, :190], axis=2).max() == 0
    assert painted[:, :190].max() < 100
    np.testing.assert_array_equal(painted[:, 210:], 255)


def test_the_colours_of_the_map_are_those_of_the_legend():
    gained_ev = np.linspace(0, 3, 301, dtype=np.float32)[None]

    colours = hdrsheet.false_colour(gained_ev, 3.0, np.zeros((1, 301, 3), np.uint8)).astype(int)

    np.testing.assert_array_equal(
        colours[0, [60, 180, 300]], [(104, 40, 150), (240, 128, 32), (255, 255, 255)]
    )
    assert np.array_equal(colours[0, 0], (0, 0, 0))


def test_added_ev_is_of_luminance_and_never_negative():
    light = scenes.patches(4)

    np.testing.assert_allclose(hdrsheet.added_ev(light, light * 4), 2.0, atol=1e-5)
    np.testing.assert_array_equal(hdrsheet.added_ev(light, light / 2), 0.0)


def test_wide_colours_are_shown_in_those_of_the_sheet():
    sheet = hdrsheet.sheet_of(BEFORE * np.float32([1, 0.2, 0.2]), AFTER, Profile.DISPLAY_P3)

    expected = shown(convert(BEFORE * np.float32([1, 0.2, 0.2]), Profile.DISPLAY_P3, Profile.SRGB))
    np.testing.assert_array_equal(panel(sheet, 0, (300, 400)), expected)


@pytest.mark.parametrize(
    ("shape", "small"), [((1300, 640), (640, 315)), ((2, 40_000), (1, 640)), ((1, 1), (1, 1))]
)
def test_a_panel_is_at_most_640_pixels_long_and_never_enlarged(shape, small):
    light = np.full((*shape, 3), 0.5, np.float32)

    sheet = hdrsheet.sheet_of(light, light.astype(np.float16), Profile.SRGB)

    np.testing.assert_array_equal(panel(sheet, 0, small), shown(np.full((*small, 3), 0.5, np.float32)))
    assert max(sheet.shape[:2]) <= 3 * 640 + 100


def test_the_sheet_is_a_png_that_replaces_nothing(tmp_path):
    path = tmp_path / "sheet.png"

    hdrsheet.write_sheet(BEFORE, AFTER, Profile.SRGB, path, overwrite=False)
    with pytest.raises(OutputExistsError):
        hdrsheet.write_sheet(BEFORE, AFTER, Profile.SRGB, path, overwrite=False)

    image = read_image(path)
    np.testing.assert_array_equal(image.pixels, hdrsheet.sheet_of(BEFORE, AFTER, Profile.SRGB))
