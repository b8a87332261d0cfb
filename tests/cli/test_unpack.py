import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from rawtool.cli.main import run
from rawtool.io.dng import write_dng
from rawtool.io.packed import read_packed
from rawtool.io.packedjpeg import with_payload
from rawtool.io.raw import read_raw
from tests import packs

FIRST = {"a.dng", "mine.jpg", "a_packed.jpg"}


@pytest.fixture(autouse=True)
def _packed(tmp_path, monkeypatch, capsys):
    """A raw, a JPEG of the same scene, and both in one file."""
    monkeypatch.chdir(tmp_path)
    packs.use_toy_exact_coder(monkeypatch)
    write_dng(packs.frame(), Path("a.dng"))
    Path("mine.jpg").write_bytes(packs.jpeg(packs.codes()))
    monkeypatch.setattr("rawtool.pipelines.packroom.open_learned", lambda *_: packs.ToyCoder())
    assert run(["pack", "a.dng", "--lossless", "--base", "mine.jpg", "-q"]) == 0
    capsys.readouterr()


def made():
    return sorted({path.name for path in Path().iterdir()} - FIRST)


def save_again():
    """Do to the packed picture what an editor does that keeps the raw inside."""
    payload = read_packed(Path("a_packed.jpg"))[1]
    with PIL.Image.open("a_packed.jpg") as picture:
        picture.save("b.jpg", quality=70)
    Path("a_packed.jpg").write_bytes(with_payload(Path("b.jpg").read_bytes(), payload))
    Path("b.jpg").unlink()


@pytest.mark.parametrize(
    ("words", "name"), [(["x.dng"], "x.dng"), ([], "a_packed_raw.dng"), (["-o", "out/"], "out")]
)
def test_outputs_are_named_as_everywhere(words, name):
    assert run(["unpack", "a_packed.jpg", *words]) == 0

    assert made() == [name]


@pytest.mark.parametrize("word", ["npy", "tiff"])
def test_plain_arrays_are_written_on_demand(word):
    assert run(["unpack", "a_packed.jpg", "--format", word]) == 0

    assert made() == [f"a_packed_raw.{word}"]
    if word == "npy":
        np.testing.assert_array_equal(np.load("a_packed_raw.npy"), read_raw(Path("a.dng")).samples)


def test_a_check_says_what_the_file_is_and_writes_nothing(capsys):
    assert run(["unpack", "a_packed.jpg", "--check"]) == 0

    out = capsys.readouterr().out
    for words in (
        "a_packed.jpg\n",
        "Acme Box 1",
        "exact coder",
        "file, as packed",
        "every photosite identical",
    ):
        assert words in out
    assert made() == []


def test_a_check_for_programs(capsys):
    assert run(["unpack", "a_packed.jpg", "--check", "--json"]) == 0

    event = json.loads(capsys.readouterr().out)
    assert (event["event"], event["coder"], event["is_unchanged"]) == ("packed", "exact", True)
    assert event["metrics"]["is_identical"] is True
    assert event["sidecar_bytes"] == len(read_packed(Path("a_packed.jpg"))[1])


@pytest.mark.parametrize("words", [[], ["--check"]])
def test_a_picture_that_was_saved_again_is_exit_12(words, capsys):
    save_again()

    assert run(["unpack", "a_packed.jpg", *words]) == 12

    captured = capsys.readouterr()
    assert "rawtool: error: a_packed.jpg: the picture was re-saved or edited after packing" in captured.err
    assert (captured.out, made()) == ("", [])


def test_a_picture_that_was_saved_again_may_be_tried_where_the_coder_bears_it(capsys):
    assert run(["pack", "a.dng", "--base", "mine.jpg", "-f"]) == 0
    save_again()

    assert run(["unpack", "a_packed.jpg", "--allow-modified"]) == 0

    assert "warning: a_packed.jpg: the picture was changed" in capsys.readouterr().err
    assert made() == ["a_packed_raw.dng"]


@pytest.mark.parametrize("words", [[], ["--check"]])
def test_a_picture_without_a_raw_is_exit_12(words, capsys):
    assert run(["unpack", "mine.jpg", *words]) == 12

    assert "no raw is inside" in capsys.readouterr().err


def test_info_says_what_is_inside(capsys):
    assert run(["info", "a_packed.jpg", "a.dng"]) == 0

    out = capsys.readouterr().out
    assert out.index("exact coder") < out.index("neutral")
    assert run(["info", "a_packed.jpg", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["event"] == "packed"


def test_a_dry_run_writes_nothing(capsys):
    assert run(["unpack", "a_packed.jpg", "-n"]) == 0

    assert "a_packed.jpg -> a_packed_raw.dng (write" in capsys.readouterr().out
    assert made() == []


def test_names_that_are_taken_are_left_alone():
    Path("a_packed_raw.dng").write_bytes(b"older")

    assert run(["unpack", "a_packed.jpg"]) == 6
    assert Path("a_packed_raw.dng").read_bytes() == b"older"
