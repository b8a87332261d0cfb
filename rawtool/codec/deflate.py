"""Bytes made smaller, and back to no more than what is expected. Source: RFC 1950 (zlib)."""

import zlib

from rawtool.errors import DamagedSidecarError

MOST_BYTES = 2**24
"""What is never exceeded by the facts of a frame or by an EXIF block: 16 MiB."""


def deflate(content: bytes) -> bytes:
    """Return the bytes compressed.

    Raises:
        ValueError: more than MOST_BYTES, which inflate would refuse.
    """
    if len(content) > MOST_BYTES:
        raise ValueError(f"{len(content)} bytes where {MOST_BYTES} are read at most")
    return zlib.compress(content, 9)


def inflate(content: bytes) -> bytes:
    """Return what deflate was given; never more than MOST_BYTES, whatever the bytes promise.

    Raises:
        DamagedSidecarError: no whole stream, bytes behind it, or too much in it.
    """
    stream = zlib.decompressobj()
    try:
        inflated = stream.decompress(content, MOST_BYTES + 1)
    except zlib.error as error:
        raise _damaged(str(error)) from error
    if not stream.eof or stream.unused_data or len(inflated) > MOST_BYTES:
        raise _damaged("cut short or too long")
    return inflated


def _damaged(why: str) -> DamagedSidecarError:
    return DamagedSidecarError(
        f"the raw inside is damaged: a chunk cannot be unpacked ({why}); take another copy of the file"
    )
