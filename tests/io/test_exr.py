import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from rawtool.errors import CorruptFileError, InputError, OutputError
from rawtool.frames import Image, Provenance
from rawtool.io.encode import write_image
from rawtool.io.encodeoptions import EncodeOptions
from rawtool.io.exr import read_exr
from rawtool.io.samples import ALPHA_DROPPED
from rawtool.vocabulary import Format, Profile, Space
from tests.io.material import capture

REC2020 = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)
LIGHT = np.linspace(-0.01, 90, 20 * 30 * 3, dtype=np.float32).reshape(20, 30, 3)
PICTURE = Image(
    LIGHT,
    Space.SCENE_LINEAR,
    Profile.REC2020,
    capture(focal_length_mm=35.0),
    Provenance("rawtool 9", (("net", "ab"),), "n"),
)
NOISE = Image(np.random.default_rng(8).uniform(1, 2, (128, 128, 3)).astype(np.float32), Space.SCENE_LINEAR)


@pytest.fixture
def exr():
    return pytest.importorskip("OpenEXR")


@pytest.mark.parametrize("compression", ["zip", "zips", "piz", "none"])
def test_float_keeps_every_value(tmp_path, exr, compression):
    options = EncodeOptions(Format.EXR, bit_depth=32, compression=compression)
    write_image(PICTURE, tmp_path / "a.exr", options)
    found = read_exr(tmp_path / "a.exr")

    np.testing.assert_array_equal(found.pixels, LIGHT)
    assert (found.space, found.profile, found.white_nits) == (Space.SCENE_LINEAR, Profile.REC2020, None)


def test_dwaa_is_close_and_smaller(tmp_path, exr):
    for compression in ("zip", "dwaa"):
        options = EncodeOptions(Format.EXR, compression=compression)
        write_image(NOISE, tmp_path / f"{compression}.exr", options)
    found = read_exr(tmp_path / "dwaa.exr").pixels

    assert (tmp_path / "dwaa.exr").stat().st_size < 0.75 * (tmp_path / "zip.exr").stat().st_size
    assert np.abs(found / NOISE.pixels - 1).mean() < 0.02


def test_half_is_the_default_and_clips_at_its_largest_number(tmp_path, exr):
    light = np.tile(LIGHT, (20, 1, 1))
    light[0, 0], light[399, 0] = 1e9, -1e9
    write_image(Image(light, Space.SCENE_LINEAR), tmp_path / "a.exr", EncodeOptions(Format.EXR))
    pixels = read_exr(tmp_path / "a.exr").pixels

    assert (pixels[0, 0, 0], pixels[399, 0, 0]) == (65504.0, -65504.0)
    np.testing.assert_allclose(pixels[1:399], light[1:399], rtol=2**-11)


def test_half_floats_are_written_as_they_are(tmp_path, exr):
    half = LIGHT.astype(np.float16)
    write_image(Image(half, Space.SCENE_LINEAR), tmp_path / "a.exr", EncodeOptions(Format.EXR))

    np.testing.assert_array_equal(read_exr(tmp_path / "a.exr").pixels, half)


def test_attributes_say_what_camera_network_and_primaries(tmp_path, exr):
    write_image(PICTURE, tmp_path / "a.exr", EncodeOptions(Format.EXR))
    with exr.File(str(tmp_path / "a.exr")) as file:
        header = dict(file.header())

    np.testing.assert_allclose(header["chromaticities"], REC2020, atol=1e-6)
    assert (header["cameraMake"], header["software"]) == ("Acme", "rawtool 9")
    assert (header["rawtool:model"], header["rawtool:note"]) == ("net sha256:ab", "n")
    assert header["expTime"] == pytest.approx(0.004)
    assert header["nominalFocalLength"] == 35
    assert "whiteLuminance" not in header


def test_the_options_may_state_other_chromaticities(tmp_path, exr):
    stated = (0.7, 0.3, 0.2, 0.7, 0.1, 0.05, 0.3, 0.3)
    write_image(PICTURE, tmp_path / "a.exr", EncodeOptions(Format.EXR, chromaticities=stated))
    with exr.File(str(tmp_path / "a.exr")) as file:
        np.testing.assert_allclose(file.header()["chromaticities"], stated, atol=1e-6)


def test_the_luminance_of_white_is_written_and_read(tmp_path, exr):
    write_image(replace(PICTURE, white_nits=203.0), tmp_path / "a.exr", EncodeOptions(Format.EXR))

    assert read_exr(tmp_path / "a.exr").white_nits == 203


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not here")
def test_exiftool_reads_the_attributes(tmp_path, exr):
    write_image(replace(PICTURE, white_nits=203.0), tmp_path / "a.exr", EncodeOptions(Format.EXR))
    said = subprocess.run(["exiftool", "-j", tmp_path / "a.exr"], capture_output=True, check=True).stdout
    (found,) = json.loads(said)

    assert (found["WhiteLuminance"], found["CameraModel"], found["ISO"]) == (203, "Box 1", 200)
    assert found["Compression"] == "ZIP"


@pytest.mark.skipif(not shutil.which("identify"), reason="ImageMagick is not here")
@pytest.mark.parametrize("compression", ["zip", "dwaa"])
def test_imagemagick_takes_it(tmp_path, exr, compression):
    write_image(PICTURE, tmp_path / "a.exr", EncodeOptions(Format.EXR, compression=compression))
    said = subprocess.run(["identify", tmp_path / "a.exr"], capture_output=True, check=True, text=True)

    assert "EXR 30x20" in said.stdout


def test_one_channel_is_luminance(tmp_path, exr):
    options = EncodeOptions(Format.EXR, bit_depth=32)
    write_image(Image(LIGHT[..., 0], Space.SCENE_LINEAR), tmp_path / "a.exr", options)

    np.testing.assert_array_equal(read_exr(tmp_path / "a.exr").pixels, LIGHT[..., 0])


def test_alpha_is_dropped_and_the_user_hears_of_it(tmp_path, exr):
    rgba = np.dstack([LIGHT, LIGHT[..., 0]])
    with exr.File({"compression": exr.ZIP_COMPRESSION, "type": exr.scanlineimage}, {"RGBA": rgba}) as file:
        file.write(str(tmp_path / "a.exr"))
    found = read_exr(tmp_path / "a.exr")

    np.testing.assert_array_equal(found.pixels, LIGHT)
    assert found.warnings == (ALPHA_DROPPED,)


def test_a_damaged_file_is_said_so(tmp_path, exr):
    (tmp_path / "a.exr").write_bytes(b"v/1\x01" + b"\0" * 40)

    with pytest.raises(CorruptFileError):
        read_exr(tmp_path / "a.exr")


def test_without_the_package_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "OpenEXR", None)

    with pytest.raises(OutputError, match=r'pip install "rawtool\[exr\]"'):
        write_image(PICTURE, tmp_path / "a.exr", EncodeOptions(Format.EXR))
    with pytest.raises(InputError, match=r'pip install "rawtool\[exr\]"'):
        read_exr(tmp_path / "a.exr")
    assert list(tmp_path.iterdir()) == []


def test_an_older_package_without_threads_writes_too(tmp_path, monkeypatch):
    monkeypatch.delattr("OpenEXR.set_global_thread_count", raising=False)
    write_image(PICTURE, tmp_path / "a.exr", EncodeOptions(Format.EXR))

    assert (tmp_path / "a.exr").stat().st_size > 0
