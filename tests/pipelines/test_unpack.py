"""A JPEG that carries a raw to that raw, and which JPEGs are refused."""

import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import rawpy
import tifffile

from rawtool.codec.facts import BaseSource
from rawtool.errors import (
    CorruptFileError,
    DamagedSidecarError,
    DecoderMismatchError,
    ModifiedBaseError,
    NewerSidecarError,
    NoSidecarError,
    OutputExistsError,
)
from rawtool.io.exif import loads
from rawtool.io.orientation import upright
from rawtool.io.packed import read_packed
from rawtool.io.packedjpeg import payload_of, with_payload, without_payload
from rawtool.io.raw import read_raw
from rawtool.pipelines import unpack as journey
from rawtool.pipelines.pack import RawFile, pack
from rawtool.pipelines.packroom import Goal, PackRoom, PackSettings, UnpackRoom, UnpackSettings
from rawtool.pipelines.unpack import GUESSED, RECODED, unpack
from rawtool.vocabulary import Format
from tests import packs, raws

TOY = packs.ToyCoder()
PACKED, DNG = Path("a.jpg"), Path("a.dng")
EXACT, NEAR, RATE = Goal(max_error_dn=0), Goal(max_error_dn=4), Goal(rate=2.0)


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    packs.use_toy_exact_coder(monkeypatch)


def packed(frame=None, goal=EXACT):
    """Pack a frame into PACKED."""
    frame = packs.frame(orientation=6) if frame is None else frame
    Path("mine.jpg").write_bytes(packs.jpeg(packs.codes(frame.capture.orientation)))
    settings = PackSettings(goal, BaseSource.FILE, Path("mine.jpg"))
    taken = RawFile(Path("a.raw"), 1, frame)
    pack(lambda: taken, PACKED, PackRoom(None, TOY), settings, overwrite=True)
    Path("mine.jpg").unlink()
    return frame


def go(target=DNG, kind=Format.DNG, *, allows_modified=False, **said):
    return unpack(PACKED, target, UnpackRoom(lambda _: TOY), UnpackSettings(kind, allows_modified), **said)


def saved_again(content):
    """The picture as an editor saves it, the payload carried over."""
    stream = io.BytesIO()
    with PIL.Image.open(io.BytesIO(content)) as picture:
        picture.save(stream, "JPEG", quality=80)
    return with_payload(stream.getvalue(), payload_of(content))


def changed(how):
    PACKED.write_bytes(how(PACKED.read_bytes()))


@pytest.mark.parametrize("kind", raws.KINDS)
def test_the_dng_of_every_sensor_holds_the_very_samples(kind):
    frame = packed(packs.frame(kind, 6))

    go()

    found = read_raw(DNG)
    np.testing.assert_array_equal(found.samples, frame.samples)
    assert (found.kind, found.cfa, found.crop) == (frame.kind, frame.cfa, frame.crop)
    assert (found.black_level, found.white_level) == (frame.black_level, frame.white_level)
    assert found.capture.orientation == 6


def test_libraw_reads_the_same_mosaic():
    frame = packed()

    go()

    with rawpy.imread(str(DNG)) as opened:
        np.testing.assert_array_equal(opened.raw_image, frame.samples)


def test_a_dng_that_is_the_same_does_not_name_rawtool_and_others_do():
    packed()
    go()
    same = read_raw(DNG)
    packed(goal=NEAR)
    go(overwrite=True)
    near = read_raw(DNG)
    packed(goal=RATE)
    go(overwrite=True)
    learned = read_raw(DNG)

    assert (same.capture.xmp, b"rawtool" in (same.capture.exif or b"")) == (None, False)
    assert b"largest error" in near.capture.xmp
    assert b"toy@1" in learned.capture.xmp
    assert any(b"rawtool" in entry.payload for entry in loads(learned.capture.exif).main)


@pytest.mark.parametrize(("kind", "read"), [(Format.NPY, np.load), (Format.TIFF, tifffile.imread)])
def test_plain_arrays_are_the_samples(kind, read):
    frame = packed()

    go(Path("a.array"), kind)

    np.testing.assert_array_equal(read("a.array"), frame.samples)


def test_the_learned_coder_is_opened_for_its_own_files_only():
    packed()
    unpack(PACKED, DNG, UnpackRoom(lambda _: pytest.fail("opened")), UnpackSettings())
    packed(goal=RATE)

    report = go(overwrite=True)

    assert (report.model, report.device) == ("toy@1", "cpu")


def test_the_report_repeats_what_was_measured():
    packed(goal=NEAR)

    report = go()

    metrics = dict(report.metrics)
    assert (metrics["is_unchanged"], metrics["is_verified"], metrics["is_identical"]) == (True, True, False)
    assert report.said.startswith("when it was packed: mosaic ")
    assert [stage for stage, _ in report.seconds] == ["read", "decode", "encode"]


def test_a_picture_that_was_saved_again_is_refused():
    packed()
    changed(saved_again)

    with pytest.raises(ModifiedBaseError, match=r"re-saved or edited .* --allow-modified to try"):
        go()
    assert not DNG.exists()


def test_a_picture_that_was_turned_is_refused():
    packed()
    before = PACKED.read_bytes()
    stream = io.BytesIO()
    with PIL.Image.open(io.BytesIO(before)) as picture:
        picture.transpose(PIL.Image.Transpose.ROTATE_90).save(stream, "JPEG", quality=95)
    PACKED.write_bytes(with_payload(stream.getvalue(), payload_of(before)))

    with pytest.raises(ModifiedBaseError, match="turned, cropped or resized to 112 x 84"):
        go()


def test_a_picture_that_was_saved_again_gives_a_guess_that_is_called_one():
    packed(goal=RATE)
    changed(saved_again)

    report = go(allows_modified=True)

    assert report.warnings == (GUESSED,)
    assert "guess" in report.said
    assert b"NOT that raw" in read_raw(DNG).capture.xmp


@pytest.mark.skipif(shutil.which("jpegtran") is None, reason="jpegtran is not here")
def test_a_picture_whose_codes_were_written_anew_is_the_same():
    frame = packed()
    subprocess.run(["jpegtran", "-copy", "all", "-optimize", "-outfile", "b.jpg", str(PACKED)], check=True)
    changed(lambda _: Path("b.jpg").read_bytes())

    report = go()

    assert report.warnings == (RECODED,)
    np.testing.assert_array_equal(read_raw(DNG).samples, frame.samples)


EDITS = (
    ("exiftool", "-q", "-overwrite_original", "-Artist=me", "-n", "-Orientation=8"),
    ("exiv2", "-Mset Exif.Image.Artist me", "-Mset Exif.Image.Orientation 8"),
    ("exiv2", "-ca comment"),
)


@pytest.mark.parametrize("edit", EDITS, ids=" ".join)
def test_tags_may_be_edited_the_orientation_too(edit):
    if shutil.which(edit[0]) is None:
        pytest.skip(f"{edit[0]} is not here")
    frame = packed()
    before = PACKED.read_bytes()
    subprocess.run([*edit, str(PACKED)], check=True)
    assert PACKED.read_bytes() != before

    assert go().warnings == ()
    np.testing.assert_array_equal(read_raw(DNG).samples, frame.samples)


def test_a_jpeg_without_a_raw_is_refused():
    packed()
    changed(without_payload)

    with pytest.raises(NoSidecarError):
        go()


def test_what_is_no_jpeg_is_refused():
    PACKED.write_bytes(b"text")

    with pytest.raises((NoSidecarError, CorruptFileError)):
        go()


def test_damage_is_refused():
    packed()
    payload = bytearray(read_packed(PACKED)[1])
    payload[len(payload) // 2] ^= 4
    changed(lambda content: with_payload(content, bytes(payload)))

    with pytest.raises(DamagedSidecarError):
        go()
    assert not DNG.exists()


def test_a_newer_sidecar_is_refused_unless_asked_for(monkeypatch):
    with monkeypatch.context() as later:
        later.setattr("rawtool.codec.container.VERSION", 2)
        later.setattr("rawtool.pipelines.pack.VERSION", 2)
        frame = packed()

    with pytest.raises(NewerSidecarError, match="update rawtool"):
        go()
    unpack(PACKED, DNG, UnpackRoom(lambda _: TOY), UnpackSettings(allows_newer=True))

    np.testing.assert_array_equal(read_raw(DNG).samples, frame.samples)


def test_samples_that_were_not_promised_are_not_written(monkeypatch):
    packed()
    decode = journey.decode_samples
    monkeypatch.setattr(journey, "decode_samples", lambda *words: decode(*words) ^ np.uint16(1))

    with pytest.raises(DecoderMismatchError, match="what came out is not what was packed"):
        go()
    assert not DNG.exists()


def test_another_network_is_refused():
    packed(goal=RATE)
    other = replace(TOY, digest=b"?" * 32)

    with pytest.raises(DecoderMismatchError):
        unpack(PACKED, DNG, UnpackRoom(lambda _: other), UnpackSettings())


def test_nothing_is_overwritten_unless_asked():
    packed()
    DNG.write_bytes(b"older")

    with pytest.raises(OutputExistsError):
        go()
    assert DNG.read_bytes() == b"older"
    go(overwrite=True)
    assert DNG.stat().st_size > 1000


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_dng_has_the_picture_as_its_preview_and_turns_both_alike(orientation):
    packed(packs.frame(orientation=orientation))
    go()

    with rawpy.imread(str(DNG)) as opened:
        small = PIL.Image.open(io.BytesIO(opened.extract_thumb().data))
    turned = upright(np.asarray(small), read_raw(DNG).capture.orientation)
    expected = PIL.Image.open(PACKED).resize((turned.shape[1], turned.shape[0]), PIL.Image.Resampling.BOX)
    height, width = np.asarray(PIL.Image.open(PACKED)).shape[:2]
    assert max(turned.shape) == max(height, width) // 2
    apart = np.abs(turned.astype(float) - np.asarray(expected))
    others = [
        np.abs(turned[::-1].astype(float) - np.asarray(expected)),
        np.abs(turned[:, ::-1].astype(float) - np.asarray(expected)),
    ]
    assert apart.mean() < 0.5 * min(other.mean() for other in others)
