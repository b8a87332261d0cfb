import shutil
import subprocess

import imagecodecs
import numpy as np
import pytest

from rawtool.errors import UsageError
from rawtool.frames import Image, Provenance
from rawtool.io.encode import write_image
from rawtool.io.encodeoptions import EncodeOptions
from rawtool.io.image import read_image
from rawtool.vocabulary import Format, Profile, Space

# Nineteen decades of light, in hues from grey to one pure primary.
_SCALE = np.geomspace(1e-9, 1e10, 40 * 50).reshape(40, 50, 1)
_HUES = np.random.default_rng(4).random((40, 50, 3)) ** np.linspace(0, 6, 50)[None, :, None]
LIGHT = (_SCALE * _HUES).astype(np.float32)
WHO = Provenance("rawtool 9", (("hdr-s@1", "ab" * 32),), "n")
RADIANCE = EncodeOptions(Format.RADIANCE)


def written(path, pixels=LIGHT, profile=Profile.LINEAR_SRGB, **facts):
    write_image(Image(pixels, Space.SCENE_LINEAR, profile, **facts), path, RADIANCE)
    return path


def step_of(light):
    """One step of the eight bits: of the power of two above the brightest channel."""
    return 2.0 ** (np.floor(np.log2(light.max(axis=2, keepdims=True).astype(float))) - 7)


def test_light_is_rounded_to_the_step_of_the_brightest_channel(tmp_path):
    found = read_image(written(tmp_path / "a.hdr"))
    error = (found.pixels.astype(float) - LIGHT) / step_of(LIGHT)

    assert (found.space, found.profile) == (Space.SCENE_LINEAR, Profile.LINEAR_SRGB)
    # What would round to 256 takes the next power of two, whose steps are twice as large.
    assert np.quantile(np.abs(error), 0.99) <= 0.5
    assert np.abs(error).max() <= 1
    is_brightest = LIGHT.max(axis=2, keepdims=True) <= LIGHT
    assert np.abs(error[is_brightest]).max() <= 0.5
    assert abs(error.mean()) < 0.02


def test_another_reader_finds_the_same_light(tmp_path):
    content = written(tmp_path / "a.hdr").read_bytes()

    np.testing.assert_array_equal(imagecodecs.rgbe_decode(content), read_image(tmp_path / "a.hdr").pixels)


@pytest.mark.skipif(not shutil.which("identify"), reason="ImageMagick is not here")
def test_imagemagick_takes_it(tmp_path):
    said = subprocess.run(
        ["identify", written(tmp_path / "a.hdr")], capture_output=True, text=True, check=False
    )

    assert (said.returncode, said.stderr) == (0, "")
    assert "HDR 50x40" in said.stdout


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not here")
def test_exiftool_reads_the_header(tmp_path):
    path = written(tmp_path / "a.hdr", profile=Profile.REC2020, provenance=WHO, white_nits=203.0)
    said = subprocess.run(["exiftool", "-s", path], capture_output=True, check=True, text=True).stdout

    assert "ColorPrimaries                  : 0.708 0.292 0.17 0.797 0.131 0.046 0.3127 0.329" in said
    assert "Software                        : rawtool 9" in said
    assert f"hdr-s@1 sha256:{'ab' * 32}" in (tmp_path / "a.hdr").read_text("latin-1")


def test_format_is_the_last_line_of_a_header_of_short_lines(tmp_path):
    who = Provenance("r" * 300, (("n" * 200, "ab" * 32),))
    content = written(tmp_path / "a.hdr", provenance=who, white_nits=100.0).read_bytes()
    lines = content.partition(b"\n\n")[0].split(b"\n")

    assert (lines[0], lines[-1]) == (b"#?RADIANCE", b"FORMAT=32-bit_rle_rgbe")
    assert b"# 1.0 is 100 cd/m2" in lines
    assert max(len(line) for line in lines) < 128


@pytest.mark.parametrize(
    "profile", [Profile.LINEAR_SRGB, Profile.DISPLAY_P3, Profile.ADOBE_RGB, Profile.REC2020]
)
def test_primaries_are_read_back(tmp_path, profile):
    assert read_image(written(tmp_path / "a.hdr", profile=profile)).profile is profile


@pytest.mark.parametrize("line", [b"", b"PRIMARIES=some\n", b"EXPOSURE=2\n"])
def test_files_of_others_without_usable_primaries_are_rec709(tmp_path, line):
    content = bytes(imagecodecs.rgbe_encode(LIGHT)).replace(b"FORMAT", line + b"FORMAT", 1)
    (tmp_path / "a.hdr").write_bytes(content)

    assert read_image(tmp_path / "a.hdr").profile is Profile.LINEAR_SRGB


def test_one_channel_becomes_three_and_negative_light_black(tmp_path):
    pixels = np.float32([[-1, 0, 0.5], [1, 2, 1e-40]])
    found = read_image(written(tmp_path / "a.hdr", pixels)).pixels

    np.testing.assert_allclose(found, np.repeat(np.float32([[0, 0, 0.5], [1, 2, 0]])[..., None], 3, axis=2))


def test_half_floats_are_taken_as_they_are(tmp_path):
    found = read_image(written(tmp_path / "a.hdr", np.float16([[[0.5, 2, 60000]]]))).pixels

    np.testing.assert_allclose(found, [[[0, 0, 59904]]])


@pytest.mark.parametrize("width", [1, 7, 8, 300])
def test_no_pixel_is_taken_for_the_mark_of_a_packed_line(tmp_path, width):
    codes = np.random.default_rng(9).integers(0, 256, (64, width, 3))
    light = codes.astype(np.float32) / 128
    found = read_image(written(tmp_path / "a.hdr", light)).pixels

    np.testing.assert_allclose(found, light, atol=1 / 128)


def test_display_codes_are_refused(tmp_path):
    with pytest.raises(UsageError, match="HDR light only"):
        write_image(Image(LIGHT, Space.DISPLAY), tmp_path / "a.hdr", RADIANCE)
