import io

import pytest

from rawtool.cli.progress import Bar, Lines, Nothing, open_display


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_bar_and_a_file_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", io.StringIO())
    in_file = open_display("auto", 3, is_quiet=False)
    monkeypatch.setattr("sys.stderr", Terminal())
    on_terminal = open_display("auto", 3, is_quiet=False)
    on_terminal.close()

    assert isinstance(in_file, Lines)
    assert isinstance(on_terminal, Bar)


def test_a_dumb_terminal_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stderr", Terminal())

    assert isinstance(open_display("auto", 3, is_quiet=False), Lines)


@pytest.mark.parametrize(
    ("wish", "is_quiet"), [("none", False), ("bar", True), ("plain", True), ("auto", True)]
)
def test_nothing_is_shown_when_nothing_is_wanted(wish, is_quiet, capsys):
    display = open_display(wish, 3, is_quiet=is_quiet)

    display.begin("a")
    display.advance("a", 0.5)
    display.end("a")
    display.close()

    assert isinstance(display, Nothing)
    assert capsys.readouterr().err == ""


def test_lines_say_each_file_that_begins(capsys):
    display = open_display("plain", 2, is_quiet=False)

    display.begin("a.dng")
    display.advance("a.dng", 0.5)
    display.end("a.dng")
    display.close()

    assert capsys.readouterr().err == "rawtool: a.dng ...\n"


def test_the_bar_counts_files_and_the_share_of_those_under_way(monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    bar = Bar(4)

    bar.begin("a")
    bar.begin("b")
    bar.advance("a", 0.5)
    bar.end("b")
    completed = bar._progress.tasks[0].completed
    bar.end("skipped, never begun")
    bar.close()

    assert completed == 1.5
    assert bar._progress.tasks[0].completed == 2.5
