import shutil
import subprocess
import sys

import imagecodecs
import numpy as np
import pytest

from rawtool.errors import CorruptFileError, InputError, OutputError, UsageError
from rawtool.frames import Image
from rawtool.io.encode import write_image
from rawtool.io.encodeoptions import EncodeOptions
from rawtool.io.image import read_image
from rawtool.io.samples import ALPHA_DROPPED
from rawtool.vocabulary import Format, Profile, Space
from tests.io.hdrpictures import off_by, pq_picture

RGB = np.random.default_rng(2).integers(0, 256, (12, 19, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    pytest.importorskip("OpenImageIO")
    path = tmp_path_factory.mktemp("jxl") / "a.jxl"
    write_image(pq_picture(), path, EncodeOptions(Format.JXL))
    return path


def test_light_comes_back(written):
    found = read_image(written)

    assert (found.space, found.profile) == (Space.PQ, Profile.REC2020)
    assert off_by(found).mean() < 0.02


def test_quality_100_keeps_every_code(tmp_path, written):
    write_image(pq_picture(), tmp_path / "a.jxl", EncodeOptions(Format.JXL, quality=100))
    found = read_image(tmp_path / "a.jxl")

    np.testing.assert_array_equal(found.pixels, np.rint(pq_picture().pixels * np.float32(65535)))
    np.testing.assert_array_equal(imagecodecs.jpegxl_decode((tmp_path / "a.jxl").read_bytes()), found.pixels)


def test_capture_and_maker_travel(written):
    found = read_image(written).capture

    assert (found.make, found.model, found.iso) == ("Acme", "Box 1", 200)
    assert b"hdr-s@1 sha256:abab" in found.xmp


@pytest.mark.skipif(not shutil.which("jxlinfo"), reason="jxlinfo is not here")
def test_jxlinfo_sees_pq_of_rec2100(written):
    said = subprocess.run(["jxlinfo", "-v", written], capture_output=True, check=True, text=True).stdout

    assert "Rec.2100 primaries, PQ transfer function" in said
    assert "intensity_target: 10000" in said
    assert said.count("Exif metadata") == 1


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not here")
def test_exiftool_reads_exif_and_xmp(written):
    said = subprocess.run(
        ["exiftool", "-a", "-G1", "-s", written], capture_output=True, check=True, text=True
    ).stdout

    assert "[IFD0]          Make                            : Acme" in said
    assert "[XMP-rawtool]   Software                        : rawtool 9" in said


def test_one_channel_becomes_three(tmp_path, written):
    grey = Image(pq_picture().pixels[..., 1], Space.PQ, Profile.REC2020)
    write_image(grey, tmp_path / "a.jxl", EncodeOptions(Format.JXL, quality=100))
    found = read_image(tmp_path / "a.jxl")

    np.testing.assert_array_equal(found.pixels, np.repeat(found.pixels[..., :1], 3, axis=2))
    np.testing.assert_allclose(found.pixels[..., 0] / 65535, grey.pixels, atol=1 / 65535)


@pytest.mark.parametrize("has_container", [True, False])
def test_display_encoded_pictures_of_others_are_read(tmp_path, written, has_container):
    encoded = imagecodecs.jpegxl_encode(RGB, lossless=True, usecontainer=has_container)
    (tmp_path / "a.jxl").write_bytes(encoded)
    found = read_image(tmp_path / "a.jxl")

    assert (found.space, found.profile) == (Space.DISPLAY, Profile.SRGB)
    np.testing.assert_array_equal(found.pixels, RGB)


def test_light_of_others_is_scene_linear(tmp_path, written):
    light = RGB.astype(np.float32) / 255
    (tmp_path / "a.jxl").write_bytes(imagecodecs.jpegxl_encode(light, lossless=True))
    found = read_image(tmp_path / "a.jxl")

    assert (found.space, found.profile) == (Space.SCENE_LINEAR, Profile.LINEAR_SRGB)
    np.testing.assert_allclose(found.pixels, light, atol=1e-6)


def test_alpha_is_dropped_and_the_user_hears_of_it(tmp_path, written):
    (tmp_path / "a.jxl").write_bytes(imagecodecs.jpegxl_encode(np.dstack([RGB, RGB[..., 0]]), lossless=True))
    found = read_image(tmp_path / "a.jxl")

    assert found.warnings == (ALPHA_DROPPED,)
    np.testing.assert_array_equal(found.pixels, RGB)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_cut_file_is_damage(written, tmp_path, share):
    content = written.read_bytes()
    (tmp_path / "a.jxl").write_bytes(content[: int(len(content) * share)])

    with pytest.raises(CorruptFileError):
        read_image(tmp_path / "a.jxl")


def test_only_pq_is_written(tmp_path):
    with pytest.raises(UsageError, match="HDR light only"):
        write_image(Image(RGB, Space.DISPLAY), tmp_path / "a.jxl", EncodeOptions(Format.JXL))


def test_without_the_package_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "OpenImageIO", None)
    (tmp_path / "b.jxl").write_bytes(imagecodecs.jpegxl_encode(RGB))

    with pytest.raises(OutputError, match=r'pip install "rawtool\[jxl\]"'):
        write_image(pq_picture(), tmp_path / "a.jxl", EncodeOptions(Format.JXL))
    with pytest.raises(InputError, match=r'pip install "rawtool\[jxl\]"'):
        read_image(tmp_path / "b.jxl")
    assert not (tmp_path / "a.jxl").exists()


def test_an_encoder_that_gives_nothing_is_an_output_error(tmp_path, monkeypatch, written):
    monkeypatch.setattr("rawtool.io.jxl.MAGICS", (b"never",))

    with pytest.raises(OutputError, match="cannot be encoded"):
        write_image(pq_picture(), tmp_path / "a.jxl", EncodeOptions(Format.JXL))
    assert list(tmp_path.iterdir()) == []
