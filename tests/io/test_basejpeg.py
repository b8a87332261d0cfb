import numpy as np
import PIL.Image
import pytest

from rawtool.color.spaces import icc_profile
from rawtool.errors import InputError
from rawtool.io.basejpeg import read_base
from rawtool.vocabulary import Profile
from tests.io.jpegs import jpeg, with_application
from tests.io.profiles import PROPHOTO, SRGB_22, icc_with
from tests.io.test_exifsource import interoperable


def saved(path, orientation=None, **said):
    exif = PIL.Image.Exif()
    if orientation is not None:
        exif[274] = orientation
    PIL.Image.fromarray(np.full((8, 12, 3), 90, np.uint8)).save(path, exif=exif, **said)
    return path


@pytest.mark.parametrize("orientation", [None, 1])
def test_an_upright_jpeg_is_a_base_byte_for_byte(orientation, tmp_path):
    path = saved(tmp_path / "a.jpg", orientation)

    assert read_base(path) == path.read_bytes()


@pytest.mark.parametrize("orientation", [2, 3, 4, 5, 6, 7, 8])
def test_a_jpeg_that_viewers_turn_is_none(orientation, tmp_path):
    assert read_base(saved(tmp_path / "a.jpg", orientation)) is None


@pytest.mark.parametrize("profile", [Profile.SRGB, Profile.DISPLAY_P3, Profile.ADOBE_RGB, Profile.REC2020])
def test_a_named_profile_says_what_the_colours_are(profile, tmp_path):
    assert read_base(saved(tmp_path / "a.jpg", icc_profile=icc_profile(profile))) is not None


@pytest.mark.parametrize("icc", [icc_with(PROPHOTO), icc_with(SRGB_22), b"none"])
def test_a_profile_without_a_name_is_none(icc, tmp_path):
    assert read_base(saved(tmp_path / "a.jpg", icc_profile=icc)) is None


def test_adobe_rgb_that_only_exif_names_is_none(tmp_path):
    plain = jpeg(np.full((8, 12, 3), 90, np.uint8), exif=None, icc=None)
    path = tmp_path / "a.jpg"
    path.write_bytes(with_application(plain, b"Exif\0\0", interoperable(b"R03\0"), marker=0xE1))

    assert read_base(path) is None


def test_a_grey_jpeg_is_none(tmp_path):
    PIL.Image.new("L", (8, 8)).save(tmp_path / "a.jpg")

    assert read_base(tmp_path / "a.jpg") is None


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_other_files_are_none(suffix, tmp_path):
    assert read_base(saved(tmp_path / f"a{suffix}")) is None


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(InputError, match="cannot be read: no such file"):
        read_base(tmp_path / "missing.jpg")
