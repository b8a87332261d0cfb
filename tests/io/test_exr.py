import sys

import numpy as np
import pytest

from rawtool.errors import CorruptFileError, InputError, OutputError
from rawtool.frames import Image, Provenance
from rawtool.io.encode import EncodeOptions, write_image
from rawtool.io.exr import read_exr
from rawtool.vocabulary import Format, Profile, Space
from tests.io.material import capture

REC2020 = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)
LIGHT = np.linspace(-0.01, 90, 20 * 30 * 3, dtype=np.float32).reshape(20, 30, 3)
PICTURE = Image(
    LIGHT, Space.SCENE_LINEAR, Profile.REC2020, capture(), Provenance("rawtool 9", (("net", "ab"),), "n")
)


@pytest.fixture
def exr():
    return pytest.importorskip("OpenEXR")


@pytest.mark.parametrize("compression", ["zip", "zips", "piz", "none"])
def test_float_keeps_every_value(tmp_path, exr, compression):
    options = EncodeOptions(Format.EXR, bit_depth=32, compression=compression)
    write_image(PICTURE, tmp_path / "a.exr", options)
    pixels, stated = read_exr(tmp_path / "a.exr")

    np.testing.assert_array_equal(pixels, LIGHT)
    assert stated is None


def test_half_is_the_default_and_clips_at_its_largest_number(tmp_path, exr):
    light = LIGHT.copy()
    light[0, 0] = 1e9
    write_image(Image(light, Space.SCENE_LINEAR), tmp_path / "a.exr", EncodeOptions(Format.EXR))
    pixels, _ = read_exr(tmp_path / "a.exr")

    assert pixels[0, 0, 0] == 65504.0
    np.testing.assert_allclose(pixels[1:], light[1:], rtol=2**-11)


def test_attributes_say_what_camera_network_and_primaries(tmp_path, exr):
    write_image(PICTURE, tmp_path / "a.exr", EncodeOptions(Format.EXR, chromaticities=REC2020))
    with exr.File(str(tmp_path / "a.exr")) as file:
        header = dict(file.header())

    np.testing.assert_allclose(header["chromaticities"], REC2020, atol=1e-6)
    assert (header["cameraMake"], header["software"]) == ("Acme", "rawtool 9")
    assert (header["rawtool:model"], header["rawtool:note"]) == ("net sha256:ab", "n")
    assert header["expTime"] == pytest.approx(0.004)


def test_one_channel_is_luminance(tmp_path, exr):
    options = EncodeOptions(Format.EXR, bit_depth=32)
    write_image(Image(LIGHT[..., 0], Space.SCENE_LINEAR), tmp_path / "a.exr", options)

    np.testing.assert_array_equal(read_exr(tmp_path / "a.exr")[0], LIGHT[..., 0])


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
