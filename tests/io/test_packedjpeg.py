import hashlib
import io
import json
import shutil
import struct
import subprocess
import zlib

import imagecodecs
import numpy as np
import PIL.Image
import pytest

from rawtool.codec.container import loads as loads_container
from rawtool.errors import CorruptFileError, DamagedSidecarError, InputError, NoSidecarError
from rawtool.frames import GainRange, HdrGainMap
from rawtool.io.boxes import box
from rawtool.io.jpegsegments import APP1, APP2, EXIF_NAME, dumps, loads, payloads, segment_of, with_segments
from rawtool.io.jumbf import APP11, MARK, segments_with
from rawtool.io.mpf import MPF_NAME, listed_pictures, mpf_segment
from rawtool.io.packedjpeg import (
    find_payload,
    payload_behind,
    payload_of,
    scan_sha256,
    sidecar_of,
    with_payload,
    with_trailer,
    without_payload,
)
from rawtool.io.ultrahdr import dumps_ultra_hdr, loads_ultra_hdr
from rawtool.vocabulary import Profile
from tests.codec.sidecars import CONTAINER
from tests.io.jpegs import XMP, jpeg, with_application

NOISE = np.random.default_rng(3).integers(0, 256, (40, 56, 3)).astype(np.uint8)
PAYLOAD = np.random.default_rng(1).bytes(150_000)
MAP = HdrGainMap(np.arange(48, dtype=np.uint8).reshape(6, 8), (GainRange(0.0, 3.0),), 3.0)
PLAIN = jpeg(NOISE)
ULTRA_HDR = dumps_ultra_hdr(PLAIN, MAP)[0]
FOREIGN = box(b"jumd", b"c2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71", b"\3c2pa\0") + box(b"json", b"{}")
C2PA = struct.pack(">2sHII4s", b"JP", 1, 1, 8 + len(FOREIGN), b"jumb") + FOREIGN
PICTURES = {
    "plain": PLAIN,
    "bare": imagecodecs.jpeg8_encode(NOISE, level=90),
    "progressive": jpeg(NOISE, progressive=True),
    "restarts": jpeg(NOISE, restart_marker_blocks=2, icc=Profile.DISPLAY_P3),
    "420": jpeg(NOISE, subsampling=2, xmp=XMP, comment="c"),
    "grey": jpeg(NOISE[..., 0], icc=None, exif=None),
    "ultra hdr": ULTRA_HDR,
    "c2pa": with_application(PLAIN, C2PA, marker=APP11),
    "preview": dumps(with_segments(loads(PLAIN), (mpf_segment(0, 12345, 9),))) + b"trailing",
}


def needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def is_imagemagick():
    """Other programs have the name ``convert`` too."""
    if shutil.which("convert") is None:
        return False
    said = subprocess.run(["convert", "-version"], capture_output=True, timeout=60, check=False).stdout
    return said.startswith(b"Version: ImageMagick")


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, timeout=60).stdout


@pytest.mark.parametrize("name", PICTURES)
def test_a_payload_comes_back_and_leaves_no_trace(name):
    packed = with_payload(PICTURES[name], PAYLOAD)

    assert payload_of(packed) == PAYLOAD
    assert without_payload(packed) == PICTURES[name]


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("put", [with_payload, with_trailer])
def test_every_decoder_sees_the_same_pixels(name, put):
    base, packed = PICTURES[name], put(PICTURES[name], PAYLOAD)

    np.testing.assert_array_equal(imagecodecs.jpeg8_decode(packed), imagecodecs.jpeg8_decode(base))
    with PIL.Image.open(io.BytesIO(packed)) as one, PIL.Image.open(io.BytesIO(base)) as other:
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
        assert one.info.get("icc_profile") == other.info.get("icc_profile")
        assert dict(one.getexif()) == dict(other.getexif())


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_else_moves(name):
    base, packed = loads(PICTURES[name]), loads(with_payload(PICTURES[name], PAYLOAD))
    kept = [segment for segment in packed.segments if MARK not in segment.payload]
    differing = [one for one, other in zip(base.segments, kept, strict=True) if one != other]

    assert all(segment.payload.startswith(MPF_NAME) for segment in differing)
    assert (packed.scans, packed.trailer) == (base.scans, base.trailer)
    assert len(packed.segments) - len(kept) == 3


def test_the_payload_stands_behind_exif_and_profile_and_before_the_index():
    names = [s.payload.split(b"\0")[0] for s in loads(with_payload(ULTRA_HDR, b"abc")).segments]
    at = names.index(b"JP")

    assert names[:2] == [b"JFIF", b"Exif"]
    assert names.index(b"ICC_PROFILE") < at
    assert names[at + 1] == b"MPF"


def test_the_gain_map_of_an_ultra_hdr_picture_stays_at_its_place():
    packed = with_payload(ULTRA_HDR, PAYLOAD)
    first, second = listed_pictures(loads(packed))
    header_at = packed.index(MPF_NAME) + len(MPF_NAME)

    assert packed[header_at + second.offset :] == loads(ULTRA_HDR).trailer
    assert second.n_bytes == len(loads(ULTRA_HDR).trailer)
    assert first.n_bytes == len(packed) - second.n_bytes
    np.testing.assert_array_equal(loads_ultra_hdr(packed)[1].codes, loads_ultra_hdr(ULTRA_HDR)[1].codes)


@pytest.mark.parametrize("put", [with_payload, with_trailer])
def test_libultrahdr_sees_the_same_light(put):
    packed = put(ULTRA_HDR, PAYLOAD)
    one, other = (imagecodecs.ultrahdr_decode(content, dtype="float16") for content in (packed, ULTRA_HDR))

    np.testing.assert_array_equal(one, other)


def test_an_index_follows_its_pictures_when_an_older_payload_behind_it_is_taken_out():
    index = mpf_segment(1000, 200_000, 9)
    ours = segments_with(b"abc", loads(PLAIN))
    packed = dumps(with_segments(loads(PLAIN), (index, *ours)))
    first, second = listed_pictures(loads(without_payload(packed)))

    assert first.n_bytes == 1000 - len(ours[0].content)
    assert second.offset == 200_000 - len(ours[0].content)


@pytest.mark.parametrize("name", PICTURES)
def test_a_newer_payload_takes_the_place_of_the_older(name):
    once = with_payload(PICTURES[name], b"abc")

    assert with_payload(with_payload(PICTURES[name], PAYLOAD), b"abc") == once
    assert with_payload(with_trailer(PICTURES[name], PAYLOAD), b"abc") == once
    assert with_trailer(once, b"abc") == with_trailer(PICTURES[name], b"abc")


def test_boxes_of_other_programs_stay_and_are_not_taken_for_ours():
    packed = with_payload(PICTURES["c2pa"], PAYLOAD)

    assert C2PA in [segment.payload for segment in loads(packed).segments]
    assert payload_of(packed) == PAYLOAD
    with pytest.raises(NoSidecarError):
        payload_of(PICTURES["c2pa"])


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_without_a_payload_has_none(name):
    for look in (payload_of, payload_behind):
        with pytest.raises(NoSidecarError, match="rawtool pack"):
            look(PICTURES[name])


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("more", [b"", b"something of a later program"])
def test_a_payload_behind_is_found_from_the_end(name, more):
    packed = with_trailer(PICTURES[name], PAYLOAD)

    assert packed.startswith(PICTURES[name])
    assert payload_behind(packed + more) == PAYLOAD
    assert without_payload(packed + more) == PICTURES[name] + more


@pytest.mark.parametrize("payload", [b"", b"abc"])
def test_a_payload_behind_has_the_bytes_that_are_documented(payload):
    mark = bytes.fromhex("1503a2ff9b2a427d8be0eb535874a671")
    lengths = struct.pack(">QI", len(payload), zlib.crc32(payload))

    assert with_trailer(PLAIN, payload) == PLAIN + mark + payload + lengths + mark


def test_every_flipped_bit_behind_a_picture_is_damage():
    start, packed = len(PLAIN), with_trailer(PLAIN, b"payload")
    for at in range(8 * start, 8 * len(packed)):
        damaged = bytearray(packed)
        damaged[at // 8] ^= 1 << at % 8
        with pytest.raises(DamagedSidecarError):
            payload_behind(bytes(damaged))


def test_a_cut_payload_behind_a_picture_is_damage():
    start, packed = len(PLAIN), with_trailer(PLAIN, b"payload")
    for n_bytes in range(start + 16, len(packed)):
        with pytest.raises(DamagedSidecarError):
            payload_behind(packed[:n_bytes])


def test_a_picture_that_is_only_a_trailer_is_damage():
    with pytest.raises(DamagedSidecarError):
        payload_behind(with_trailer(PLAIN, b"abc")[-16:])


def test_a_payload_is_found_inside_then_behind_then_beside(tmp_path):
    path = tmp_path / "a.jpg"
    sidecar_of(path).write_bytes(b"beside")
    found = []
    for content in (PLAIN, with_trailer(PLAIN, b"behind"), with_payload(PLAIN, b"inside")):
        path.write_bytes(content)
        found.append(find_payload(path))

    assert found == [b"beside", b"behind", b"inside"]
    assert sidecar_of(path) == tmp_path / "a.jpg.rawtool"


def test_a_picture_with_nothing_anywhere_has_no_payload(tmp_path):
    (tmp_path / "a.jpg").write_bytes(PLAIN)
    (tmp_path / "a.png").write_bytes(b"\x89PNG")

    with pytest.raises(NoSidecarError, match="inside, behind or beside"):
        find_payload(tmp_path / "a.jpg")
    with pytest.raises(NoSidecarError, match="not a JPEG"):
        find_payload(tmp_path / "a.png")


def test_damage_inside_is_said_even_with_a_sidecar_beside(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(with_payload(PLAIN, PAYLOAD).replace(PAYLOAD[:40], PAYLOAD[1:41]))
    sidecar_of(path).write_bytes(b"beside")

    with pytest.raises(DamagedSidecarError, match="part 1 fails"):
        find_payload(path)


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        find_payload(tmp_path / "missing.jpg")
    with pytest.raises(InputError, match="directory"):
        find_payload(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no JPEG", PLAIN[:300]])
def test_what_is_no_jpeg_is_a_corrupt_file(content):
    for refuse in (payload_of, scan_sha256, without_payload, lambda c: with_payload(c, b"")):
        with pytest.raises(CorruptFileError):
            refuse(content)


def test_a_packed_jpeg_that_is_cut_is_a_damaged_sidecar():
    packed = with_payload(PLAIN, PAYLOAD)

    with pytest.raises(DamagedSidecarError, match="damaged or cut short"):
        payload_of(packed[: len(packed) - 100])


@pytest.mark.parametrize("name", PICTURES)
def test_the_scan_does_not_change_by_what_is_said_of_the_picture(name):
    base = PICTURES[name]
    expected = scan_sha256(base)
    edited = with_application(base, EXIF_NAME, b"MM\0*" + bytes(8), marker=APP1)

    for changed in (with_payload(base, PAYLOAD), with_trailer(base, PAYLOAD), edited):
        assert scan_sha256(changed) == expected


def test_every_other_scan_is_another():
    different = [PICTURES[name] for name in ("plain", "bare", "progressive", "restarts", "420", "grey")]
    different += [jpeg(NOISE, quality=94), PLAIN.replace(b"\xff\xdb", b"\xff\xdd", 1)]
    at = len(PLAIN) - 50
    different.append(PLAIN[:at] + bytes([PLAIN[at] ^ 1]) + PLAIN[at + 1 :])

    assert len({scan_sha256(content) for content in different}) == len(different)


def test_the_scan_is_hashed_with_its_tables():
    content = imagecodecs.jpeg8_encode(NOISE, level=90)
    first_table = min(content.index(b"\xff\xdb"), content.index(b"\xff\xc0"))

    assert scan_sha256(content) == hashlib.sha256(content[first_table:]).hexdigest()


def test_a_golden_packed_jpeg_of_version_1_is_read_for_ever(root):
    path = root / "tests" / "golden" / "packed-v1.jpg"
    base = without_payload(path.read_bytes())

    assert loads_container(find_payload(path)) == CONTAINER
    assert imagecodecs.jpeg8_decode(base).shape == (40, 56, 3)
    assert scan_sha256(base) == "212069576413f903ce133dba4488842fc9ec28f5e27387d2843759b6ee666c5e"


@needs("exiftool")
def test_exiftool_reads_it_without_a_warning_of_its_own(tmp_path):
    def said(folder, contents):
        (tmp_path / folder).mkdir()
        for name, content in contents.items():
            (tmp_path / folder / f"{name}.jpg").write_bytes(content)
        words = ("-json", "-a", "-G4", "-validate", "-warning", "-error", "-JUMDLabel", tmp_path / folder)
        return sorted(json.loads(run("exiftool", *words)), key=lambda found: found.pop("SourceFile"))

    before = said("base", PICTURES)
    after = said("packed", {name: with_payload(content, PAYLOAD) for name, content in PICTURES.items()})

    assert len(after) == len(PICTURES)
    for one, other in zip(before, after, strict=True):
        labels = {key: value for key, value in other.items() if key not in one}
        assert list(labels.values()) == ["rawtool.sidecar"]
        assert one == {key: value for key, value in other.items() if key not in labels}


@needs("exiftool")
@pytest.mark.parametrize("name", ["plain", "ultra hdr", "c2pa"])
def test_the_payload_survives_edits_of_exiftool(name, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(with_payload(PICTURES[name], PAYLOAD))
    run("exiftool", "-q", "-m", "-Artist=A", "-Orientation#=3", "-gps:all=", "-xmp:all=", path)

    assert b"\0\3" in payloads(loads(path.read_bytes()), APP1, EXIF_NAME)[0]
    assert payload_of(path.read_bytes()) == PAYLOAD
    assert scan_sha256(path.read_bytes()) == scan_sha256(PICTURES[name])


@needs("exiftool")
def test_a_payload_that_exiftool_took_out_is_not_there(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(with_payload(PLAIN, PAYLOAD))
    run("exiftool", "-q", "-all=", path)

    with pytest.raises(NoSidecarError):
        find_payload(path)


@needs("jpegtran")
@pytest.mark.parametrize("how", [["-rotate", "90", "-trim"], ["-optimize"], ["-progressive"]], ids=str)
def test_the_payload_survives_jpegtran_and_the_scan_tells(how, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(with_payload(PLAIN, PAYLOAD))
    turned = run("jpegtran", "-copy", "all", *how, path)

    assert payload_of(turned) == PAYLOAD
    assert scan_sha256(turned) != scan_sha256(PLAIN)


@pytest.mark.skipif(not is_imagemagick(), reason="ImageMagick is not installed")
def test_the_payload_survives_imagemagick_and_the_scan_tells(tmp_path):
    (tmp_path / "a.jpg").write_bytes(with_payload(PLAIN, PAYLOAD))
    run("convert", tmp_path / "a.jpg", "-resize", "50%", tmp_path / "b.jpg")
    saved = (tmp_path / "b.jpg").read_bytes()

    assert payload_of(saved) == PAYLOAD
    assert scan_sha256(saved) != scan_sha256(PLAIN)


@pytest.mark.parametrize("marker", [APP2, 0xEF])
def test_a_name_in_another_segment_is_a_trace_of_a_lost_payload(marker):
    content = dumps(with_segments(loads(PLAIN), (segment_of(marker, b"JP" + MARK),)))

    assert payloads(loads(content), marker, b"JP") == [MARK]
    with pytest.raises(DamagedSidecarError, match="what is left of it"):
        payload_of(content)
