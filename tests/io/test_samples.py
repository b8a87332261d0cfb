import numpy as np
import pytest

from rawtool.errors import CorruptFileError, UnsupportedFormatError
from rawtool.frames import Image
from rawtool.io.samples import check_size, has_alpha, plain, quantised, without_alpha
from rawtool.vocabulary import Space


def picture(pixels):
    return Image(pixels, Space.DISPLAY)


@pytest.mark.parametrize(
    ("pixels", "bits", "expected"),
    [
        (np.float32([-1.0, 0.0, 0.5, 1.0, 7.0]), 8, [0, 0, 128, 255, 255]),
        (np.float32([-1.0, 0.25, 2.0]), 16, [0, 16384, 65535]),
        (np.uint8([0, 1, 255]), 16, [0, 257, 65535]),
        (np.uint16([0, 257, 65535]), 8, [0, 1, 255]),
        (np.uint8([3]), 8, [3]),
    ],
)
def test_values_are_rounded_to_codes_and_clipped(pixels, bits, expected):
    found = quantised(picture(pixels.reshape(1, -1)), bits)

    np.testing.assert_array_equal(found.ravel(), expected)


def test_codes_of_other_depths_have_their_own_top():
    found = quantised(picture(np.float32([[0.0, 0.5, 1.0]])), 10)

    np.testing.assert_array_equal(found, [[0, 512, 1023]])
    assert found.dtype == np.uint16


def test_sixteen_bit_codes_are_scaled_down_to_ten():
    np.testing.assert_array_equal(quantised(picture(np.uint16([[0, 32768, 65535]])), 10), [[0, 512, 1023]])


@pytest.mark.parametrize("bits", [8, 10, 16])
def test_the_picture_given_is_not_changed(bits):
    pixels = np.float32([[-1.0, 0.3, 4.0]])
    quantised(picture(pixels), bits)

    np.testing.assert_array_equal(pixels, np.float32([[-1.0, 0.3, 4.0]]))


@pytest.mark.parametrize(
    ("channels", "kept", "has"), [(1, 0, False), (2, 0, True), (3, 3, False), (4, 3, True)]
)
def test_alpha_is_the_second_or_fourth_channel(channels, kept, has):
    pixels = np.zeros((2, 3, channels), np.uint8)

    assert without_alpha(pixels).shape == ((2, 3, kept) if kept else (2, 3))
    assert has_alpha(pixels) is has


def test_one_plane_has_no_alpha():
    assert not has_alpha(np.zeros((2, 4), np.uint8))
    assert without_alpha(np.zeros((2, 4), np.uint8)).shape == (2, 4)


@pytest.mark.parametrize(
    ("given", "found"), [("u1", "u1"), ("u2", "u2"), ("f2", "f4"), ("f4", "f4"), ("f8", "f4")]
)
def test_samples_are_whole_codes_or_float32(given, found):
    assert plain(np.zeros((2, 2), given)).dtype == np.dtype(found)


@pytest.mark.parametrize("kind", ["i2", "u4", "?"])
def test_other_samples_are_refused(kind):
    with pytest.raises(UnsupportedFormatError, match="samples of type"):
        plain(np.zeros((2, 2), kind))


@pytest.mark.parametrize("size", [(0, 5), (1 << 16, 1 << 15)])
def test_sizes_that_cannot_be_are_damage(size):
    with pytest.raises(CorruptFileError):
        check_size(*size)
    check_size(1 << 15, 1 << 15)
