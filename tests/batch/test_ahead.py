"""Reading ahead: one file begun before it is asked for, errors with the file that caused them."""

import threading
from pathlib import Path

import pytest

from rawtool.batch.ahead import ReadAhead
from rawtool.errors import CorruptFileError

FILES = [Path(name) for name in ("a", "b", "c")]


class Reader:
    """Notes what was read, in which order and by which thread."""

    def __init__(self):
        self.names, self.threads, self.began = [], set(), {path: threading.Event() for path in FILES}

    def __call__(self, path):
        self.names.append(path.name)
        self.threads.add(threading.get_ident())
        self.began[path].set()
        if path.name == "b":
            raise CorruptFileError("b is damaged")
        return path.name.upper()


def test_the_first_file_is_begun_at_once_and_the_next_when_one_is_taken():
    reader = Reader()

    with ReadAhead(FILES, reader) as ahead:
        assert reader.began[FILES[0]].wait(5)
        assert not reader.began[FILES[1]].is_set()
        assert ahead.take(FILES[0]) == "A"
        assert reader.began[FILES[1]].wait(5)
        assert not reader.began[FILES[2]].is_set()

    assert threading.get_ident() not in reader.threads


def test_an_error_comes_to_who_takes_the_file_and_the_next_one_is_there():
    with ReadAhead(FILES, Reader()) as ahead:
        ahead.take(FILES[0])
        with pytest.raises(CorruptFileError, match="b is damaged"):
            ahead.take(FILES[1])
        assert ahead.take(FILES[2]) == "C"


def test_a_file_that_was_passed_over_is_forgotten():
    reader = Reader()

    with ReadAhead(FILES, reader) as ahead:
        assert ahead.take(FILES[2]) == "C"

    assert "b" not in reader.names
    assert reader.names[-1] == "c"


def test_a_file_that_nobody_announced_is_read_all_the_same():
    with ReadAhead([], lambda path: path.name) as ahead:
        assert ahead.take(Path("d")) == "d"
