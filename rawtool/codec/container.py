r"""The sidecar as one string of bytes in which no damage goes unseen.

All numbers are little-endian and unsigned:

    at          bytes  what
    0           8      magic: 89 "RWT" 0D 0A 1A 0A, so that a change of line ends or of the top bit shows
    8           2      version, 1
    10          2      length of the header with its check, 54 + 16 n
    12          4      length of everything
    16          2      n, the number of chunks
    18          32     digest of the decoder: everything that decides a bit of what comes out
    50          16 n   the table, for each chunk: kind (4 ASCII letters), offset, length, CRC-32 of its bytes
    50 + 16 n   4      CRC-32 of all of the header before it
    54 + 16 n          the chunks, in the order of the table and without gaps

A later version keeps the first twelve bytes and the check at the end of its header: only then is the version
believed. CRC-32 is that of zlib (ISO 3309): it notices every change within 32 bits and every pair of bits.
"""

import re
import struct
import zlib
from dataclasses import dataclass

from rawtool.errors import DamagedSidecarError, NewerSidecarError

MAGIC = b"\x89RWT\r\n\x1a\n"
VERSION = 1
_HEAD, _ENTRY, _CHECK = struct.Struct("<8sHHIH32s"), struct.Struct("<4s3I"), struct.Struct("<I")
_PREFIX = struct.Struct("<8sHH")
_KIND = re.compile(r"[A-Z][A-Z0-9 ]{3}")


@dataclass(frozen=True, slots=True)
class Chunk:
    """One part of a sidecar; kind is four ASCII letters: capitals, digits, spaces."""

    kind: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Container:
    """A sidecar: version, digest (32 bytes) of the decoder that it needs, and chunks of different kinds."""

    version: int
    decoder: bytes
    chunks: tuple[Chunk, ...]

    def find(self, kind: str) -> bytes | None:
        """Return the bytes of a kind of chunk, None without one."""
        return next((chunk.payload for chunk in self.chunks if chunk.kind == kind), None)

    def need(self, kind: str) -> bytes:
        """Return the bytes of a kind of chunk.

        Raises:
            DamagedSidecarError: there is none.
        """
        payload = self.find(kind)
        if payload is None:
            raise _damaged(f"it has no {kind} chunk")
        return payload


def dumps(container: Container) -> bytes:
    """Return the bytes of a sidecar.

    Raises:
        ValueError: another version, a digest of another length, kinds that repeat or are no four letters.
    """
    _check(container)
    chunks = container.chunks
    n_header = _HEAD.size + _ENTRY.size * len(chunks) + _CHECK.size
    at, table = n_header, b""
    for chunk in chunks:
        n_bytes = len(chunk.payload)
        table += _ENTRY.pack(chunk.kind.encode("ascii"), at, n_bytes, zlib.crc32(chunk.payload))
        at += n_bytes
    header = _HEAD.pack(MAGIC, VERSION, n_header, at, len(chunks), container.decoder) + table
    check = _CHECK.pack(zlib.crc32(header))
    return b"".join((header, check, *(chunk.payload for chunk in chunks)))


def loads(content: bytes, *, allows_newer: bool = False) -> Container:
    """Return the sidecar in these bytes; allows_newer reads a newer one as if it were of this version.

    Raises:
        DamagedSidecarError: a bit, a byte or a chunk is not as it was written.
        NewerSidecarError: a newer version wrote it.
    """
    header = _checked_header(content, allows_newer=allows_newer)
    if len(header) < _HEAD.size:
        raise _damaged("its header is cut short")
    _, _, _, n_bytes, n_chunks, decoder = _HEAD.unpack_from(header)
    if len(header) != _HEAD.size + _ENTRY.size * n_chunks:
        raise _damaged("its table has another length than it says")
    if len(content) != n_bytes:
        raise _damaged(f"it has {len(content)} bytes of {n_bytes}")
    entries = tuple(_ENTRY.iter_unpack(header[_HEAD.size :]))
    chunks = _chunks(content, entries, len(header) + _CHECK.size)
    container = Container(VERSION, decoder, chunks)
    try:
        _check(container)
    except ValueError as error:
        raise _damaged(str(error)) from error
    return container


def _checked_header(content: bytes, *, allows_newer: bool) -> bytes:
    """Return the header before its check, when it is whole and of a version that may be read."""
    if len(content) < _PREFIX.size or not content.startswith(MAGIC):
        raise _damaged("it does not begin as one")
    _, version, n_header = _PREFIX.unpack_from(content)
    end = n_header - _CHECK.size
    if end < _PREFIX.size or len(content) < n_header:
        raise _damaged("its header is cut short")
    if _CHECK.unpack_from(content, end)[0] != zlib.crc32(content[:end]):
        raise _damaged("its header fails its check")
    if version > VERSION and not allows_newer:
        raise NewerSidecarError(
            f"the raw inside is of version {version}, this program reads {VERSION}; update rawtool"
        )
    if version < VERSION:
        raise _damaged(f"there is no version {version}")
    return content[:end]


def _chunks(content: bytes, entries: tuple[tuple[bytes, int, int, int], ...], at: int) -> tuple[Chunk, ...]:
    """Return the chunks of a table, which lie behind each other from a place on to the end."""
    chunks = []
    for kind, offset, n_bytes, check in entries:
        payload = content[at : at + n_bytes]
        if offset != at or len(payload) != n_bytes or zlib.crc32(payload) != check:
            raise _damaged(f"its {kind.decode('ascii', 'replace')} chunk fails its check")
        chunks.append(Chunk(kind.decode("ascii", "replace"), payload))
        at += n_bytes
    if at != len(content):
        raise _damaged("there are bytes that belong to no chunk")
    return tuple(chunks)


def _check(container: Container) -> None:
    """Raise ValueError for what must not be written."""
    kinds = [chunk.kind for chunk in container.chunks]
    if container.version != VERSION:
        raise ValueError(f"version {VERSION} is written, not {container.version}")
    if len(container.decoder) != 32:
        raise ValueError(f"the decoder's digest has 32 bytes, not {len(container.decoder)}")
    if not all(_KIND.fullmatch(kind) for kind in kinds) or len(set(kinds)) < len(kinds):
        raise ValueError(f"kinds are four letters each and differ: {kinds}")


def _damaged(why: str) -> DamagedSidecarError:
    """Return the error for bytes that are not those that were written."""
    return DamagedSidecarError(f"the raw inside is damaged: {why}; take another copy of the file")
