import json
from pathlib import Path

import numpy as np
import pytest

from rawtool.cli.main import run
from rawtool.codec.facts import BaseSource
from rawtool.io.dng import write_dng
from rawtool.io.packed import read_packed
from rawtool.io.packedjpeg import without_payload
from rawtool.io.raw import read_raw
from rawtool.pipelines import pack as journey
from rawtool.pipelines.packroom import Goal
from rawtool.vocabulary import Embed
from tests import packs

MINE = ["--base", "mine.jpg"]


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    """Two raws and a JPEG of the same scene, which is the camera's own as well."""
    monkeypatch.chdir(tmp_path)
    packs.use_toy_exact_coder(monkeypatch)
    for name in ("a.dng", "b.dng"):
        write_dng(packs.frame(), Path(name))
    content = packs.jpeg(packs.codes())
    Path("mine.jpg").write_bytes(content)
    monkeypatch.setattr("rawtool.pipelines.basepicture.read_preview", lambda _path: content)
    monkeypatch.setattr("rawtool.pipelines.packroom.open_learned", lambda *_: packs.ToyCoder())


def made():
    return sorted({path.name for path in Path().iterdir()} - {"a.dng", "b.dng", "mine.jpg"})


def settings_of(words, monkeypatch):
    """What a command line asks the journey for."""
    asked = []
    work = journey.pack
    monkeypatch.setattr(
        "rawtool.batch.pack.pack", lambda *given, **more: asked.append(given[3]) or work(*given, **more)
    )
    assert run(["pack", "a.dng", *words]) == 0
    return asked[0]


def test_a_raw_is_packed_and_unpacked_bit_for_bit(capsys):
    assert run(["pack", "a.dng", "--lossless", *MINE]) == 0
    assert run(["unpack", "a_packed.jpg"]) == 0

    np.testing.assert_array_equal(read_raw(Path("a_packed_raw.dng")).samples, read_raw(Path("a.dng")).samples)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "rawtool: a.dng: every photosite identical, " in captured.err
    assert made() == ["a_packed.jpg", "a_packed_raw.dng"]


def test_programs_read_the_figures(capsys):
    assert run(["pack", "a.dng", *MINE, "--json"]) == 0

    event, summary = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (event["event"], summary["done"]) == ("file", 1)
    assert event["metrics"]["is_verified"] is True
    assert event["metrics"]["raw_file_bytes"] == Path("a.dng").stat().st_size
    assert event["metrics"]["psnr_db"] > 30
    assert event["model"] == {"name": "toy@1", "sha256": "ab" * 32}


@pytest.mark.parametrize(
    ("words", "goal"),
    [
        ([], Goal(rate=3.0)),
        (["--rate", "0"], Goal(rate=0.0)),
        (["--rate", "4.5"], Goal(rate=4.5)),
        (["--target-bpp", "6"], Goal(target_bpp=6.0)),
        (["--min-psnr", "45"], Goal(min_psnr_db=45.0)),
        (["--max-error", "12"], Goal(max_error_dn=12)),
        (["--max-error", "0"], Goal(max_error_dn=0)),
        (["--lossless"], Goal(max_error_dn=0)),
    ],
)
def test_every_goal_reaches_the_journey(words, goal, monkeypatch):
    assert settings_of([*words, *MINE], monkeypatch).goal == goal


def test_what_is_said_of_the_picture_reaches_the_journey(monkeypatch):
    words = ["--base", "camera", "--embed", "trailer", "--no-verify", "--quality", "71", "--tile", "256"]

    settings = settings_of(words, monkeypatch)

    assert (settings.base, settings.base_file, settings.embed) == (BaseSource.CAMERA, None, Embed.TRAILER)
    assert (settings.is_verified, settings.quality, settings.tile) == (False, 71, 256)


def test_the_defaults_are_those_of_the_manual(monkeypatch):
    settings = settings_of(MINE, monkeypatch)

    assert (settings.base, settings.base_file) == (BaseSource.FILE, Path("mine.jpg"))
    assert (settings.embed, settings.is_verified, settings.quality) == (Embed.APP11, True, 92)


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (
            ["a.dng", "--rate", "2", "--lossless"],
            2,
            "--rate and --lossless ask for different things; keep one",
        ),
        (["a.dng", "--max-error", "0", "--min-psnr", "9"], 2, "--min-psnr and --max-error ask for different"),
        (["a.dng", "--rate", "5.1"], 2, "Invalid value for '--rate'"),
        (["a.dng", "--max-error", "-1"], 2, "Invalid value for '--max-error'"),
        (["a.dng", "--base", "mine.png"], 2, "neither develop nor camera"),
        (["a.dng", "b.dng", *MINE], 2, "is the picture of one raw, but 2 are selected"),
        (["a.dng", *MINE, "-o", "mine.jpg", "-f"], 2, "never written over"),
        (["a.dng", *MINE, "-o", "x.png"], 2, "use one of .jpeg .jpg"),
        (["a.dng", *MINE, "-o", "-", "--embed", "sidecar"], 2, "makes two files, standard output takes one"),
        (["a.dng", *MINE, "-o", "a.dng", "-f"], 2, "a.dng"),
        (["nothing-*.dng"], 4, "no input matched"),
        (["mine.jpg", *MINE], 7, "this is a JPEG picture, not a raw file"),
        (["a.dng", "--base", "none.jpg"], 7, "cannot be read: no such file"),
        (["a.dng", *MINE, "--min-psnr", "119"], 11, "does not reach 119 dB"),
        (["a.dng", *MINE, "--target-bpp", "0.01"], 11, "takes more than 0.01 bpp"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(words, code, line, capsys):
    assert run(["pack", *words, "--progress", "none"]) == code

    err = capsys.readouterr().err
    assert line in err
    assert err.startswith("rawtool: error: ")
    assert made() == []


def test_a_file_that_does_not_pass_its_check_gets_no_name(monkeypatch, capsys):
    monkeypatch.setattr(
        "rawtool.pipelines.packverify.decode_samples", lambda *_: packs.frame().samples + np.uint16(1)
    )

    assert run(["pack", "a.dng", "--lossless", *MINE]) == 11

    assert "1 counts off where 0 were allowed" in capsys.readouterr().err
    assert made() == []


def test_names_that_are_taken_are_left_alone(capsys):
    Path("a_packed.jpg").write_bytes(b"older")

    assert run(["pack", "a.dng", "--lossless", *MINE]) == 6
    assert Path("a_packed.jpg").read_bytes() == b"older"
    assert run(["pack", "a.dng", "--lossless", *MINE, "--skip-existing"]) == 0
    assert Path("a_packed.jpg").read_bytes() == b"older"
    assert run(["pack", "a.dng", "--lossless", *MINE, "-f"]) == 0
    assert len(read_packed(Path("a_packed.jpg"))[1]) > 1000


def test_input_and_output_may_be_named_one_after_the_other():
    assert run(["pack", "a.dng", "out.jpg", "--lossless", *MINE]) == 0

    assert made() == ["out.jpg"]
    assert without_payload(Path("out.jpg").read_bytes()) == Path("mine.jpg").read_bytes()


def test_the_raw_may_stand_beside():
    assert run(["pack", "a.dng", "--lossless", *MINE, "--embed", "sidecar"]) == 0
    assert run(["unpack", "a_packed.jpg"]) == 0

    assert made() == ["a_packed.jpg", "a_packed.jpg.rawtool", "a_packed_raw.dng"]
    assert Path("a_packed.jpg").read_bytes() == Path("mine.jpg").read_bytes()


def test_a_dry_run_writes_nothing(capsys):
    assert run(["pack", "a.dng", "--lossless", *MINE, "--dry-run"]) == 0

    assert made() == []
    assert "a.dng -> a_packed.jpg (write" in capsys.readouterr().out
