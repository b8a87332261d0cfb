import io
import json
import shutil
import subprocess
import xml.etree.ElementTree as ET

import imagecodecs
import numpy as np
import PIL.Image
import pytest

from rawtool.color.gain_map import apply_gain_map, gain_map_of
from rawtool.color.spaces import convert
from rawtool.errors import CorruptFileError, InputError, OutputExistsError, UnsupportedFormatError
from rawtool.frames import GainRange, HdrGainMap, Provenance
from rawtool.io.image import read_image
from rawtool.io.jpegsegments import APP1, APP2, XMP_NAME, dumps, loads, payloads
from rawtool.io.mpf import MPF_NAME, listed_pictures
from rawtool.io.ultrahdr import LEFT_OUT, dumps_ultra_hdr, loads_ultra_hdr, read_ultra_hdr, write_ultra_hdr
from rawtool.vocabulary import Profile
from tests.io.jpegs import XMP, codes_of, jpeg, light_of, with_application
from tests.io.test_mpf import index

ROWS, COLUMNS = np.mgrid[0:96, 0:160].astype(np.float32)
WHO = Provenance("rawtool 9", (("hdr-s@1", "ab" * 32),), "n")
LIBULTRAHDR_MOST = 10_000 / 203
"""It cuts light at 10000 cd/m2, 5.6 EV above white."""
MAP = HdrGainMap(np.arange(48, dtype=np.uint8).reshape(6, 8), (GainRange(0.0, 3.0),), 3.0)


def smooth(most_ev):
    """Broad highlights over a dim ground, up to most_ev above white, of three hues."""
    hill = np.exp(-((COLUMNS - 100) ** 2 + (ROWS - 48) ** 2) / 1500)
    light = 0.25 * 2 ** ((most_ev + 2) * hill)
    return np.stack([light, light**0.95, light**0.9], axis=2).astype(np.float32)


def textured(most_ev):
    """The same with fine texture in it."""
    noise = np.random.default_rng(7).normal(0, 0.08, ROWS.shape) + 0.15 * np.sin(COLUMNS) * np.sin(ROWS / 2)
    return (smooth(most_ev) * np.exp(noise)[..., None]).astype(np.float32)


def expanded(light, base):
    """What an HDR journey may give: clipped places gain, the others keep what the base shows."""
    is_clipped = (base >= 0.99).any(axis=2, keepdims=True)
    return np.where(is_clipped, np.maximum(light, base), base).astype(np.float32)


def decoded_by_libultrahdr(content, boost=1024.0):
    return np.asarray(imagecodecs.ultrahdr_decode(content, dtype="float16", boost=boost), np.float32)[..., :3]


def packed(light, base=None, quality=95, **how):
    base = base or jpeg(codes_of(light))
    shown = light_of(base)
    hdr = expanded(light, shown)
    return dumps_ultra_hdr(base, gain_map_of(shown, hdr, **how), quality=quality)[0], shown, hdr


@pytest.mark.parametrize("picture", [smooth, textured])
@pytest.mark.parametrize("most_ev", [0.5, 2.0, 4.0, 6.0])
def test_libultrahdr_finds_our_light_to_within_two_percent(picture, most_ev):
    content, _, hdr = packed(picture(most_ev), quality=98)
    found, expected = decoded_by_libultrahdr(content), np.minimum(hdr, LIBULTRAHDR_MOST)

    assert np.mean(np.abs(found - expected) / (expected + 1 / 64)) < 0.02
    assert found.max() == pytest.approx(expected.max(), rel=0.04)


@pytest.mark.parametrize("how", [{"scale": 2}, {"n_channels": 1}, {"scale": 4, "n_channels": 1}])
def test_libultrahdr_decodes_small_and_grey_maps_as_we_do(how):
    content, base, _ = packed(smooth(3.0), **how)
    ours = apply_gain_map(base, loads_ultra_hdr(content)[1])

    np.testing.assert_allclose(np.median(decoded_by_libultrahdr(content) / ours), 1, atol=0.01)


@pytest.mark.parametrize("boost", [1.0, 2.0, 8.0])
def test_libultrahdr_shows_a_dimmer_display_the_same_share(boost):
    content, base, _ = packed(smooth(4.0))
    ours = apply_gain_map(base, loads_ultra_hdr(content)[1], float(np.log2(boost)))

    np.testing.assert_allclose(decoded_by_libultrahdr(content, boost), ours, rtol=0.03, atol=0.02)


@pytest.mark.parametrize(
    "said",
    [
        {"progressive": True},
        {"subsampling": 2},
        {"xmp": XMP},
        {"exif": None},
        {"icc": None},
        {"comment": "c"},
    ],
    ids=str,
)
def test_libultrahdr_takes_every_kind_of_base(said):
    content, _, hdr = packed(smooth(2.0), jpeg(codes_of(smooth(2.0)), **said))

    assert np.mean(np.abs(decoded_by_libultrahdr(content) - hdr) / (hdr + 1 / 64)) < 0.02


def test_light_has_the_primaries_of_the_base():
    light = smooth(2.0) * np.float32([1, 0.5, 0.25])
    base = jpeg(codes_of(light), icc=Profile.DISPLAY_P3)
    content, _, hdr = packed(light, base)
    found = decoded_by_libultrahdr(content)
    as_srgb = np.mean(np.abs(found - convert(hdr, Profile.DISPLAY_P3, Profile.SRGB)))

    assert np.mean(np.abs(found - hdr)) < 0.02 < as_srgb


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (17, 33)])
def test_libultrahdr_takes_pictures_of_odd_sizes(size):
    light = smooth(3.0)[40 : 40 + size[0], 80 : 80 + size[1]]
    content, _, hdr = packed(light, scale=2)

    assert decoded_by_libultrahdr(content).shape == hdr.shape


def test_segments_are_inserted_and_nothing_else_of_the_base_is_touched():
    base = jpeg(codes_of(smooth(2.0)), xmp=XMP, comment="as it was", progressive=True)
    found, _ = loads_ultra_hdr(dumps_ultra_hdr(base, MAP)[0])
    before, after = loads(base), loads(found)
    kept = [segment for segment in before.segments if not segment.payload.startswith(XMP_NAME)]

    assert after.scans == before.scans
    assert [segment for segment in after.segments if segment in before.segments] == kept
    assert len(after.segments) == len(before.segments) + 2


def test_a_base_without_xmp_gets_three_segments_in_the_order_that_readers_look_for():
    found, _ = loads_ultra_hdr(dumps_ultra_hdr(jpeg(codes_of(smooth(2.0))), MAP)[0])
    names = [segment.payload.split(b"\0")[0] for segment in loads(found).segments[:6]]

    assert names == [b"JFIF", b"Exif", XMP_NAME[:-1], b"ICC_PROFILE", b"urn:iso:std:iso:ts:21496:-1", b"MPF"]


def test_the_xmp_of_the_base_is_kept_beside_ours():
    content, _ = dumps_ultra_hdr(jpeg(codes_of(smooth(2.0)), xmp=XMP), MAP, provenance=WHO)
    (packet,) = payloads(loads(content), APP1, XMP_NAME)
    root = ET.fromstring(packet)

    assert b'dc:format="image/jpeg"' in packet
    assert [node.text for node in root.iter("{urn:rawtool:1.0}Software")] == ["rawtool 9"]
    assert len(list(root.iter("{http://ns.google.com/photos/1.0/container/}Item"))) == 2


@pytest.mark.parametrize("codes", [MAP.codes, np.zeros((6, 8, 3), np.uint8) + np.uint8([7, 90, 200])])
def test_what_was_packed_is_read_back(tmp_path, codes):
    ranges = (GainRange(-0.5, 2.0), GainRange(0.0, 6.0, 0.8), GainRange(0.0, 1.0, 1.0, 0.0, 0.25))
    gain_map = HdrGainMap(codes, ranges, 6.0, 0.5)
    write_ultra_hdr(jpeg(codes_of(smooth(2.0))), gain_map, tmp_path / "a.jpg", quality=100)
    _, found = read_ultra_hdr(tmp_path / "a.jpg")

    assert (found.ranges, found.hdr_headroom_ev, found.base_headroom_ev) == (ranges, 6.0, 0.5)
    np.testing.assert_allclose(found.codes.astype(int), codes, atol=2)


def test_the_colours_of_a_map_are_as_fine_as_its_light():
    hue = np.where((COLUMNS % 2 > 0)[..., None], np.uint8([40, 90, 200]), np.uint8([200, 90, 40]))
    content, _ = dumps_ultra_hdr(jpeg(codes_of(smooth(1.0))), HdrGainMap(hue, MAP.ranges, 3.0))

    np.testing.assert_allclose(loads_ultra_hdr(content)[1].codes.astype(int), hue, atol=12)


def test_a_file_of_libultrahdr_is_read():
    light = np.ones((64, 96, 4), np.float16)
    light[..., :3] = np.linspace(0.1, 4, 96)[None, :, None]
    content = bytes(imagecodecs.ultrahdr_encode(light, 95))
    base, gain_map = loads_ultra_hdr(content)

    np.testing.assert_allclose(
        apply_gain_map(light_of(base), gain_map), decoded_by_libultrahdr(content), rtol=0.05, atol=0.03
    )


def test_a_map_that_only_xmp_describes_is_read():
    content, _ = dumps_ultra_hdr(jpeg(codes_of(smooth(2.0))), MAP)
    base, _ = loads_ultra_hdr(content)
    appended = loads(content[len(base) :])
    bare = [segment for segment in appended.segments if segment.marker != APP2]

    _, found = loads_ultra_hdr(base + dumps(type(appended)(tuple(bare), appended.scans)))
    assert found.ranges == MAP.ranges


def test_packing_twice_replaces_the_map():
    once, _ = dumps_ultra_hdr(jpeg(codes_of(smooth(2.0)), xmp=XMP), MAP, provenance=WHO)
    other = HdrGainMap(MAP.codes, (GainRange(0.0, 5.0),), 5.0)
    twice, left_out = dumps_ultra_hdr(once, other, provenance=WHO)

    assert len(twice) == len(dumps_ultra_hdr(jpeg(codes_of(smooth(2.0)), xmp=XMP), other, provenance=WHO)[0])
    assert loads_ultra_hdr(twice)[1].ranges == other.ranges
    assert left_out == (LEFT_OUT,)


def test_the_previews_of_a_camera_are_left_out_and_the_user_hears_of_it():
    base = jpeg(codes_of(smooth(2.0)))
    camera = with_application(base, MPF_NAME, index((0x20030000, 900, 0), (0x40010002, 50, 700)))
    content, left_out = dumps_ultra_hdr(camera + jpeg(codes_of(smooth(1.0))), MAP)

    assert content == dumps_ultra_hdr(base, MAP)[0]
    assert left_out == (LEFT_OUT,)
    assert dumps_ultra_hdr(base + bytes(9), MAP)[1] == ()


def test_the_index_points_at_the_second_picture():
    content, _ = dumps_ultra_hdr(jpeg(codes_of(smooth(2.0))), MAP)
    base, _ = loads_ultra_hdr(content)
    first, second = listed_pictures(loads(content))
    header_at = content.index(b"MPF\0") + 4

    assert first.n_bytes == len(base) == header_at + second.offset
    assert content[header_at + second.offset :].startswith(b"\xff\xd8")
    assert second.n_bytes == len(content) - len(base)


FILM = XMP.replace(
    b'dc:format="image/jpeg"',
    b'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1"',
)
DEPTH = XMP.replace(
    b'dc:format="image/jpeg"', b'xmlns:I="http://ns.google.com/photos/1.0/container/item/" I:Semantic="Depth"'
)
REFUSED = {
    "grey": jpeg(codes_of(smooth(1.0))[..., 0], icc=None),
    "motion photo": jpeg(codes_of(smooth(1.0)), xmp=FILM),
    "depth": jpeg(codes_of(smooth(1.0)), xmp=DEPTH),
    "panorama": with_application(
        jpeg(codes_of(smooth(1.0))), MPF_NAME, index((0x020001, 9, 0), (0x020001, 9, 9))
    ),
}


@pytest.mark.parametrize("base", REFUSED.values(), ids=REFUSED)
def test_a_base_that_would_lose_something_or_that_readers_refuse_is_refused(base):
    with pytest.raises(UnsupportedFormatError, match="export it"):
        dumps_ultra_hdr(base, MAP)


def test_a_cmyk_base_is_refused():
    stream = io.BytesIO()
    PIL.Image.new("CMYK", (8, 8)).save(stream, "JPEG")

    with pytest.raises(UnsupportedFormatError, match="CMYK"):
        dumps_ultra_hdr(stream.getvalue(), MAP)


def test_xmp_that_leaves_no_room_is_refused_in_one_line():
    base = jpeg(codes_of(smooth(1.0)), xmp=XMP.replace(b"image/jpeg", b"x" * 65000).replace(b" " * 2000, b""))

    with pytest.raises(UnsupportedFormatError, match="without its XMP"):
        dumps_ultra_hdr(base, MAP)


def test_the_file_is_published_whole_and_nothing_is_overwritten_unasked(tmp_path):
    base = jpeg(codes_of(smooth(1.0)))
    write_ultra_hdr(base, MAP, tmp_path / "a.jpg")
    with pytest.raises(OutputExistsError):
        write_ultra_hdr(base, MAP, tmp_path / "a.jpg")
    with pytest.raises(CorruptFileError):
        write_ultra_hdr(base[:500], MAP, tmp_path / "b.jpg")

    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


def test_other_programs_see_the_base(tmp_path):
    base = jpeg(codes_of(smooth(2.0)))
    write_ultra_hdr(base, MAP, tmp_path / "a.jpg")
    with PIL.Image.open(tmp_path / "a.jpg") as shown, PIL.Image.open(io.BytesIO(base)) as original:
        np.testing.assert_array_equal(np.asarray(shown), np.asarray(original))
    found = read_image(tmp_path / "a.jpg")

    np.testing.assert_array_equal(found.pixels, np.asarray(PIL.Image.open(io.BytesIO(base))))
    assert found.capture is not None
    assert b"hdrgm:Version" not in (found.capture.xmp or b"")


@pytest.mark.parametrize(
    "content", [jpeg(codes_of(smooth(1.0))), jpeg(codes_of(smooth(1.0))) * 2, b"\x89PNG"]
)
def test_a_file_without_a_gain_map_has_none(tmp_path, content):
    (tmp_path / "a.jpg").write_bytes(content)

    assert read_ultra_hdr(tmp_path / "a.jpg") is None


def test_a_damaged_gain_map_is_said_so():
    content, _ = dumps_ultra_hdr(jpeg(codes_of(smooth(1.0))), MAP)
    base, _ = loads_ultra_hdr(content)
    damaged = content[len(base) :].replace(b"\xff\xdb\0\x43\0", b"\xff\xdb\0\x43\7")

    with pytest.raises(CorruptFileError, match="gain map is damaged"):
        loads_ultra_hdr(base + damaged)


def test_a_file_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_ultra_hdr(tmp_path / "none.jpg")


@pytest.fixture
def exiftool():
    return shutil.which("exiftool") or pytest.skip("exiftool is not here")


def test_exiftool_reads_index_container_and_gain_map(tmp_path, exiftool):
    write_ultra_hdr(jpeg(codes_of(smooth(2.0)), xmp=XMP), MAP, tmp_path / "a.jpg", provenance=WHO)
    said = subprocess.run(
        [exiftool, "-j", "-struct", "-G1", "-n", tmp_path / "a.jpg"],
        capture_output=True,
        check=True,
    )
    (found,) = json.loads(said.stdout)
    whole = (tmp_path / "a.jpg").read_bytes()

    assert found["MPF0:NumberOfImages"] == 2
    assert whole[found["MPImage2:MPImageStart"] :].startswith(b"\xff\xd8\xff")
    assert found["MPImage2:MPImageStart"] + found["MPImage2:MPImageLength"] == len(whole)
    assert found["XMP-hdrgm:Version"] == 1
    first, second = (entry["Item"] for entry in found["XMP-Container:Directory"])
    assert (first["Semantic"], second["Semantic"]) == ("Primary", "GainMap")
    assert second["Length"] == found["MPImage2:MPImageLength"]
    assert found["XMP-dc:Format"] == "image/jpeg"
    assert (found["IFD0:Make"], found["IFD0:Model"]) == ("Acme", "Box 1")


def test_exiftool_reads_the_gain_map_s_own_facts(tmp_path, exiftool):
    write_ultra_hdr(jpeg(codes_of(smooth(2.0))), MAP, tmp_path / "a.jpg")
    appended = subprocess.run(
        [exiftool, "-b", "-MPImage2", tmp_path / "a.jpg"], capture_output=True, check=True
    )
    said = subprocess.run(
        [exiftool, "-j", "-G1", "-"], input=appended.stdout, capture_output=True, check=True
    )
    (found,) = json.loads(said.stdout)

    assert (found["XMP-hdrgm:GainMapMin"], found["XMP-hdrgm:GainMapMax"]) == (0, 3)
    assert (found["XMP-hdrgm:HDRCapacityMax"], found["XMP-hdrgm:OffsetSDR"]) == (3, 0.015625)
    assert (found["File:ImageWidth"], found["File:ImageHeight"]) == (8, 6)
