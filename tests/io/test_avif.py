import json
import shutil
import struct
import subprocess

import imagecodecs
import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from rawtool.color.spaces import icc_profile
from rawtool.errors import CorruptFileError, UnsupportedFormatError, UsageError
from rawtool.io.boxes import box
from rawtool.io.encode import write_image
from rawtool.io.encodeoptions import EncodeOptions
from rawtool.io.heif import loads
from rawtool.io.image import read_image
from rawtool.io.samples import ALPHA_DROPPED
from rawtool.vocabulary import Format, Profile, Space
from tests.io.hdrpictures import LIGHT, off_by, pq_picture

RGB = np.random.default_rng(2).integers(0, 256, (6, 9, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("avif") / "a.avif"
    write_image(pq_picture(), path, EncodeOptions(Format.AVIF))
    return path


@pytest.mark.parametrize(
    ("options", "mean", "most"),
    [
        (EncodeOptions(Format.AVIF), 0.02, 0.12),
        (EncodeOptions(Format.AVIF, quality=100), 0.006, 0.03),
        (EncodeOptions(Format.AVIF, quality=100, bit_depth=12), 0.002, 0.01),
    ],
    ids=str,
)
def test_light_comes_back_within_what_quality_and_bits_keep(tmp_path, options, mean, most):
    write_image(pq_picture(), tmp_path / "a.avif", options)
    found = read_image(tmp_path / "a.avif")

    assert (found.space, found.profile, found.warnings) == (Space.PQ, Profile.REC2020, ())
    assert off_by(found).mean() < mean
    assert off_by(found).max() < most


def test_the_file_says_pq_of_rec2020_in_full_range_and_how_bright_it_gets(written):
    container = loads(written.read_bytes())
    light = struct.unpack(">2H", container.stated(b"clli"))

    assert container.stated(b"colr") == b"nclx" + struct.pack(">3HB", 9, 16, 9, 0x80)
    assert light == (round(LIGHT.most_nits), round(LIGHT.mean_nits))


def test_capture_and_maker_travel(written):
    found = read_image(written).capture

    assert (found.make, found.model, found.iso, found.f_number) == ("Acme", "Box 1", 200, 2.8)
    assert b"hdr-s@1 sha256:abab" in found.xmp


def test_pillow_opens_it_with_its_exif(written):
    with PIL.Image.open(written) as picture:
        assert picture.size == (80, 48)
        assert picture.getexif()[271] == "Acme"


@pytest.fixture
def avifdec():
    return shutil.which("avifdec") or pytest.skip("avifdec is not here")


def test_avifdec_decodes_the_same_codes(written, avifdec, tmp_path):
    said = subprocess.run([avifdec, "--info", written], capture_output=True, check=True, text=True).stdout
    subprocess.run([avifdec, "-d", "16", written, tmp_path / "a.png"], capture_output=True, check=True)
    codes = imagecodecs.png_decode((tmp_path / "a.png").read_bytes())

    for line in ("Bit Depth      : 10", "Range          : Full", "Color Primaries: 9", "Transfer Char. : 16"):
        assert line in said
    assert "Matrix Coeffs. : 9" in said
    np.testing.assert_allclose(codes / 65535, read_image(written).pixels, atol=1.5 / 1023)


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not here")
def test_exiftool_reads_colour_exif_and_xmp(written):
    said = subprocess.run(["exiftool", "-j", "-G1", "-n", written], capture_output=True, check=True).stdout
    (found,) = json.loads(said)

    assert (found["QuickTime:ColorPrimaries"], found["QuickTime:TransferCharacteristics"]) == (9, 16)
    assert (found["IFD0:Make"], found["ExifIFD:ISO"], found["XMP-rawtool:Software"]) == (
        "Acme",
        200,
        "rawtool 9",
    )


def test_one_channel_is_written_and_read(tmp_path):
    image = pq_picture()
    write_image(pq_picture(), tmp_path / "rgb.avif", EncodeOptions(Format.AVIF))
    grey = type(image)(image.pixels[..., 1], Space.PQ, Profile.REC2020)
    write_image(grey, tmp_path / "a.avif", EncodeOptions(Format.AVIF, quality=100))

    np.testing.assert_allclose(read_image(tmp_path / "a.avif").pixels, grey.pixels, atol=1 / 1023)


def test_a_picture_without_facts_is_written(tmp_path):
    bare = pq_picture(capture=None, provenance=None, content_light=None)
    write_image(bare, tmp_path / "a.avif", EncodeOptions(Format.AVIF))

    assert read_image(tmp_path / "a.avif").capture is None


@pytest.mark.parametrize(
    ("stated", "space", "profile"),
    [
        ({"primaries": 1, "transfer": 13}, Space.DISPLAY, Profile.SRGB),
        ({"primaries": 12, "transfer": 13}, Space.DISPLAY, Profile.DISPLAY_P3),
        ({}, Space.DISPLAY, Profile.SRGB),
    ],
)
def test_display_encoded_pictures_of_others_are_read(tmp_path, stated, space, profile):
    (tmp_path / "a.avif").write_bytes(imagecodecs.avif_encode(RGB, 100, **stated))
    found = read_image(tmp_path / "a.avif")

    assert (found.space, found.profile) == (space, profile)
    np.testing.assert_allclose(found.pixels.astype(int), RGB, atol=2)


def test_an_embedded_profile_is_honoured(tmp_path):
    PIL.Image.fromarray(RGB).save(
        tmp_path / "a.avif", icc_profile=icc_profile(Profile.ADOBE_RGB), quality=100
    )

    assert read_image(tmp_path / "a.avif").profile is Profile.ADOBE_RGB


def test_alpha_is_dropped_and_the_user_hears_of_it(tmp_path):
    PIL.Image.fromarray(np.dstack([RGB, RGB[..., 0]])).save(tmp_path / "a.avif")
    found = read_image(tmp_path / "a.avif")

    assert found.pixels.shape == (6, 9, 3)
    assert found.warnings == (ALPHA_DROPPED,)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
def test_stored_turns_are_made_upright_as_pillow_makes_them(tmp_path, orientation):
    stored = np.zeros((24, 16, 3), np.uint8)
    stored[:8, :8, 0], stored[-8:, :8, 1] = 255, 255
    exif = PIL.Image.Exif()
    exif[274] = orientation
    PIL.Image.fromarray(stored).save(tmp_path / "a.avif", exif=exif, quality=100)
    with PIL.Image.open(tmp_path / "a.avif") as picture:
        expected = np.asarray(PIL.ImageOps.exif_transpose(picture), int)

    np.testing.assert_allclose(read_image(tmp_path / "a.avif").pixels, expected, atol=3)


def test_hlg_is_refused_in_one_line(tmp_path):
    (tmp_path / "a.avif").write_bytes(imagecodecs.avif_encode(RGB, primaries=9, transfer=18))

    with pytest.raises(UnsupportedFormatError, match="HLG"):
        read_image(tmp_path / "a.avif")


def test_a_cut_file_and_one_without_a_picture_are_damage(written, tmp_path):
    content = written.read_bytes()
    for damaged in (
        content[:-200],
        content[:100],
        content.replace(b"av1C", b"free"),
        content[:32] + box(b"meta"),
    ):
        (tmp_path / "a.avif").write_bytes(damaged)
        with pytest.raises(CorruptFileError):
            read_image(tmp_path / "a.avif")


@pytest.mark.parametrize("changed", [{"space": Space.DISPLAY}, {"space": Space.SCENE_LINEAR}])
def test_only_pq_is_written(tmp_path, changed):
    image = type(pq_picture())(RGB, changed["space"])

    with pytest.raises(UsageError, match="HDR light only"):
        write_image(image, tmp_path / "a.avif", EncodeOptions(Format.AVIF))
