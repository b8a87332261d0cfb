import io

import numpy as np
import PIL.Image
import pytest

from rawtool.color.spaces import icc_profile
from rawtool.errors import OutputError, UnsupportedFormatError
from rawtool.frames import Image, Provenance
from rawtool.io.encode import encode_jpeg
from rawtool.io.encodeoptions import EncodeOptions
from rawtool.io.image import read_image
from rawtool.io.jpeg import decode_jpeg, jpeg_bytes, read_jpeg
from rawtool.io.jpegsegments import APP1, XMP_NAME, frame_of, loads, payloads
from rawtool.vocabulary import Format, Profile, Space
from tests.io.jpegs import EXIF, XMP, jpeg
from tests.io.material import capture
from tests.io.profiles import P3_SCREEN, grey_icc, icc_with

RGB = np.random.default_rng(2).integers(0, 256, (24, 40, 3)).astype(np.uint8)
SMOOTH = np.stack([np.mgrid[0:24, 0:40][axis] * 6 for axis in (0, 1, 1)], axis=2).astype(np.uint8)


def test_the_bytes_are_those_of_a_jpeg_and_decode_to_the_picture():
    content = jpeg_bytes(
        Image(SMOOTH, Space.DISPLAY, Profile.DISPLAY_P3, icc=icc_profile(Profile.DISPLAY_P3))
    )
    found = decode_jpeg(content)

    np.testing.assert_allclose(found.pixels.astype(int), SMOOTH, atol=6)
    assert found.profile is Profile.DISPLAY_P3


def test_an_xmp_too_long_for_a_jpeg_leaves_who_made_it():
    long = capture(xmp=XMP.replace(b"image/jpeg", b"x" * 66000))
    content = jpeg_bytes(Image(RGB, Space.DISPLAY, capture=long, provenance=Provenance("rawtool 9")))
    (packet,) = payloads(loads(content), APP1, XMP_NAME)

    assert b"rawtool 9" in packet
    assert b"x" * 9 not in packet


@pytest.mark.parametrize(("kind", "n_components"), [(Format.JPEG, 1), (Format.UHDR, 3)])
def test_grey_has_three_channels_in_the_base_of_an_ultra_hdr(kind, n_components):
    content = encode_jpeg(Image(SMOOTH[..., 0], Space.DISPLAY), EncodeOptions(kind))

    assert frame_of(loads(content)) == (24, 40, n_components)
    np.testing.assert_allclose(
        decode_jpeg(content).as_float().reshape(24, 40, -1)[..., 0], SMOOTH[..., 0] / 255, atol=0.02
    )


def test_the_capture_of_a_photograph_is_read(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(RGB, xmp=XMP))
    found = read_image(tmp_path / "a.jpg").capture

    assert (found.make, found.model) == ("Acme", "Box 1")
    assert found.xmp == XMP
    assert found.exif is not None
    assert found.exif != EXIF


def test_a_photograph_that_says_nothing_has_no_capture(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(RGB, exif=None))

    assert read_image(tmp_path / "a.jpg").capture is None


def test_a_profile_without_a_name_is_converted_in_sixteen_bits(tmp_path):
    stream = io.BytesIO()
    PIL.Image.fromarray(RGB).save(stream, "JPEG", icc_profile=icc_with(P3_SCREEN))
    (tmp_path / "a.jpg").write_bytes(stream.getvalue())
    found = read_jpeg(tmp_path / "a.jpg")

    assert (found.profile, found.pixels.dtype) == (Profile.DISPLAY_P3, np.uint16)
    assert found.warnings


def test_a_grey_photograph_with_its_profile_is_one_channel(tmp_path):
    PIL.Image.fromarray(RGB[..., 0]).save(tmp_path / "a.jpg", icc_profile=grey_icc(2.2))
    found = read_image(tmp_path / "a.jpg")

    assert (found.pixels.shape, found.profile, found.warnings) == ((24, 40), Profile.SRGB, ())


def test_cmyk_is_refused(tmp_path):
    PIL.Image.new("CMYK", (8, 8)).save(tmp_path / "a.jpg")

    with pytest.raises(UnsupportedFormatError, match="CMYK is not supported; export it as RGB"):
        read_jpeg(tmp_path / "a.jpg")


def test_what_no_jpeg_can_say_is_an_error_of_the_output():
    too_much = Image(RGB, Space.DISPLAY, icc=bytes(256 * 65520))

    with pytest.raises(OutputError, match=r"cannot be encoded.*use --format tiff"):
        jpeg_bytes(too_much)
