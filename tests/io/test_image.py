import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile

from rawtool.errors import CorruptFileError, InputError, UnsupportedFormatError
from rawtool.frames import Image
from rawtool.io.encode import EncodeOptions, write_image
from rawtool.io.image import read_image
from rawtool.vocabulary import Format, Profile, Space

RGB = np.random.default_rng(2).integers(0, 256, (6, 9, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_stored_turns_are_made_upright(tmp_path, name):
    flat = np.zeros((8, 24, 3), np.uint8)
    flat[:, :8] = 255
    exif = PIL.Image.Exif()
    exif[274] = 6
    PIL.Image.fromarray(flat).save(tmp_path / name, exif=exif)
    found = read_image(tmp_path / name).pixels

    assert found.shape == (24, 8, 3)
    assert found[:7].min() > 200
    assert found[9:].max() < 50


def test_a_turned_tiff_is_made_upright(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", RGB, photometric="rgb", extratags=[(274, 3, 1, 3)])

    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, RGB[::-1, ::-1])


def test_sixteen_bits_are_read_whole(tmp_path):
    deep = RGB.astype(np.uint16) * 200 + 3
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(deep))
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb", compression="zlib", predictor=True)

    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, deep)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, deep)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_alpha_is_dropped_and_grey_has_two_dimensions(tmp_path, channels):
    pixels = np.random.default_rng(3).integers(0, 256, (6, 9, channels)).astype(np.uint8)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(pixels.squeeze()))

    expected = pixels[..., :3] if channels == 4 else pixels[..., 0]
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, expected)


def test_a_palette_is_resolved(tmp_path):
    PIL.Image.fromarray(RGB).quantize(64).save(tmp_path / "a.png")

    assert np.abs(read_image(tmp_path / "a.png").pixels.astype(int) - RGB).mean() < 12


def test_floating_point_without_a_profile_is_scene_light(tmp_path):
    light = RGB.astype(np.float32) / 9
    tifffile.imwrite(tmp_path / "a.tif", light, photometric="rgb")
    found = read_image(tmp_path / "a.tif")

    assert (found.space, found.profile) == (Space.SCENE_LINEAR, Profile.LINEAR_SRGB)
    np.testing.assert_array_equal(found.pixels, light)


def test_radiance_is_scene_light(tmp_path):
    light = RGB.astype(np.float32) / 9 + 1
    (tmp_path / "a.hdr").write_bytes(imagecodecs.rgbe_encode(light))
    found = read_image(tmp_path / "a.hdr")

    assert found.space is Space.SCENE_LINEAR
    np.testing.assert_allclose(found.pixels, light, rtol=0.05, atol=0.15)


def test_openexr_is_scene_light_with_its_primaries(tmp_path):
    pytest.importorskip("OpenEXR")
    primaries = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290)
    light = Image(RGB.astype(np.float32), Space.SCENE_LINEAR)
    write_image(light, tmp_path / "a.exr", EncodeOptions(Format.EXR, chromaticities=primaries))
    found = read_image(tmp_path / "a.exr")

    assert (found.space, found.profile) == (Space.SCENE_LINEAR, Profile.DISPLAY_P3)
    np.testing.assert_array_equal(found.pixels, light.pixels)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_cut_file_is_damage(tmp_path, name, share):
    noise = np.random.default_rng(4).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    PIL.Image.fromarray(noise).save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(InputError):
        read_image(tmp_path / name)


def test_an_empty_file_is_damage(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")

    with pytest.raises(CorruptFileError, match="empty"):
        read_image(tmp_path / "a.jpg")


def test_other_files_are_named_unsupported(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"some text, no picture")

    with pytest.raises(UnsupportedFormatError):
        read_image(tmp_path / "a.jpg")


def test_a_print_jpeg_is_refused(tmp_path):
    PIL.Image.new("CMYK", (8, 8)).save(tmp_path / "a.jpg")

    with pytest.raises(UnsupportedFormatError, match="CMYK"):
        read_image(tmp_path / "a.jpg")


def test_a_file_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_image(tmp_path / "none.png")
