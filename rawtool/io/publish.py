"""Whole files or none: what is written appears under its name at once and replaces nothing by accident.

The bytes go to ".NAME.PID.part" beside the target, are forced to disk, and get their name by a hard
link, which fails when the name is taken. A killed process leaves at most the hidden part.
"""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rawtool.errors import MemoryLimitError, OutputError, OutputExistsError

_LONGEST_NAME = 200
# What filesystems without hard links answer: FAT, exFAT, some network mounts, some containers.
_NO_LINKS = {
    errno.EPERM,
    errno.EACCES,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EMLINK,
    errno.EXDEV,
    errno.EINVAL,
}
_ADVICE = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room within your quota",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that you may write to",
    errno.ENOENT: "create the folder first",
    errno.ENOTDIR: "choose a folder that exists",
    errno.EISDIR: "choose a file name",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def publish(write: Callable[[Path], None], target: Path, *, overwrite: bool) -> None:
    """Let write fill a file and give it its final name.

    Raises:
        OutputExistsError: the target exists and overwrite is off; it is left as it was.
        OutputError: the disk is full, the folder is missing or closed.
        MemoryLimitError: memory ran out while writing.
    """
    if not overwrite:
        _refuse_existing(target)
    part = part_of(target)
    try:
        write(part)
        _flush(part)
        if overwrite:
            part.replace(target)
        else:
            _name_without_clobber(part, target)
        _flush_folder(target.parent)
    except MemoryError as error:
        raise MemoryLimitError("not enough memory to write the picture; close other programs") from error
    except OSError as error:
        raise translated(error) from error
    finally:
        with suppress(OSError):
            part.unlink()


def part_of(target: Path) -> Path:
    """Return the hidden name beside the target that its bytes go to."""
    stem = os.fsencode(target.name)[:_LONGEST_NAME].decode("utf-8", "ignore")
    return target.with_name(f".{stem}.{os.getpid()}.part")


def translated(error: OSError) -> OutputError:
    """Return our error for one of the operating system's."""
    reason = os.strerror(error.errno).lower() if error.errno else str(error)
    advice = _ADVICE.get(error.errno or 0, "check the disk")
    return OutputError(f"cannot be written: {reason}; {advice}")


def _refuse_existing(target: Path) -> None:
    """Stop before any work when the name is taken, even by a dead link."""
    if os.path.lexists(target):
        raise _taken()


def _taken() -> OutputExistsError:
    """Return the error for a name in use."""
    return OutputExistsError(
        "the output exists; nothing is overwritten by default; use --exists overwrite or another name"
    )


def _name_without_clobber(part: Path, target: Path) -> None:
    """Give the part its name unless somebody else has taken that meanwhile."""
    try:
        os.link(part, target)
    except FileExistsError as error:
        raise _taken() from error
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _reserve_and_replace(part, target)


def _reserve_and_replace(part: Path, target: Path) -> None:
    """Take the name with an empty file, which fails if it exists, then put the part in its place."""
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError as error:
        raise _taken() from error
    try:
        part.replace(target)
    except BaseException:
        target.unlink()
        raise


def _flush(path: Path) -> None:
    """Force a file's bytes to disk."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _flush_folder(folder: Path) -> None:
    """Force a folder's entries to disk where the system allows it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
