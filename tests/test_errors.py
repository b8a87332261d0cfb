"""The error tree: drawn in its docstring, each error with the exit status that the manual promises."""

import inspect
import re

import pytest

from rawtool import errors
from rawtool.vocabulary import ExitCode

TREE = {
    name: thing
    for name, thing in vars(errors).items()
    if inspect.isclass(thing) and issubclass(thing, Exception)
}


def drawn() -> dict[str, int | None]:
    """The names of the drawing with the number beside them, None where there is none."""
    rows = re.findall(r"(?:├── |└── |^)(\w+Error)\b(?: +(\d+))?", errors.__doc__ or "", re.MULTILINE)
    return {name: int(code) if code else None for name, code in rows}


def test_the_drawing_shows_every_error_and_no_other():
    assert set(drawn()) == set(TREE)


@pytest.mark.parametrize(("name", "code"), [row for row in drawn().items() if row[1] is not None])
def test_the_drawing_shows_the_exit_status(name, code):
    assert TREE[name].code == code


@pytest.mark.parametrize("name", sorted(TREE))
def test_every_error_has_an_exit_status_of_its_own_or_its_parents(name):
    assert TREE[name].code in ExitCode
    assert TREE[name].code is not ExitCode.OK


def test_an_error_keeps_its_message():
    assert str(errors.CorruptFileError("cut short")) == "cut short"


def test_an_output_that_exists_is_told_from_one_that_cannot_be_written():
    assert errors.OutputExistsError.code == 6
    assert errors.OutputError.code == 10
