import json
import shutil
import subprocess

import numpy as np
import PIL.Image
import pytest
import tifffile

from rawtool.color.spaces import icc_profile
from rawtool.errors import UnsupportedFormatError
from rawtool.frames import Image, Provenance
from rawtool.io.encode import write_image
from rawtool.io.encodeoptions import EncodeOptions
from rawtool.io.image import read_image
from rawtool.io.samples import ALPHA_DROPPED
from rawtool.io.tiffpicture import read_picture
from rawtool.vocabulary import Format, Profile, Space
from tests.io.material import capture

RGB = np.random.default_rng(2).integers(0, 256, (6, 9, 3)).astype(np.uint8)
LIGHT = (np.random.default_rng(5).random((40, 50, 3)) ** 8 * 900 - 0.01).astype(np.float32)
FLOAT = EncodeOptions(Format.TIFF, is_float=True)


@pytest.fixture
def written(tmp_path):
    icc = icc_profile(Profile.LINEAR_SRGB)
    who = Provenance("rawtool 9")
    image = Image(LIGHT, Space.SCENE_LINEAR, Profile.LINEAR_SRGB, capture(), who, icc, white_nits=203.0)
    write_image(image, tmp_path / "a.tiff", FLOAT)
    return tmp_path / "a.tiff"


def test_scene_light_is_kept_to_the_last_bit(written):
    found = read_image(written)

    assert (found.space, found.profile) == (Space.SCENE_LINEAR, Profile.LINEAR_SRGB)
    np.testing.assert_array_equal(found.pixels, LIGHT)
    np.testing.assert_array_equal(tifffile.imread(written), LIGHT)


def test_scene_light_needs_no_profile_to_be_light(tmp_path):
    write_image(Image(LIGHT, Space.SCENE_LINEAR, Profile.LINEAR_SRGB), tmp_path / "a.tiff", FLOAT)

    assert read_image(tmp_path / "a.tiff").space is Space.SCENE_LINEAR


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not here")
def test_exiftool_reads_profile_and_capture(written):
    said = subprocess.run(["exiftool", "-j", "-G1", written], capture_output=True, check=True)
    (found,) = json.loads(said.stdout)

    assert found["ICC_Profile:ProfileDescription"] == "Linear sRGB"
    assert (found["IFD0:SampleFormat"], found["IFD0:Make"]) == ("Float; Float; Float", "Acme")


@pytest.mark.skipif(not shutil.which("identify"), reason="ImageMagick is not here")
def test_imagemagick_takes_it(written):
    said = subprocess.run(["identify", written], capture_output=True, check=True, text=True)

    assert "TIFF 50x40" in said.stdout


def test_floats_with_the_profile_of_a_display_are_codes(tmp_path):
    image = Image(LIGHT, Space.DISPLAY, Profile.DISPLAY_P3, icc=icc_profile(Profile.DISPLAY_P3))
    write_image(image, tmp_path / "a.tiff", FLOAT)
    found = read_image(tmp_path / "a.tiff")

    assert (found.space, found.profile) == (Space.DISPLAY, Profile.DISPLAY_P3)


@pytest.mark.parametrize("extra", ["unassalpha", "assocalpha"])
def test_alpha_is_dropped_and_the_user_hears_of_it(tmp_path, extra):
    rgba = np.dstack([RGB, RGB[..., 0]])
    tifffile.imwrite(tmp_path / "a.tif", rgba, photometric="rgb", extrasamples=[extra])
    found = read_picture(tmp_path / "a.tif")

    np.testing.assert_array_equal(found.pixels, RGB)
    assert found.warnings == (ALPHA_DROPPED,)


def test_planes_are_put_together(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(RGB, 2, 0), photometric="rgb", planarconfig="separate")

    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").pixels, RGB)


def test_white_may_be_zero(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", RGB[..., 0], photometric="miniswhite")

    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").pixels, 255 - RGB[..., 0])


@pytest.mark.parametrize(("mode", "word"), [("CMYK", "CMYK"), ("P", "a palette"), ("LAB", "Lab")])
def test_other_kinds_are_refused_by_name(tmp_path, mode, word):
    PIL.Image.new(mode, (8, 8)).save(tmp_path / "a.tif")

    with pytest.raises(UnsupportedFormatError, match=f"a TIFF in {word} is not supported"):
        read_picture(tmp_path / "a.tif")
