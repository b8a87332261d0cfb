import numpy as np
import pytest

from rawtool.io.orientation import upright

# Where the stored pixel at the top left must go, by EXIF's own words: (row, column) in a 2 x 3 picture.
PLACES = {1: (0, 0), 2: (0, 2), 3: (1, 2), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (2, 1), 8: (2, 0)}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_first_stored_pixel_goes_where_exif_says(orientation):
    pixels = np.arange(6).reshape(2, 3)
    turned = upright(pixels, orientation)

    assert turned.shape == ((2, 3) if orientation < 5 else (3, 2))
    assert turned[PLACES[orientation]] == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_mirrored_numbers_differ_from_turned_ones(orientation):
    pixels = np.arange(6).reshape(2, 3)
    turned = upright(pixels, orientation)
    corners = turned[0, 0], turned[0, -1], turned[-1, -1], turned[-1, 0]
    clockwise = [0, 2, 5, 3]
    start = clockwise.index(corners[0])
    is_rotation = list(corners) == clockwise[start:] + clockwise[:start]

    assert is_rotation == (orientation in (1, 3, 6, 8))


def test_channels_stay_last():
    assert upright(np.zeros((2, 3, 4)), 6).shape == (3, 2, 4)
