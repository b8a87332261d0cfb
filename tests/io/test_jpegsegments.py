import io

import numpy as np
import PIL.Image
import pytest

from rawtool.color.spaces import icc_profile
from rawtool.errors import CorruptFileError, UnsupportedFormatError
from rawtool.io.jpegsegments import (
    APP1,
    APP2,
    EXIF_NAME,
    ICC_NAME,
    XMP_NAME,
    dumps,
    frame_of,
    loads,
    payloads,
    profile_in,
    profile_segments,
    segment_of,
    with_segments,
    with_xmp,
    without,
)
from rawtool.vocabulary import Profile
from tests.io.jpegs import EXIF, XMP, jpeg

NOISE = np.random.default_rng(3).integers(0, 256, (40, 56, 3)).astype(np.uint8)
GREY = NOISE[..., 0]
PICTURES = {
    "plain": jpeg(NOISE),
    "progressive": jpeg(NOISE, progressive=True),
    "restarts": jpeg(NOISE, restart_marker_blocks=2),
    "420": jpeg(NOISE, subsampling=2, xmp=XMP, comment="c"),
    "grey": jpeg(GREY, icc=None, exif=None),
}


@pytest.mark.parametrize("content", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize("trailer", [b"", b"\xff\xd8\xff\xd9", b"anything \xff\xda"])
def test_a_jpeg_is_put_together_again_byte_for_byte(content, trailer):
    found = loads(content + trailer)

    assert dumps(found) == content + trailer
    assert found.trailer == trailer
    assert found.scans.startswith(b"\xff\xda")
    assert found.scans.endswith(b"\xff\xd9")


def test_fill_bytes_before_a_marker_stay():
    content = PICTURES["plain"]
    filled = content[:2] + b"\xff\xff\xff" + content[2:]

    assert dumps(loads(filled)) == filled
    assert payloads(loads(filled), 0xE0, b"JFIF\0") == payloads(loads(content), 0xE0, b"JFIF\0")


def test_a_picture_within_exif_is_not_taken_for_the_end():
    content = jpeg(NOISE, exif=EXIF + PICTURES["grey"])

    assert loads(content).trailer == b""
    assert loads(content).scans == loads(PICTURES["plain"]).scans


@pytest.mark.parametrize("content", PICTURES.values(), ids=PICTURES)
def test_the_frame_is_as_large_as_the_picture(content):
    with PIL.Image.open(io.BytesIO(content)) as picture:
        expected = (picture.height, picture.width, len(picture.getbands()))

    assert frame_of(loads(content)) == expected


def test_payloads_are_found_by_marker_and_name():
    found = loads(PICTURES["420"])

    assert payloads(found, APP1, EXIF_NAME) == [EXIF]
    assert payloads(found, APP1, XMP_NAME) == [XMP]
    assert payloads(found, APP2, b"MPF\0") == []


def test_segments_go_behind_the_application_segments():
    picture = loads(PICTURES["420"])
    is_application = [0xE0 <= segment.marker <= 0xEF for segment in picture.segments]
    at = is_application.index(False)
    found = with_segments(picture, (segment_of(APP2, b"a"), segment_of(APP2, b"b")))

    assert [segment.payload for segment in found.segments[at : at + 2]] == [b"a", b"b"]
    assert found.segments[:at] + found.segments[at + 2 :] == picture.segments
    assert all(is_application[:at])


def test_xmp_replaces_xmp_in_its_place():
    found = with_xmp(loads(PICTURES["420"]), b"<new/>")
    before = [segment.marker for segment in loads(PICTURES["420"]).segments]

    assert payloads(found, APP1, XMP_NAME) == [b"<new/>"]
    assert [segment.marker for segment in found.segments] == before


def test_new_xmp_stands_behind_exif_and_before_the_profile():
    found = with_xmp(loads(PICTURES["plain"]), b"<new/>")
    names = [segment.payload.split(b"\0")[0] for segment in found.segments[:4]]

    assert names == [b"JFIF", b"Exif", XMP_NAME[:-1], b"ICC_PROFILE"]


def test_a_profile_is_put_together_from_its_parts_in_their_order():
    bare = loads(PICTURES["grey"])
    parts = tuple(
        segment_of(APP2, ICC_NAME + bytes((number, 2)) + part) for number, part in ((2, b"B"), (1, b"A"))
    )

    assert profile_in(with_segments(bare, parts)) == b"AB"
    assert profile_in(loads(PICTURES["plain"])) == icc_profile(Profile.SRGB)
    assert profile_in(bare) is None


def test_segments_are_taken_out_by_name():
    found = without(loads(PICTURES["plain"]), APP2, b"ICC_PROFILE\0")

    assert payloads(found, APP2, b"ICC_PROFILE\0") == []
    assert payloads(found, APP1, EXIF_NAME) == [EXIF]
    assert found.scans == loads(PICTURES["plain"]).scans


def test_a_segment_is_read_back():
    segment = segment_of(APP2, b"x" * 65533)

    assert segment.payload == b"x" * 65533
    assert len(segment.content) == 65537


def test_a_segment_has_a_longest_length():
    with pytest.raises(UnsupportedFormatError, match="65534"):
        segment_of(APP1, b"x" * 65534)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.3, 0.6, 0.99])
@pytest.mark.parametrize("name", ["plain", "progressive"])
def test_a_cut_jpeg_is_damage(name, share):
    content = PICTURES[name]

    with pytest.raises(CorruptFileError):
        loads(content[: int(len(content) * share)])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JPEG",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\0\1",
        b"\xff\xd8\x00\x00\x00\x00",
        b"\xff\xd8\xff\x00\0\2",
    ],
)
def test_what_is_no_jpeg_is_damage(content):
    with pytest.raises(CorruptFileError):
        loads(content)


def test_a_jpeg_without_a_frame_is_damage():
    with pytest.raises(CorruptFileError, match="how large"):
        frame_of(loads(b"\xff\xd8\xff\xda\0\2\xff\xd9"))


@pytest.mark.parametrize("length", [0, 500, 65519, 65520, 200_000])
def test_a_profile_of_any_length_comes_back(length):
    icc = np.random.default_rng(4).bytes(length)
    found = loads(dumps(with_segments(loads(PICTURES["grey"]), profile_segments(icc))))

    assert (profile_in(found) or b"") == icc


def test_a_profile_that_no_jpeg_holds_is_refused():
    with pytest.raises(UnsupportedFormatError, match="too long for a JPEG"):
        profile_segments(bytes(256 * 65520))
