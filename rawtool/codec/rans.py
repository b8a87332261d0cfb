"""Entropy coding by interleaved rANS: numpy steps over many lanes, whole numbers only.

Symbol i of a stream belongs to lane i mod n_lanes; all lanes take a step at once. A lane's state lies in
[2^16, 2^32) and is refilled by 16 bits at most once a symbol (J. Duda, arXiv 1311.2540; F. Giesen, arXiv
1402.3392). A stream may have parts: the rows of a part may depend on the symbols of the parts before it.

Layout: log2 of the lanes (1 byte); bytes of the escapes' prefixes and suffixes (two varints); prefixes,
suffixes; the states (uint32); the refills (uint16), in the order in which the decoder wants them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.codec.numbers import damaged, pack_numbers, read_varint, unpack_numbers, varint
from rawtool.codec.tables import TOTAL, TOTAL_BITS, Tables

_LOWEST_STATE = 1 << 16
_MASK = 0xFFFF
_MAX_LANE_BITS = 11
# A lane costs 16 bits; with so many bits of symbols each, lanes are 0.4 % of the stream.
_BITS_PER_LANE = 4096
# Symbols that are prepared at once: their arrays stay in the cache.
_BLOCK = 1 << 14
_NONE = np.empty(0, np.int64)


def encode(symbols: AnyArray, rows: AnyArray, tables: Tables) -> bytes:
    """Write symbols (n,) by the tables that rows (n,) name. The same symbols give the same bytes."""
    return encode_parts([symbols], [rows], tables)


def decode(content: bytes, rows: AnyArray, tables: Tables) -> AnyArray:
    """Read as many symbols as there are rows, int32 (n,).

    Raises:
        DamagedSidecarError: the bytes are not those that were written, or were written for other rows.
    """
    decoder = Decoder(content, tables)
    symbols = decoder.take(rows)
    decoder.finish()
    return symbols


# Writing.


def encode_parts(symbols: Sequence[AnyArray], rows: Sequence[AnyArray], tables: Tables) -> bytes:
    """Write the parts of one stream, each symbols (n,) and rows (n,); `Decoder` takes them in this order."""
    placed = [_places(part, row, tables) for part, row in zip(symbols, rows, strict=True)]
    n_lanes = 1 << _lane_bits([places for places, _ in placed], rows, tables)
    states = np.full(n_lanes, _LOWEST_STATE, np.int64)
    refills: list[AnyArray] = []
    for (places, _), row in zip(reversed(placed), reversed(rows), strict=True):
        refills += _encode_part(states, places, row, tables)
    words = np.concatenate([*refills[::-1], np.empty(0, np.uint16)]).astype("<u2")
    prefixes, suffixes = pack_numbers(np.concatenate([*(escapes for _, escapes in placed), _NONE]))
    head = bytes([n_lanes.bit_length() - 1]) + varint(len(prefixes)) + varint(len(suffixes))
    return b"".join([head, prefixes, suffixes, states.astype("<u4").tobytes(), words.tobytes()])


def _places(symbols: AnyArray, rows: AnyArray, tables: Tables) -> tuple[AnyArray, AnyArray]:
    """Return the places of the symbols in their tables, uint16 (n,), and the numbers that escape, folded."""
    last = tables.n_symbols - 1
    places = np.empty(len(symbols), np.uint16)
    for first in range(0, len(symbols), _BLOCK):
        block = slice(first, first + _BLOCK)
        place = symbols[block].astype(np.int64) - tables.lowest
        place[(place < 0) | (place > last)] = last
        place[_shares(tables)[1][_indices(place, rows[block], tables)] == 0] = last
        places[block] = place
    escapes = symbols[places == last].astype(np.int64)
    return places, np.where(escapes < 0, -2 * escapes - 1, 2 * escapes)


@lru_cache(maxsize=2)
def _shares(tables: Tables) -> tuple[AnyArray, AnyArray]:
    """Return where the symbols of all tables start and their frequencies, int64 (n_tables * n_symbols,)."""
    sums = tables.cumulative.astype(np.int64)
    return sums[:, :-1].ravel(), np.diff(sums, axis=1).ravel()


def _indices(places: AnyArray, rows: AnyArray, tables: Tables) -> AnyArray:
    """Return where in `_shares` the places of these rows are, int64 (n,)."""
    return np.asarray(rows, np.int64) * tables.n_symbols + places


def _lane_bits(places: Sequence[AnyArray], rows: Sequence[AnyArray], tables: Tables) -> int:
    """Return log2 of the lanes: many for speed, but so few that what they cost does not matter."""
    costs = np.rint((TOTAL_BITS - np.log2(np.maximum(_shares(tables)[1], 1))) * 256).astype(np.int64)
    n_bits = 0
    for place, row in zip(places, rows, strict=True):
        counts = np.bincount(_indices(place, row, tables), minlength=len(costs))
        n_bits += int(counts @ costs) >> 8
    return min(max(n_bits // _BITS_PER_LANE, 1).bit_length() - 1, _MAX_LANE_BITS)


def _encode_part(states: AnyArray, places: AnyArray, rows: AnyArray, tables: Tables) -> list[AnyArray]:
    """Push one part, last symbol first; return its refills in the order of pushing, each block reversed."""
    starts, frequencies = _shares(tables)
    n_lanes = len(states)
    n_whole = len(places) // n_lanes * n_lanes
    blocks = [slice(first, min(first + _BLOCK, n_whole)) for first in range(0, n_whole, _BLOCK)]
    refills: list[AnyArray] = []
    for block in [slice(n_whole, len(places)), *reversed(blocks)]:
        indices = _indices(places[block], rows[block], tables).reshape(
            -1, min(n_lanes, len(places[block])) or 1
        )
        refills.append(_push(states[: indices.shape[1]], frequencies[indices], starts[indices]))
    return refills


def _push(states: AnyArray, frequencies: AnyArray, starts: AnyArray) -> AnyArray:
    """Push steps (n, n_lanes) in place, the last one first; return their refills, uint16."""
    limits = frequencies << 16
    left_over = TOTAL - frequencies
    is_full = np.empty(frequencies.shape, bool)
    low = np.empty(frequencies.shape, np.uint16)
    shift, quotient = np.empty_like(states), np.empty_like(states)
    for step in range(len(frequencies) - 1, -1, -1):
        np.greater_equal(states, limits[step], out=is_full[step])
        np.copyto(low[step], states, casting="unsafe")
        np.multiply(is_full[step], 16, out=shift)
        states >>= shift
        np.floor_divide(states, frequencies[step], out=quotient)
        quotient *= left_over[step]
        states += quotient
        states += starts[step]
    return low[is_full]


# Reading.


class Decoder:
    """Reads a stream part by part.

    Raises:
        DamagedSidecarError: the content is no stream; also from `take` and `finish`.
    """

    def __init__(self, content: bytes, tables: Tables) -> None:
        layout = _read_layout(content)
        self._tables = tables
        self._states = layout.states
        self._words = layout.words
        self._n_words_used = 0
        self._escapes = layout.escapes
        self._n_escapes_used = 0
        self._places = _place_of_slot(tables)
        self._starts, self._frequencies = _shares(tables)

    def take(self, rows: AnyArray) -> AnyArray:
        """Read the next part: as many symbols as there are rows, int32 (n,)."""
        n_lanes = len(self._states)
        n_whole = len(rows) // n_lanes * n_lanes
        places = np.empty(len(rows), np.int64)
        for first in range(0, n_whole, _BLOCK):
            part = slice(first, min(first + _BLOCK, n_whole))
            self._pop(rows[part].reshape(-1, n_lanes), places[part].reshape(-1, n_lanes))
        if n_whole < len(rows):
            self._pop(rows[None, n_whole:], places[None, n_whole:])
        return self._symbols(places)

    def finish(self) -> None:
        """Check that everything was read and every lane is back where the writer began."""
        is_read = self._n_words_used == len(self._words) and self._n_escapes_used == len(self._escapes)
        if not is_read or (self._states != _LOWEST_STATE).any():
            raise damaged("it does not end where it should")

    def _pop(self, rows: AnyArray, places: AnyArray) -> None:
        """Read steps (n, n_lanes) into places."""
        states = self._states[: rows.shape[1]]
        rows = rows.astype(np.int64)
        first_slots, first_places = rows * TOTAL, rows * self._tables.n_symbols
        for step in range(len(rows)):
            slots = states & _MASK
            places[step] = self._places.take(first_slots[step] + slots, mode="wrap")
            indices = first_places[step] + places[step]
            states >>= 16
            states *= self._frequencies[indices]
            states += slots
            states -= self._starts[indices]
            self._refill(states)

    def _refill(self, states: AnyArray) -> None:
        """Give the lanes that are below their range the next 16 bits each, in order."""
        (low,) = (states < _LOWEST_STATE).nonzero()
        after = self._n_words_used + len(low)
        if after > len(self._words):
            raise damaged("it is cut short")
        states[low] = states[low] << 16 | self._words[self._n_words_used : after]
        self._n_words_used = after

    def _symbols(self, places: AnyArray) -> AnyArray:
        """Turn places into numbers, escapes by the list at the head of the stream."""
        symbols = (places + self._tables.lowest).astype(np.int32)
        escaped = np.flatnonzero(places == self._tables.n_symbols - 1)
        after = self._n_escapes_used + len(escaped)
        if after > len(self._escapes):
            raise damaged("it has more escapes than numbers for them")
        symbols[escaped] = self._escapes[self._n_escapes_used : after]
        self._n_escapes_used = after
        return symbols


@dataclass(frozen=True, slots=True)
class _Layout:
    """A stream taken apart: states and words int64, escapes int32."""

    states: AnyArray
    words: AnyArray
    escapes: AnyArray


def _read_layout(content: bytes) -> _Layout:
    lane_bits = content[0] if content else _MASK
    n_prefix_bytes, first = read_varint(content, 1)
    n_suffix_bytes, first = read_varint(content, first)
    suffixes_at, states_at = first + n_prefix_bytes, first + n_prefix_bytes + n_suffix_bytes
    words_at = states_at + (4 << min(lane_bits, _MAX_LANE_BITS))
    if lane_bits > _MAX_LANE_BITS or words_at > len(content) or (len(content) - words_at) % 2:
        raise damaged("its head fits nothing that follows")
    states = np.frombuffer(content[states_at:words_at], "<u4").astype(np.int64)
    if (states < _LOWEST_STATE).any():
        raise damaged("a lane starts out of its range")
    numbers = unpack_numbers(content[first:suffixes_at], content[suffixes_at:states_at])
    escapes = np.where(numbers & 1, -(numbers >> 1) - 1, numbers >> 1).astype(np.int32)
    return _Layout(states, np.frombuffer(content[words_at:], "<u2").astype(np.int64), escapes)


@lru_cache(maxsize=2)
def _place_of_slot(tables: Tables) -> AnyArray:
    """Return which symbol holds each of the 2^16 slots of each table, uint16 (n_tables * 2^16,)."""
    places = np.tile(np.arange(tables.n_symbols, dtype=np.uint16), tables.n_tables)
    return np.repeat(places, _shares(tables)[1])
