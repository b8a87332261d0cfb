"""Packed pictures on disk: read with their payload; written, read back, and only then given their names."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rawtool.errors import VerificationError
from rawtool.io.packedjpeg import (
    find_payload,
    payload_behind,
    payload_of,
    sidecar_of,
    with_payload,
    with_trailer,
)
from rawtool.io.publish import publish
from rawtool.io.reading import read_bytes
from rawtool.vocabulary import Embed

Finish = Callable[[bytes, bytes], bytes]
"""What looks at a JPEG and a payload as they were read back from disk and returns the payload to keep."""


def read_packed(path: Path) -> tuple[bytes, bytes]:
    """Return the bytes of a JPEG and the payload that is inside, behind or beside it.

    Raises:
        SidecarError: there is none, or it is damaged.
        InputError: not readable.
    """
    return read_bytes(path), find_payload(path)


def write_packed(
    base: bytes, payload: bytes, target: Path, embed: Embed, finish: Finish, *, overwrite: bool = False
) -> bytes:
    """Write a JPEG with its payload; finish sees what the disk holds before anything gets its name.

    Returns:
        The payload that was kept.

    Raises:
        VerificationError: the disk gives back other bytes than were written; or what finish raises.
        UnsupportedFormatError: the payload is too long for a JPEG.
        OutputExistsError: the target exists and overwrite is off.
        OutputError: it cannot be written.
    """
    if embed is Embed.SIDECAR:
        return _write_beside(base, payload, target, finish, overwrite=overwrite)
    put, take = (with_payload, payload_of) if embed is Embed.APP11 else (with_trailer, payload_behind)

    kept: list[bytes] = []

    def write(part: Path) -> None:
        written = _written(part, put(base, payload))
        kept.append(finish(written, take(written)))
        _written(part, put(base, kept[0]))

    publish(write, target, overwrite=overwrite)
    return kept[0]


def _write_beside(base: bytes, payload: bytes, target: Path, finish: Finish, *, overwrite: bool) -> bytes:
    """Write the JPEG and the file beside it; the JPEG gets its name last, and without it nothing stays."""
    beside, kept = sidecar_of(target), list[bytes]()

    def write(part: Path) -> None:
        picture = _written(part, base)

        def write_payload(other: Path) -> None:
            final = finish(picture, _written(other, payload))
            _written(other, final)
            kept.append(final)

        publish(write_payload, beside, overwrite=overwrite)

    with _removed_on_failure(beside, kept if not overwrite else []):
        publish(write, target, overwrite=overwrite)
    return kept[0]


@contextmanager
def _removed_on_failure(path: Path, kept: list[bytes]) -> Iterator[None]:
    """Remove a file when what follows fails, if it was written meanwhile."""
    try:
        yield
    except BaseException:
        if kept:
            with suppress(OSError):
                path.unlink()
        raise


def _written(part: Path, content: bytes) -> bytes:
    """Write a file and return what the disk gives back.

    Raises:
        VerificationError: that is something else.
    """
    part.write_bytes(content)
    found = part.read_bytes()
    if found != content:
        raise VerificationError("the disk gives back other bytes than were written; check the disk")
    return found
