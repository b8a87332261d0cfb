import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile

from rawtool.color.spaces import icc_profile
from rawtool.errors import CorruptFileError, InputError, UnsupportedFormatError
from rawtool.frames import Image
from rawtool.io.encode import write_image
from rawtool.io.encodeoptions import EncodeOptions
from rawtool.io.image import read_image
from rawtool.io.samples import ALPHA_DROPPED
from rawtool.vocabulary import Format, Profile, Space
from tests.io.jpegs import with_application
from tests.io.test_exifsource import interoperable

RGB = np.random.default_rng(2).integers(0, 256, (6, 9, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.avif"])
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


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp", "a.avif"])
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


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_the_capture_is_read_from_every_format(tmp_path, name):
    exif = PIL.Image.Exif()
    exif[271], exif[272], exif[306] = "Acme", "Box 1", "2024:05:06 07:08:09"
    PIL.Image.fromarray(RGB).save(tmp_path / name, exif=exif)
    found = read_image(tmp_path / name).capture

    assert (found.make, found.model, found.taken_at) == ("Acme", "Box 1", "2024:05:06 07:08:09")


@pytest.mark.parametrize("profile", [Profile.DISPLAY_P3, Profile.ADOBE_RGB])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp", "a.avif"])
def test_the_embedded_profile_is_honoured_in_every_format(tmp_path, name, profile):
    PIL.Image.fromarray(RGB).save(tmp_path / name, icc_profile=icc_profile(profile))
    found = read_image(tmp_path / name)

    assert (found.profile, found.icc) == (profile, icc_profile(profile))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_alpha_is_dropped_in_every_format_and_the_user_hears_of_it(tmp_path, name):
    PIL.Image.fromarray(np.dstack([RGB, RGB[..., 0]])).save(tmp_path / name, lossless=True, exact=True)
    found = read_image(tmp_path / name)

    np.testing.assert_array_equal(found.pixels, RGB)
    assert found.warnings == (ALPHA_DROPPED,)


def named_by_exif(path, index, **said):
    PIL.Image.fromarray(RGB).save(path, **said)
    content = with_application(path.read_bytes(), b"Exif\0\0", interoperable(index), marker=0xE1)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("index", "profile"), [(b"R03\0", Profile.ADOBE_RGB), (b"R98\0", Profile.SRGB)])
def test_adobe_rgb_that_only_exif_names_is_honoured(tmp_path, index, profile):
    assert read_image(named_by_exif(tmp_path / "a.jpg", index)).profile is profile


def test_an_embedded_profile_counts_more_than_exif(tmp_path):
    path = named_by_exif(tmp_path / "a.jpg", b"R03\0", icc_profile=icc_profile(Profile.SRGB))

    assert read_image(path).profile is Profile.SRGB


@pytest.mark.parametrize("size", [(1, 1), (2, 400)])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_the_smallest_pictures_are_read(tmp_path, name, size):
    PIL.Image.fromarray(np.zeros((*size, 3), np.uint8)).save(tmp_path / name)

    assert read_image(tmp_path / name).pixels.shape == (*size, 3)


def test_a_print_jpeg_is_refused(tmp_path):
    PIL.Image.new("CMYK", (8, 8)).save(tmp_path / "a.jpg")

    with pytest.raises(UnsupportedFormatError, match="CMYK"):
        read_image(tmp_path / "a.jpg")


def test_a_file_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_image(tmp_path / "none.png")
