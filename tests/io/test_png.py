import json
import shutil
import struct
import subprocess
import zlib

import imagecodecs
import numpy as np
import PIL.Image
import pytest

from rawtool.color.spaces import icc_profile
from rawtool.errors import UnsupportedFormatError, UsageError
from rawtool.io.encode import write_image
from rawtool.io.encodeoptions import EncodeOptions
from rawtool.io.image import read_image
from rawtool.io.png import read_png
from rawtool.io.samples import ALPHA_DROPPED
from rawtool.vocabulary import Format, Profile, Space
from tests.io.hdrpictures import LIGHT, off_by, pq_picture

RGB = np.random.default_rng(2).integers(0, 256, (6, 9, 3)).astype(np.uint8)


def chunk(kind, payload):
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def with_chunk(path, kind, payload):
    content = bytes(imagecodecs.png_encode(RGB))
    path.write_bytes(content[:33] + chunk(kind, payload) + content[33:])
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("png") / "a.png"
    write_image(pq_picture(), path, EncodeOptions(Format.PNG))
    return path


def test_pq_is_sixteen_bits_and_comes_back_within_their_rounding(written):
    found = read_image(written)

    assert (found.space, found.profile, found.pixels.dtype) == (Space.PQ, Profile.REC2020, np.uint16)
    assert off_by(found).max() < 0.0006


def test_pq_says_its_code_points_and_how_bright_it_gets_and_has_no_profile(written):
    content = written.read_bytes()
    at = content.index(b"cICP")
    light = content.index(b"cLLI")

    assert content[at + 4 : at + 8] == bytes((9, 16, 0, 1))
    assert at < content.index(b"IDAT")
    assert struct.unpack(">2I", content[light + 4 : light + 12]) == pytest.approx(
        (LIGHT.most_nits * 10_000, LIGHT.mean_nits * 10_000), abs=1
    )
    assert b"iCCP" not in content


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not here")
def test_exiftool_reads_the_code_points_and_the_capture(written):
    said = subprocess.run(
        ["exiftool", "-j", "-G1", "-n", "-a", written], capture_output=True, check=True
    ).stdout
    (found,) = json.loads(said)

    assert (found["PNG-cICP:ColorPrimaries"], found["PNG-cICP:TransferCharacteristics"]) == (9, 16)
    assert (found["IFD0:Make"], found["XMP-rawtool:Software"]) == ("Acme", "rawtool 9")


@pytest.mark.skipif(not shutil.which("identify"), reason="ImageMagick is not here")
def test_imagemagick_takes_it(written):
    said = subprocess.run(["identify", written], capture_output=True, check=True, text=True)

    assert (said.stderr, "PNG 80x48" in said.stdout) == ("", True)


def test_every_chunk_has_its_checksum(written):
    content, at = written.read_bytes(), 8
    while at < len(content):
        (size,) = struct.unpack(">I", content[at : at + 4])
        assert (
            struct.pack(">I", zlib.crc32(content[at + 4 : at + 8 + size]))
            == content[at + 8 + size : at + 12 + size]
        )
        at += 12 + size


def test_too_few_bits_for_pq_are_refused(tmp_path):
    with pytest.raises(UsageError, match="--bit-depth 16"):
        write_image(pq_picture(), tmp_path / "a.png", EncodeOptions(Format.PNG, bit_depth=8))


@pytest.mark.parametrize(
    ("code_points", "expected"),
    [
        ((1, 13, 0, 1), (Space.DISPLAY, Profile.SRGB)),
        ((12, 13, 0, 1), (Space.DISPLAY, Profile.DISPLAY_P3)),
        ((9, 16, 0, 1), (Space.PQ, Profile.REC2020)),
    ],
)
def test_code_points_of_others_are_honoured(tmp_path, code_points, expected):
    found = read_png(with_chunk(tmp_path / "a.png", b"cICP", bytes(code_points)))

    assert (found.space, found.profile) == expected
    np.testing.assert_array_equal(found.pixels, RGB)


def test_hlg_is_refused(tmp_path):
    with pytest.raises(UnsupportedFormatError, match="HLG"):
        read_image(with_chunk(tmp_path / "a.png", b"cICP", bytes((9, 18, 0, 1))))


def test_an_embedded_profile_is_honoured(tmp_path):
    packed = b"name\0\0" + zlib.compress(icc_profile(Profile.DISPLAY_P3))
    found = read_image(with_chunk(tmp_path / "a.png", b"iCCP", packed))

    assert (found.profile, found.icc) == (Profile.DISPLAY_P3, icc_profile(Profile.DISPLAY_P3))


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_is_dropped_and_the_user_hears_of_it(tmp_path, channels, dtype):
    pixels = np.random.default_rng(3).integers(0, 256, (6, 9, channels)).astype(dtype)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(pixels))
    found = read_image(tmp_path / "a.png")

    np.testing.assert_array_equal(found.pixels, pixels[..., :3] if channels == 4 else pixels[..., 0])
    assert found.warnings == (ALPHA_DROPPED,)


def test_a_transparent_palette_is_resolved(tmp_path):
    PIL.Image.fromarray(RGB).quantize(64).save(tmp_path / "a.png", transparency=0)
    found = read_image(tmp_path / "a.png")

    assert found.pixels.shape == (6, 9, 3)
    assert found.warnings == (ALPHA_DROPPED,)


def test_few_bits_are_spread(tmp_path):
    PIL.Image.fromarray(RGB[..., 0] > 99).save(tmp_path / "a.png")

    assert set(np.unique(read_image(tmp_path / "a.png").pixels)) == {0, 255}
