import json
from dataclasses import replace
from pathlib import Path

import pytest

from rawtool.batch.report import FileReport, Outcome, Status, Summary
from rawtool.cli import logs
from rawtool.cli.options import Talk
from rawtool.cli.report import file_event, reporting, say_each, say_result, summary_event
from rawtool.errors import CorruptFileError, ModelNotFoundError
from rawtool.vocabulary import ExitCode

JSON = Talk(is_json=True, progress="none")
PROSE = Talk(is_json=False, progress="none")
DONE = FileReport(Path("a.dng"), Path("a.jpg"), Status.DONE, outcome=Outcome((("read", 1.0),), "cpu"))
FAILED = FileReport(Path("b.dng"), Path("b.jpg"), Status.FAILED, ExitCode.INPUT, "cut short")


@pytest.fixture(autouse=True)
def _plain_log():
    logs.set_level(0, is_quiet=False)


def test_a_run_that_is_interrupted_still_ends_with_its_summary(capsys):
    def interrupted():
        with reporting(JSON, 3) as reporter:
            reporter.finished(DONE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    captured = capsys.readouterr()
    assert json.loads(captured.out.splitlines()[-1])["not_finished"] == 2
    assert "1 done, 2 not finished" in captured.err


def test_a_run_that_could_not_begin_has_no_summary(capsys):
    with pytest.raises(ModelNotFoundError), reporting(JSON, 3):
        raise ModelNotFoundError("none")

    assert capsys.readouterr().out == ""


def test_the_summary_repeats_failed_names_when_there_were_several_files(capsys):
    with reporting(PROSE, 2) as reporter:
        reporter.finished(DONE)
        reporter.finished(FAILED)
    several = capsys.readouterr().err
    with reporting(PROSE, 1) as reporter:
        reporter.finished(FAILED)
    single = capsys.readouterr().err

    assert several.endswith("  failed: b.dng: cut short\n")
    assert single.count("cut short") == 1


def test_names_that_are_no_text_survive_json():
    name = b"IMG_\xff.dng".decode("utf-8", "surrogateescape")
    report = FileReport(Path(name), Path("x"), Status.SKIPPED)

    assert json.loads(json.dumps(file_event(report)))["input"] == name


def test_all_outputs_of_a_file_are_named(capsys):
    report = replace(DONE, also=(Path("a.avif"), Path("a_sheet.png")))

    with reporting(PROSE, 1) as reporter:
        reporter.finished(report)

    assert "a.dng -> a.jpg, a.avif, a_sheet.png (" in capsys.readouterr().err
    assert file_event(report)["also"] == ["a.avif", "a_sheet.png"]


def test_the_result_is_told_in_figures_and_in_a_sentence(capsys):
    outcome = Outcome(
        (("read", 1.0),), "cpu", metrics=(("psnr_db", 51.5), ("bpp", None)), said="close enough"
    )

    with reporting(PROSE, 1) as reporter:
        reporter.finished(replace(DONE, outcome=outcome))

    assert file_event(replace(DONE, outcome=outcome))["metrics"] == {"psnr_db": 51.5, "bpp": None}
    assert "rawtool: a.dng: close enough\n" in capsys.readouterr().err


def test_without_a_network_none_is_named(capsys):
    with reporting(PROSE, 1) as reporter:
        reporter.finished(DONE)

    assert "rawtool: a.dng -> a.jpg (1.0 s, cpu)\n" in capsys.readouterr().err


def test_the_summary_event_counts_every_status():
    event = summary_event(Summary((DONE, FAILED), 4, 1.23456))

    assert (event["done"], event["skipped"], event["failed"], event["not_finished"]) == (1, 0, 1, 4)
    assert (event["code"], event["seconds"]) == (7, 1.235)


def test_each_item_is_looked_at_and_failures_are_said(capsys):
    def look(number):
        if number == 2:
            raise CorruptFileError("bad")
        return number

    assert say_each([1, 2, 3], look, lambda number: {"n": number}) == ExitCode.INPUT

    captured = capsys.readouterr()
    assert captured.out == '{"n": 1}\n{"n": 3}\n'
    assert captured.err == "rawtool: error: 2: bad\n"


def test_a_result_is_text_or_json(capsys):
    say_result("Füße \udcff")
    say_result({"a": None})

    assert capsys.readouterr().out == 'Füße \\udcff\n{"a": null}\n'
