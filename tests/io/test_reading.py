"""Files that cannot be read, in our words."""

import pytest

from rawtool.errors import InputError
from rawtool.io.reading import read_bytes, readable


def test_bytes_come_as_they_are(tmp_path):
    (tmp_path / "a").write_bytes(b"\0\xffabc")

    assert read_bytes(tmp_path / "a") == b"\0\xffabc"


def test_the_systems_reason_is_said_in_one_line(tmp_path):
    with pytest.raises(InputError, match=r"^cannot be read: no such file or directory; check the path"):
        read_bytes(tmp_path / "missing")
    with pytest.raises(InputError, match=r"^cannot be read: is a directory; check the path"):
        read_bytes(tmp_path)


def test_an_error_without_a_number_says_what_it_says():
    with pytest.raises(InputError, match=r"^cannot be read: the stick was pulled; check"), readable():
        raise OSError("the stick was pulled")


def test_other_errors_pass():
    with pytest.raises(ValueError, match="ours"), readable():
        raise ValueError("ours")
