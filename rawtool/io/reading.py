"""Files that cannot be read, in our words."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rawtool.errors import InputError


@contextmanager
def readable() -> Iterator[None]:
    """Turn what the operating system says while a file is opened and read into one line.

    Raises:
        InputError: not readable.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise InputError(f"cannot be read: {reason}; check the path and its permissions") from error


def read_bytes(path: Path) -> bytes:
    """Return all bytes of a file.

    Raises:
        InputError: not readable.
    """
    with readable():
        return path.read_bytes()
