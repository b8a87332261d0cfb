"""Folders of outputs: made when they are needed, taken away again when nothing came into them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rawtool.errors import OutputError


def make_folder(folder: Path) -> None:
    """Make a folder and those above it.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"folder {folder} cannot be made: {reason}; choose another with -o") from error


@contextmanager
def leaving_no_empty_folders(folders: Iterable[Path]) -> Iterator[None]:
    """Take away at the end those folders that were not there before and are still empty."""
    missing = {each for folder in folders for each in (folder, *folder.parents) if not each.exists()}
    try:
        yield
    finally:
        for folder in sorted(missing, key=lambda each: len(each.parts), reverse=True):
            with suppress(OSError):
                folder.rmdir()
