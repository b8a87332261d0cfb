"""Pipes in the place of files: what comes in and goes out, and what is refused."""

import io
import json
import sys
from pathlib import Path

import pytest

from rawtool.cli.main import run
from tests.cli import fakes


class Pipe(io.TextIOWrapper):
    """A standard stream that is no terminal, over bytes that can be looked at."""

    def __init__(self, content=b""):
        self.bytes = io.BytesIO(content)
        super().__init__(self.bytes, encoding="utf-8")


@pytest.fixture(autouse=True)
def opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    Path("a.dng").write_bytes(b"one")
    Path("b.dng").write_bytes(b"two")
    return fakes.install(monkeypatch.setattr)


@pytest.fixture
def stdin(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Pipe(b"piped"))


def left():
    return sorted(path.name for path in Path().iterdir() if path.name != "tmp")


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path):
    yield
    assert not list((tmp_path / "tmp").iterdir())


def test_standard_input_is_a_file_like_any_other(stdin, capsys):
    assert run(["develop", "-", "x.jpg"]) == 0

    assert left() == ["a.dng", "b.dng", "x.jpg"]
    assert Path("x.jpg").read_bytes() == b"developed piped"
    assert "rawtool: - -> x.jpg" in capsys.readouterr().err


def test_its_name_is_the_one_that_was_told(stdin):
    assert run(["develop", "-", "-o", "out/", "--stdin-name", "IMG_7.nef"]) == 0

    assert [path.name for path in Path("out").iterdir()] == ["IMG_7_dev.jpg"]


def test_what_was_made_goes_to_standard_output_and_nowhere_else(stdin, capsysbinary):
    assert run(["develop", "-", "-o", "-"]) == 0

    assert capsysbinary.readouterr().out == b"developed piped"
    assert left() == ["a.dng", "b.dng"]


def test_a_file_goes_to_standard_output_in_the_format_that_was_asked(capsysbinary):
    assert run(["develop", "a.dng", "-o", "-", "--format", "tiff"]) == 0

    assert capsysbinary.readouterr().out == b"developed one"


def test_a_failure_sends_nothing(capsysbinary):
    assert run(["develop", "missing.dng", "-o", "-"]) == 7

    assert capsysbinary.readouterr().out == b""


def test_a_reader_that_goes_away_is_no_failure(monkeypatch, tmp_path):
    class Gone(io.RawIOBase):
        def writable(self):
            return True

        def write(self, content):
            raise BrokenPipeError

    with (tmp_path / "tmp" / "out").open("w") as real:
        gone = io.TextIOWrapper(io.BufferedWriter(Gone(), 1))
        gone.fileno = real.fileno
        monkeypatch.setattr(sys, "stdout", gone)

        assert run(["develop", "a.dng", "-o", "-"]) == 0
    (tmp_path / "tmp" / "out").unlink()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["-"], "standard input has no folder; name the output with -o"),
        (["-", "a.dng"], "standard input has no folder"),
        (["-", "-", "-o", "out/"], "can be read once only"),
        (["-", "--files-from", "-", "-o", "out/"], "can be read once only"),
        (["-", "-o", "x.jpg", "--stdin-name", "a/b.dng"], "is no name of a file"),
        (["a.dng", "b.dng", "-o", "-"], "takes one file, but 2 are selected"),
        (["a.dng", "-o", "-", "--json"], "both need standard output"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(words, line, stdin, capsys):
    assert run(["develop", *words]) == 2

    said = capsys.readouterr()
    assert (line in said.err, said.out) == (True, "")
    assert left() == ["a.dng", "b.dng"]


def test_a_terminal_is_no_place_for_a_picture(monkeypatch, capsys):
    terminal = Pipe()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdout", terminal)

    assert run(["develop", "a.dng", "-o", "-"]) == 2

    assert "is a terminal" in capsys.readouterr().err


def test_json_names_the_pipe(stdin, capsys):
    assert run(["develop", "-", "-o", "x.jpg", "--json"]) == 0

    event = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (event["input"], event["output"]) == ("-", "x.jpg")


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_dry_run_names_the_pipes(stdin, capsys, more):
    output = ["x.jpg"] if more else ["-o", "-"]
    assert run(["develop", "-", *output, "-n", *more]) == 0

    said = capsys.readouterr().out.splitlines()[0]
    if more:
        assert (json.loads(said)["input"], json.loads(said)["output"]) == ("-", "x.jpg")
    else:
        assert said.startswith("- -> - (write,")


def test_standard_input_can_be_checked(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Pipe(b"no JPEG"))

    assert run(["unpack", "-", "--check"]) == 12
    assert capsys.readouterr().err.startswith("rawtool: error: -: ")
