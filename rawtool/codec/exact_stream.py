"""The bytes of the exact coder: weights, tables, symbols and noise digits, each in one block."""

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.codec import tables
from rawtool.codec.exact_model import Expectation
from rawtool.codec.exact_tables import N_CONTEXTS, REACH, n_noise_digits
from rawtool.codec.numbers import damaged, pack_numbers, read_varint, unpack_numbers, varint
from rawtool.codec.rans import Decoder, encode_parts

_N_SYMBOLS = 2 * REACH + 2


class Writer:
    """Collects what is to be written, pass by pass."""

    def __init__(self) -> None:
        self._numbers: list[AnyArray] = []
        self._symbols: list[AnyArray] = []
        self._contexts: list[AnyArray] = []
        self._noise: list[bytes] = []

    def add_numbers(self, numbers: AnyArray) -> None:
        """Write down int32 numbers of any shape."""
        self._numbers.append(numbers.ravel().astype(np.int64))

    def add(self, residuals: AnyArray, expected: Expectation) -> None:
        """Write down the residuals of a pass, int32 of its shape."""
        contexts = expected.contexts.ravel()
        turned = np.where(expected.is_mirrored, -residuals, residuals).ravel()
        n_digits = n_noise_digits()[contexts]
        self._symbols.append(turned >> n_digits)
        self._contexts.append(contexts)
        for digit in range(int(n_digits.max())):
            self._noise.append(np.packbits(turned[n_digits > digit] >> digit & 1).tobytes())

    def dumps(self) -> bytes:
        """Return everything as bytes."""
        counts = sum(map(_count, self._symbols, self._contexts), np.zeros((N_CONTEXTS, _N_SYMBOLS), np.int64))
        is_first = _first_of_groups(counts)
        table_bytes = tables.dumps(-REACH, np.add.reduceat(counts, np.flatnonzero(is_first), axis=0))
        rows = [_rows_of(is_first)[contexts] for contexts in self._contexts]
        coded = encode_parts(self._symbols, rows, tables.loads(table_bytes))
        numbers = np.concatenate([*self._numbers, np.zeros(0, np.int64)])
        prefixes, suffixes = pack_numbers(np.where(numbers < 0, -2 * numbers - 1, 2 * numbers))
        blocks = [
            prefixes,
            suffixes,
            np.packbits(is_first).tobytes(),
            table_bytes,
            coded,
            b"".join(self._noise),
        ]
        return b"".join(varint(len(block)) + block for block in blocks)


def _count(symbols: AnyArray, contexts: AnyArray) -> AnyArray:
    """Count symbols by context, int64 (N_CONTEXTS, _N_SYMBOLS); the last column is for all out of reach."""
    places = symbols + np.int32(REACH)
    places[(places < 0) | (places >= _N_SYMBOLS - 1)] = _N_SYMBOLS - 1
    places += contexts * np.int32(_N_SYMBOLS)
    return np.bincount(places, minlength=N_CONTEXTS * _N_SYMBOLS).reshape(N_CONTEXTS, _N_SYMBOLS)


def _first_of_groups(counts: AnyArray) -> AnyArray:
    """Let contexts share a table with those before them where a table of their own does not pay."""
    is_first = np.zeros(N_CONTEXTS, bool)
    is_first[0] = True
    group, n_group_bits = counts[0], _n_bits(counts[0])
    for context in 1 + np.flatnonzero(counts[1:].any(axis=1)):
        together, alone = group + counts[context], counts[context]
        n_together_bits, n_alone_bits = _n_bits(together), _n_bits(alone)
        is_first[context] = n_together_bits > n_group_bits + n_alone_bits
        group, n_group_bits = (alone, n_alone_bits) if is_first[context] else (together, n_together_bits)
    return is_first


def _n_bits(counts: AnyArray) -> float:
    """Return what symbols of these counts cost, with their table."""
    shares = counts[counts > 0] / max(counts.sum(), 1)
    return float(-counts[counts > 0] @ np.log2(shares)) + 8 * len(tables.dumps(-REACH, counts[None]))


def _rows_of(is_first: AnyArray) -> AnyArray:
    """Return which table each context uses, uint8, given the contexts that begin to use one."""
    return (np.cumsum(is_first) - 1).astype(np.uint8)


class Reader:
    """Takes back what a Writer wrote, in the same order.

    Raises:
        DamagedSidecarError: the bytes are not what a Writer wrote; so do all its methods.
    """

    def __init__(self, content: bytes) -> None:
        prefixes, suffixes, first, table_bytes, coded, noise = _blocks(content, 6)
        folded = unpack_numbers(prefixes, suffixes)
        self._numbers = np.where(folded & 1, -(folded >> 1) - 1, folded >> 1)
        self._n_numbers_used = 0
        is_first = np.unpackbits(np.frombuffer(first, np.uint8), count=N_CONTEXTS)
        fitted = tables.loads(table_bytes)
        if is_first[0] != 1 or is_first.sum() != fitted.n_tables or fitted.n_symbols != _N_SYMBOLS:
            raise damaged("they have other tables than contexts")
        self._rows = _rows_of(is_first)
        self._decoder = Decoder(coded, fitted)
        self._noise = noise
        self._n_noise_used = 0

    def take_numbers(self, shape: tuple[int, ...]) -> AnyArray:
        """Return numbers of this shape, int32."""
        after = self._n_numbers_used + int(np.prod(shape))
        if after > len(self._numbers):
            raise damaged("they have too few weights")
        taken = self._numbers[self._n_numbers_used : after].astype(np.int32)
        self._n_numbers_used = after
        return taken.reshape(shape)

    def take(self, expected: Expectation) -> AnyArray:
        """Return the residuals of a pass, int32 of its shape."""
        contexts = expected.contexts.ravel()
        n_digits = n_noise_digits()[contexts]
        turned = self._decoder.take(self._rows[contexts]) << n_digits
        for digit in range(int(n_digits.max())):
            chosen = n_digits > digit
            turned[chosen] |= self._take_noise(int(np.count_nonzero(chosen))) << digit
        residuals = turned.reshape(expected.contexts.shape)
        return np.where(expected.is_mirrored, -residuals, residuals)

    def _take_noise(self, n_bits: int) -> AnyArray:
        """Return single digits, int32 (n_bits,)."""
        after = self._n_noise_used + (n_bits + 7) // 8
        if after > len(self._noise):
            raise damaged("they end too early")
        taken = np.frombuffer(self._noise[self._n_noise_used : after], np.uint8)
        self._n_noise_used = after
        return np.unpackbits(taken, count=n_bits).astype(np.int32)

    def finish(self) -> None:
        """Check that nothing is left."""
        self._decoder.finish()
        if self._n_noise_used != len(self._noise) or self._n_numbers_used != len(self._numbers):
            raise damaged("something is left over at their end")


def _blocks(content: bytes, n_blocks: int) -> list[bytes]:
    """Take blocks apart; the last one ends the content."""
    blocks, at = [], 0
    for _ in range(n_blocks):
        length, at = read_varint(content, at)
        blocks.append(content[at : at + length])
        at += length
    if at != len(content):
        raise damaged("their blocks do not fill them")
    return blocks
