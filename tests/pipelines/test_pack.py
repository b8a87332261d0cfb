"""The whole walk: a raw on disk to a JPEG on disk that carries it."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from rawtool.codec.facts import BaseSource
from rawtool.errors import InputError, OutputExistsError, UnsupportedRawError, VerificationError
from rawtool.io.dng import write_dng
from rawtool.io.packed import read_packed
from rawtool.io.packedjpeg import sidecar_of, without_payload
from rawtool.io.raw import read_raw
from rawtool.pipelines import pack as journey
from rawtool.pipelines.pack import UNVERIFIED, pack, read_raw_file
from rawtool.pipelines.packing import open_sidecar
from rawtool.pipelines.packroom import Goal, PackRoom, PackSettings, UnpackRoom, UnpackSettings
from rawtool.pipelines.unpack import unpack
from rawtool.vocabulary import Embed, Format
from tests import packs, raws

EXACT = PackSettings(Goal(max_error_dn=0), BaseSource.FILE, Path("mine.jpg"))
TOY = packs.ToyCoder()
ROOM = PackRoom(None, TOY)


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    """A raw and a JPEG of the same scene."""
    monkeypatch.chdir(tmp_path)
    packs.use_toy_exact_coder(monkeypatch)
    write_dng(packs.frame(orientation=6), Path("a.dng"))
    Path("mine.jpg").write_bytes(packs.jpeg(packs.codes(6)))


def made():
    return sorted({path.name for path in Path().iterdir()} - {"a.dng", "mine.jpg"})


def go(settings=EXACT, room=ROOM, **said):
    return pack(Path("a.dng"), Path("a_packed.jpg"), room, settings, **said)


def samples_again(path="a_packed.jpg"):
    unpack(
        Path(path), Path("again.npy"), UnpackRoom(lambda _: TOY), UnpackSettings(Format.NPY), overwrite=True
    )
    return np.load("again.npy")


@pytest.mark.parametrize("embed", Embed)
def test_the_raw_comes_back_bit_for_bit_wherever_it_stands(embed):
    report = go(replace(EXACT, embed=embed))

    np.testing.assert_array_equal(samples_again(), read_raw(Path("a.dng")).samples)
    assert dict(report.metrics)["is_identical"] is True
    assert (sidecar_of(Path("a_packed.jpg")).exists(), len(made())) == (
        embed is Embed.SIDECAR,
        2 + (embed is Embed.SIDECAR),
    )


def test_the_users_jpeg_is_inside_byte_for_byte_and_the_input_stays():
    before = Path("a.dng").read_bytes()

    go()

    assert without_payload(Path("a_packed.jpg").read_bytes()) == Path("mine.jpg").read_bytes()
    assert Path("a.dng").read_bytes() == before


def test_every_program_shows_the_picture():
    go()

    with PIL.Image.open("a_packed.jpg") as packed, PIL.Image.open("mine.jpg") as mine:
        np.testing.assert_array_equal(np.asarray(packed), np.asarray(mine))


def test_a_developed_base_carries_the_raw_too(darkroom):
    report = go(PackSettings(Goal(max_error_dn=0)), PackRoom(darkroom, None))

    np.testing.assert_array_equal(samples_again(), read_raw(Path("a.dng")).samples)
    assert (report.model, report.device) == (darkroom.model.label, "cpu")
    with PIL.Image.open("a_packed.jpg") as picture:
        assert picture.size == (84, 112)


def test_the_camera_s_own_jpeg_carries_the_raw_too(monkeypatch):
    monkeypatch.setattr("rawtool.pipelines.basepicture.read_preview", lambda _path: packs.jpeg(packs.codes()))

    go(PackSettings(Goal(max_error_dn=0), BaseSource.CAMERA))

    np.testing.assert_array_equal(samples_again(), read_raw(Path("a.dng")).samples)
    with PIL.Image.open("a_packed.jpg") as picture:
        assert picture.getexif()[274] == 6


@pytest.mark.parametrize("kind", raws.KINDS)
def test_every_sensor_is_packed_exactly(kind):
    frame = packs.frame(kind, 6)
    taken = journey.RawFile(Path("a.dng"), 1000, frame)

    pack(lambda: taken, Path("a_packed.jpg"), ROOM, EXACT)

    np.testing.assert_array_equal(samples_again(), frame.samples)


@pytest.mark.parametrize("rate", [0.0, 5.0])
def test_a_rate_says_what_it_reaches(rate):
    report = go(replace(EXACT, goal=Goal(rate=rate)))

    metrics, achieved = dict(report.metrics), open_sidecar(read_packed(Path("a_packed.jpg"))[1]).achieved
    error = np.abs(samples_again().astype(int) - read_raw(Path("a.dng")).samples).max()
    assert metrics["max_error_dn"] == achieved.max_error_dn == error > 0
    assert metrics["psnr_db"] == pytest.approx(achieved.psnr_db, abs=1e-3)
    assert metrics["is_verified"]
    assert (metrics["is_identical"], report.model) == (False, "toy@1")


def test_a_budget_counts_the_whole_sidecar():
    metrics = dict(go(replace(EXACT, goal=Goal(target_bpp=3.0))).metrics)

    assert 2.5 < metrics["bpp"] <= 3.0


def test_the_sizes_are_those_of_the_files():
    metrics = dict(go().metrics)

    assert metrics["raw_file_bytes"] == Path("a.dng").stat().st_size
    assert metrics["base_bytes"] == Path("mine.jpg").stat().st_size
    assert metrics["sidecar_bytes"] == len(read_packed(Path("a_packed.jpg"))[1])
    n_photosites = packs.HEIGHT * packs.WIDTH
    assert metrics["bpp"] == pytest.approx(8 * metrics["sidecar_bytes"] / n_photosites, abs=1e-4)


def test_without_verification_nothing_is_promised():
    report = go(replace(EXACT, is_verified=False))

    assert UNVERIFIED in report.warnings
    assert dict(report.metrics)["is_verified"] is False
    assert "not verified" in report.said
    assert open_sidecar(read_packed(Path("a_packed.jpg"))[1]).achieved is None
    np.testing.assert_array_equal(samples_again(), read_raw(Path("a.dng")).samples)


@pytest.mark.parametrize(
    "settings", [EXACT, replace(EXACT, goal=Goal(max_error_dn=3)), replace(EXACT, embed=Embed.SIDECAR)]
)
def test_a_coder_that_errs_leaves_nothing_under_the_final_name(settings, monkeypatch):
    decode = journey.Verification.__module__
    monkeypatch.setattr(f"{decode}.decode_samples", lambda *_: read_raw(Path("a.dng")).samples + np.uint16(4))

    with pytest.raises(VerificationError, match="4 counts off"):
        go(settings)

    assert made() == []


def test_an_older_output_survives_a_failure(monkeypatch):
    Path("a_packed.jpg").write_bytes(b"older")
    monkeypatch.setattr(
        "rawtool.pipelines.packverify.decode_samples", lambda *_: np.zeros((92, 122), np.uint16)
    )

    with pytest.raises(VerificationError):
        go(overwrite=True)
    with pytest.raises(OutputExistsError):
        go()

    assert (made(), Path("a_packed.jpg").read_bytes()) == (["a_packed.jpg"], b"older")


def test_a_rate_for_another_sensor_is_refused_before_any_work(monkeypatch):
    monkeypatch.setattr(journey, "_base", lambda *_: pytest.fail("a base was made"))
    taken = journey.RawFile(Path("a.dng"), 1000, packs.frame("X-Trans"))

    with pytest.raises(UnsupportedRawError, match="x-trans; use --lossless or --max-error"):
        pack(lambda: taken, Path("a_packed.jpg"), ROOM, replace(EXACT, goal=Goal(rate=3.0)))


def test_another_picture_is_refused():
    Path("mine.jpg").write_bytes(packs.jpeg(packs.codes(6, seed=2)))

    with pytest.raises(InputError, match="does not show what the raw shows"):
        go()
    assert made() == []


def test_floating_point_samples_are_never_called_bit_exact():
    frame = packs.frame(orientation=6)
    light = ((frame.samples - np.float32(512)) / 15000).astype(np.float32)
    floating = replace(frame, samples=light, black_level=(0.0,) * 4, white_level=1.0)

    report = pack(lambda: journey.RawFile(Path("a.dng"), 1, floating), Path("a_packed.jpg"), ROOM, EXACT)

    assert any("not bit for bit" in warning for warning in report.warnings)
    assert dict(report.metrics)["is_identical"] is False
    assert "identical" not in report.said


def test_progress_ends_at_one_and_only_grows():
    seen = []

    report = go(on_progress=seen.append)

    assert (seen, seen[-1]) == (sorted(seen), 1.0)
    assert [stage for stage, _ in report.seconds] == ["decode", "code", "verify"]


def test_a_raw_file_knows_its_length():
    taken = read_raw_file(Path("a.dng"))

    assert (taken.path, taken.n_bytes) == (Path("a.dng"), Path("a.dng").stat().st_size)
    assert math.prod(taken.frame.samples.shape) == packs.HEIGHT * packs.WIDTH
