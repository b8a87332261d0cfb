import numpy as np
import PIL.Image
import pytest

from rawtool.io.samples import ALPHA_DROPPED
from rawtool.io.webp import read_webp
from rawtool.vocabulary import Profile, Space

RGB = np.random.default_rng(2).integers(0, 256, (6, 9, 3)).astype(np.uint8)


def test_pixels_are_read(tmp_path):
    PIL.Image.fromarray(RGB).save(tmp_path / "a.webp", lossless=True)
    found = read_webp(tmp_path / "a.webp")

    assert (found.space, found.profile, found.warnings) == (Space.DISPLAY, Profile.SRGB, ())
    np.testing.assert_array_equal(found.pixels, RGB)


def test_alpha_is_dropped_and_the_user_hears_of_it(tmp_path):
    PIL.Image.fromarray(np.dstack([RGB, RGB[..., 0]])).save(tmp_path / "a.webp", lossless=True, exact=True)
    found = read_webp(tmp_path / "a.webp")

    assert found.warnings == (ALPHA_DROPPED,)
    np.testing.assert_array_equal(found.pixels, RGB)


def test_of_a_moving_picture_the_first_is_read(tmp_path):
    first, second = (PIL.Image.fromarray(codes) for codes in (RGB, 255 - RGB))
    first.save(tmp_path / "a.webp", save_all=True, append_images=[second], lossless=True)

    np.testing.assert_array_equal(read_webp(tmp_path / "a.webp").pixels, RGB)


def test_other_files_are_no_webp(tmp_path):
    PIL.Image.fromarray(RGB).save(tmp_path / "a.png")

    with pytest.raises(OSError, match="cannot identify"):
        read_webp(tmp_path / "a.png")
