from pathlib import Path

import click
import pytest

from rawtool import errors
from rawtool.cli import failures, logs
from rawtool.vocabulary import ExitCode


@pytest.fixture(autouse=True)
def _reports_in_a_folder_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    logs.set_level(0, is_quiet=False)


def raising(error):
    def call():
        raise error

    return call


def every_error():
    kinds = [errors.RawtoolError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return kinds


@pytest.mark.parametrize("kind", every_error())
def test_every_error_for_the_user_is_one_line_and_its_code(kind, capsys):
    assert failures.guarded(raising(kind("what; why; what to do"))) == kind.code

    assert capsys.readouterr().err == "rawtool: error: what; why; what to do\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_is_130(error, capsys):
    assert failures.guarded(raising(error)) == ExitCode.INTERRUPTED
    assert "Aborted" not in capsys.readouterr().err


def test_leaving_keeps_its_status():
    assert failures.guarded(raising(SystemExit(143))) == 143
    assert failures.guarded(lambda: 6) == 6
    assert failures.guarded(lambda: None) == 0


def test_memory_has_its_own_code(capsys):
    assert failures.guarded(raising(MemoryError())) == ExitCode.MEMORY
    assert "--tile" in capsys.readouterr().err


def test_a_bug_is_one_line_that_names_a_report_with_the_traceback(capsys, tmp_path):
    assert failures.guarded(raising(ZeroDivisionError("by\nzero"))) == ExitCode.INTERNAL

    err = capsys.readouterr().err
    report = next(tmp_path.glob("rawtool-*.txt"))
    assert err.count("\n") == 1
    assert str(report) in err
    assert "ZeroDivisionError" in report.read_text()
    assert "Traceback" not in err


def test_a_bug_is_said_even_when_no_report_can_be_written(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))

    assert failures.guarded(raising(ZeroDivisionError("x"))) == ExitCode.INTERNAL
    assert "run again with -vv" in capsys.readouterr().err


@pytest.mark.parametrize("error", [errors.OutputError("x")])
def test_everything_shows_the_traceback(error, capsys):
    logs.set_level(2, is_quiet=False)

    failures.guarded(raising(error))

    err = capsys.readouterr().err
    assert err.startswith("rawtool: error: x\nTraceback")


def test_a_failure_about_a_file_begins_with_its_name(capsys):
    failures.say_failure("cut short", Path("a.dng"))

    assert capsys.readouterr().err == "rawtool: error: a.dng: cut short\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\nb", "a\\nb"), ("\x1b[31m", "\\x1b[31m"), ("Füße 写真", "Füße 写真"), ("\udcff", "\\udcff")],
)
def test_names_cannot_break_the_line_or_steer_the_terminal(text, shown):
    assert failures.printable(text) == shown


def test_a_package_of_an_extra_that_is_missing_is_code_5_with_the_command(capsys):
    assert failures.guarded(raising(ModuleNotFoundError("x", name="torch"))) == ExitCode.MODEL
    assert 'pip install "rawtool[train]"' in capsys.readouterr().err
    assert failures.guarded(raising(ModuleNotFoundError("x", name="rawtool.lost"))) == ExitCode.INTERNAL
