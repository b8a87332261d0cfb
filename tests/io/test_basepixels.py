import hashlib

import imagecodecs
import numpy as np
import PIL.Image
import pytest

from rawtool.errors import CorruptFileError, UnsupportedFormatError
from rawtool.io.basepixels import base_pixels, pixels_sha256
from tests import packs

CODES = packs.codes()


def saved(tmp_path, picture, **said):
    picture.save(tmp_path / "a.jpg", **said)
    return (tmp_path / "a.jpg").read_bytes()


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_the_pixels_are_those_of_libjpeg_turbo_as_they_are_stored(tmp_path, subsampling, progressive):
    content = saved(
        tmp_path, PIL.Image.fromarray(CODES), quality=90, subsampling=subsampling, progressive=progressive
    )

    pixels = base_pixels(content)

    np.testing.assert_array_equal(pixels, imagecodecs.jpeg8_decode(content))
    np.testing.assert_array_equal(pixels, np.asarray(PIL.Image.open(tmp_path / "a.jpg")))


def test_the_decoder_gives_the_bits_that_it_gave_when_the_format_was_settled(root):
    # 4:2:0 with odd sides: integer DCT, fancy upsampling and the colour transform all have their say.
    content = (root / "tests" / "golden" / "base_420.jpg").read_bytes()

    found = pixels_sha256(base_pixels(content))

    assert found == "5040e3c91de8eb5baf5f9ad27b6cb5f537f849df07cb59f0ff1040304a19b800"


def test_grey_stands_in_all_three_channels(tmp_path):
    content = saved(tmp_path, PIL.Image.fromarray(CODES[..., 1]))

    pixels = base_pixels(content)

    assert pixels.shape == (*CODES.shape[:2], 3)
    np.testing.assert_array_equal(pixels[..., 0], pixels[..., 2])


def test_cmyk_is_refused(tmp_path):
    with pytest.raises(UnsupportedFormatError, match="CMYK"):
        base_pixels(saved(tmp_path, PIL.Image.fromarray(CODES).convert("CMYK")))


@pytest.mark.parametrize("content", [b"", b"no JPEG", packs.jpeg(CODES)[:-400]])
def test_what_is_no_whole_jpeg_is_refused(content):
    with pytest.raises(CorruptFileError):
        base_pixels(content)


def test_lossless_jpeg_of_sixteen_bits_is_refused():
    content = imagecodecs.jpeg8_encode(
        CODES.astype(np.uint16) * 257,
        lossless=True,
        predictor=1,
        bitspersample=16,
        colorspace=2,
        outcolorspace=2,
    )

    with pytest.raises((UnsupportedFormatError, CorruptFileError)):
        base_pixels(content)


def test_the_hash_is_of_sides_and_pixels():
    sides = (84).to_bytes(4, "little") + (112).to_bytes(4, "little")

    assert pixels_sha256(CODES) == hashlib.sha256(sides + CODES.tobytes()).hexdigest()
    assert pixels_sha256(CODES) != pixels_sha256(CODES.reshape(112, 84, 3))
