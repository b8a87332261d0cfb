"""What a finished picture is before its light is reconstructed, and what is refused at the door."""

import numpy as np
import PIL.Image
import pytest

from rawtool.color.spaces import icc_profile
from rawtool.errors import CorruptFileError, InputError, UnsupportedFormatError
from rawtool.frames import Image
from rawtool.io.dng import write_dng
from rawtool.io.encode import write_image
from rawtool.io.encodeoptions import EncodeOptions
from rawtool.pipelines.ldr import NO_PROFILE, Ldr, read_ldr
from rawtool.vocabulary import Format, Profile, Space
from tests import raws, scenes

CODES = np.random.default_rng(1).integers(0, 256, (12, 20, 3), dtype=np.uint8)


def saved(path, codes=CODES, profile=Profile.SRGB, **said):
    icc = None if profile is None else icc_profile(profile)
    PIL.Image.fromarray(codes).save(path, icc_profile=icc, **said)
    return path


@pytest.mark.parametrize("profile", [Profile.SRGB, Profile.DISPLAY_P3, Profile.ADOBE_RGB])
def test_the_files_own_profile_says_what_its_codes_mean(profile, tmp_path):
    ldr = read_ldr(saved(tmp_path / "a.png", profile=profile))

    assert (ldr.profile, ldr.warnings, ldr.shape) == (profile, (), (12, 20))
    np.testing.assert_array_equal(ldr.codes, CODES)


def test_without_a_profile_srgb_is_assumed_and_said_once(tmp_path):
    path = saved(tmp_path / "a.png", profile=None)

    assert (read_ldr(path).profile, read_ldr(path).warnings) == (Profile.SRGB, (NO_PROFILE,))
    assert read_ldr(path, Profile.SRGB).warnings == ()


@pytest.mark.parametrize("profile", [Profile.SRGB, Profile.ADOBE_RGB, Profile.LINEAR_SRGB])
def test_the_users_word_stands_for_the_files(profile, tmp_path):
    assert read_ldr(saved(tmp_path / "a.png", profile=Profile.DISPLAY_P3), profile).profile is profile


def test_16_bits_and_grey_stay_what_they_are(tmp_path):
    deep = (CODES[..., 0].astype(np.uint16) << 8) + 7

    ldr = read_ldr(saved(tmp_path / "a.png", deep, None))

    assert (ldr.codes.dtype, ldr.codes.ndim) == (np.uint16, 2)
    np.testing.assert_array_equal(ldr.codes, deep)


def test_alpha_is_left_out_and_said(tmp_path):
    ldr = read_ldr(saved(tmp_path / "a.png", np.dstack([CODES, CODES[..., 0]])))

    assert ldr.codes.shape == (12, 20, 3)
    assert any("transparency" in warning for warning in ldr.warnings)


def test_a_turned_picture_stands_upright(tmp_path):
    exif = PIL.Image.Exif()
    exif[274] = 6

    ldr = read_ldr(saved(tmp_path / "a.png", exif=exif))

    np.testing.assert_array_equal(ldr.codes, np.rot90(CODES, -1))


def test_the_bytes_of_an_upright_jpeg_are_kept_when_they_are_asked_for(tmp_path):
    jpeg, png = saved(tmp_path / "a.jpg"), saved(tmp_path / "a.png")

    assert read_ldr(jpeg, keeps_jpeg=True).jpeg == jpeg.read_bytes()
    assert read_ldr(jpeg).jpeg is None
    assert read_ldr(png, keeps_jpeg=True).jpeg is None


def test_a_jpeg_whose_colours_are_others_than_it_says_is_not_kept(tmp_path):
    path = saved(tmp_path / "a.jpg")

    assert read_ldr(path, Profile.SRGB, keeps_jpeg=True).jpeg is not None
    assert read_ldr(path, Profile.ADOBE_RGB, keeps_jpeg=True).jpeg is None


def test_what_the_camera_wrote_travels_along(tmp_path):
    exif = PIL.Image.Exif()
    exif[271] = "Acme"

    assert read_ldr(saved(tmp_path / "a.jpg", exif=exif)).capture.make == "Acme"


def written(path, kind, space=Space.SCENE_LINEAR, profile=Profile.LINEAR_SRGB, **said):
    if kind is Format.EXR:
        pytest.importorskip("OpenEXR")
    image = Image(scenes.patches(4) / 2, space, profile)
    write_image(image, path, EncodeOptions(kind, **said))
    return path


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("a.exr", Format.EXR, {}),
        ("a.hdr", Format.RADIANCE, {}),
        ("a.tif", Format.TIFF, {"bit_depth": 32, "is_float": True}),
        ("a.png", Format.PNG, {"space": Space.PQ, "profile": Profile.REC2020}),
        ("a.avif", Format.AVIF, {"space": Space.PQ, "profile": Profile.REC2020}),
    ],
)
def test_what_is_hdr_already_is_refused(name, kind, said, tmp_path):
    path = written(tmp_path / name, kind, **said)

    with pytest.raises(UnsupportedFormatError, match="the picture is HDR already"):
        read_ldr(path)


def test_a_raw_file_is_refused_with_the_command_that_takes_it(tmp_path):
    path = tmp_path / "a.dng"
    write_dng(raws.photograph(scenes.grey(16, 16)), path)

    with pytest.raises(UnsupportedFormatError, match=r"raw file.*rawtool develop"):
        read_ldr(path)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_is_refused(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    PIL.Image.new("CMYK", (16, 16)).save(path)

    with pytest.raises(UnsupportedFormatError, match=r"CMYK is not supported; export it as RGB"):
        read_ldr(path)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_a_jpeg_that_is_cut_short_is_damaged(share, tmp_path):
    path = saved(tmp_path / "a.jpg", np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])

    with pytest.raises((CorruptFileError, UnsupportedFormatError)):
        read_ldr(path)


def test_floating_point_is_cut_to_what_a_display_shows(tmp_path):
    path = tmp_path / "a.tif"
    pixels = np.linspace(-0.5, 1.5, 300, dtype=np.float32).reshape(10, 10, 3)
    image = Image(pixels, Space.DISPLAY, Profile.SRGB, icc=icc_profile(Profile.SRGB))
    write_image(image, path, EncodeOptions(Format.TIFF, bit_depth=32, is_float=True))

    np.testing.assert_array_equal(read_ldr(path).codes, np.clip(pixels, 0, 1))


def test_values_that_are_not_numbers_are_damage(tmp_path, monkeypatch):
    pixels = np.full((4, 4, 3), np.nan, np.float32)
    monkeypatch.setattr("rawtool.pipelines.ldr.read_image", lambda path: Image(pixels, Space.DISPLAY))

    with pytest.raises(CorruptFileError, match="not numbers"):
        read_ldr(tmp_path / "a.tif")


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_ldr(tmp_path / "a.jpg")


@pytest.mark.parametrize("codes", [CODES, CODES.astype(np.uint16) * 257, (CODES / 255).astype(np.float32)])
def test_values_of_a_curve_are_the_same_from_every_kind_of_codes(codes):
    values = Ldr(codes, Profile.SRGB).values(lambda fractions: fractions**2 + 1)

    np.testing.assert_allclose(values(codes[2:5, 3:9]), (CODES[2:5, 3:9] / 255.0) ** 2 + 1, rtol=1e-6)


def test_values_lie_in_planes_as_networks_take_them():
    for codes in (CODES, CODES[..., 0]):
        values = Ldr(codes, Profile.SRGB).values(np.sqrt)(codes)

        assert (values.shape, values.strides[1]) == ((12, 20, 3), 4)
