"""Any picture becomes linear light."""

import numpy as np
import PIL.Image
import pytest

from rawtool.errors import InputError
from rawtool.training.pictures import read_linear
from tests.training.material import painted, write_png, write_radiance


def test_a_photograph_is_decoded_from_srgb(tmp_path):
    light = painted(1, 16, 32)
    write_png(tmp_path / "a.png", light)

    np.testing.assert_allclose(read_linear(tmp_path / "a.png"), light, atol=0.006)


def test_middle_grey_of_srgb_is_a_fifth_of_white(tmp_path):
    PIL.Image.fromarray(np.full((4, 4), 118, np.uint8)).save(tmp_path / "grey.png")

    # IEC 61966-2-1: ((118 / 255 + 0.055) / 1.055) ** 2.4.
    np.testing.assert_allclose(read_linear(tmp_path / "grey.png"), np.full((4, 4, 3), 0.181164), atol=1e-5)


def test_an_hdr_picture_stays_as_it_is(tmp_path):
    light = painted(2, 16, 32) * np.float32(40)
    write_radiance(tmp_path / "a.hdr", light)

    np.testing.assert_allclose(read_linear(tmp_path / "a.hdr"), light, atol=0.01 * light.max())


def test_what_is_no_picture_is_an_error_for_the_user(tmp_path):
    (tmp_path / "a.png").write_text("no picture")

    with pytest.raises(InputError):
        read_linear(tmp_path / "a.png")
