"""Frequency tables of the entropy coder: whole numbers, the same on every machine.

A table gives every symbol from `lowest` on a share of 2^16, and its last symbol, the escape, stands for all
others. `gaussian_tables` are shipped as they are and belong to the decoder; `fitted_tables` are made from
counted symbols and travel with the stream.
"""

import math
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.codec.numbers import damaged, pack_numbers, read_varint, unpack_numbers, varint

TOTAL_BITS = 16
TOTAL = 1 << TOTAL_BITS
"""What the frequencies of a table add up to."""

N_GAUSSIANS = 64
SMALLEST_SCALE, LARGEST_SCALE = 0.01, 32.0
_GAUSSIAN_REACH = 161
_N_HEADER_BYTES = 8
_N_DIGITS = 4
_MAX_CODE = (TOTAL_BITS - _N_DIGITS + 1) << _N_DIGITS


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Tables of one range of symbols; two of them are equal only if they are one.

    `cumulative` is uint32 (n_tables, n_symbols + 1): every row rises from 0 to 2^16, and its last step, the
    escape, is never empty. Symbol k of a row stands for the number lowest + k. A symbol with an empty step
    is written as an escape.
    """

    lowest: int
    cumulative: AnyArray

    @property
    def n_tables(self) -> int:
        """How many there are."""
        return self.cumulative.shape[0]

    @property
    def n_symbols(self) -> int:
        """Symbols of a table, its escape among them."""
        return self.cumulative.shape[1] - 1


# Gaussians.


def gaussian_scales() -> AnyArray:
    """Return the scales of the shipped tables in units of the step, float64 (64,), evenly spaced in log."""
    return np.geomspace(SMALLEST_SCALE, LARGEST_SCALE, N_GAUSSIANS)


def make_gaussian_tables() -> Tables:
    """Compute the tables that are shipped, on a machine whose erf is good to 1e-12.

    Table i holds P(k) = Phi((k + 1/2) / s_i) - Phi((k - 1/2) / s_i), at least 1 as far as 5 scales and 2
    steps from zero, nothing beyond. Not called when coding: the last digit of erf is the machine's own.
    """
    reach = np.arange(-_GAUSSIAN_REACH, _GAUSSIAN_REACH + 1)
    scales = gaussian_scales()
    rows = [[_bell(int(k), float(scale)) for k in reach] for scale in scales]
    is_near = np.abs(reach) <= np.ceil(5 * scales[:, None]) + 1
    weights = np.where(is_near, np.maximum(np.rint(np.array(rows) * 2.0**40), 1), 0).astype(np.int64)
    escapes = np.maximum((1 << 40) - weights.sum(axis=1, keepdims=True), 1)
    return Tables(-_GAUSSIAN_REACH, _normalised(np.hstack([weights, escapes])))


def _bell(k: int, scale: float) -> float:
    """Return the share of a Gaussian that is rounded to k, by the tails, which lose no digits."""
    near, far = ((abs(k) + half) / (scale * math.sqrt(2)) for half in (-0.5, 0.5))
    return 0.5 * (math.erfc(near) - math.erfc(far))


@cache
def gaussian_tables() -> Tables:
    """Return the shipped tables: 64 zero-mean Gaussians of scales 0.01 to 32 steps, as whole numbers."""
    with resources.files("rawtool.codec").joinpath("gaussian.npy").open("rb") as file:
        frequencies = np.load(file, allow_pickle=False)
    return Tables(-_GAUSSIAN_REACH, _accumulated(frequencies))


# Tables fitted to counted symbols.


def fitted_tables(lowest: int, counts: AnyArray) -> Tables:
    """Turn counts (n_tables, n_symbols) into tables; the last column counts escapes.

    A symbol that was never seen gets nothing, one that was seen at least 1, the escape always at least 1.
    Shares are good to 3 %, which costs less than a thousandth of a bit a symbol and keeps headers small.
    Whole numbers all the way: the same counts give the same tables anywhere.
    """
    return loads(dumps(lowest, counts))


def dumps(lowest: int, counts: AnyArray) -> bytes:
    """Pack the tables of counts (n_tables, n_symbols) for a header; `loads` makes them."""
    counts = np.asarray(counts, np.int64).copy()
    counts[:, -1] = np.maximum(counts[:, -1], 1)
    sums = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    weights = np.where(counts > 0, np.maximum(counts * TOTAL // sums, 1), 0)
    rises = np.diff(_coarse(weights), axis=1, prepend=0).ravel()
    prefixes, suffixes = pack_numbers(np.where(rises < 0, -2 * rises - 1, 2 * rises))
    head = np.array([lowest], "<i4").tobytes() + np.array(counts.shape, "<u2").tobytes()
    return b"".join([head, varint(len(prefixes)), prefixes, suffixes])


def loads(content: bytes) -> Tables:
    """Make the tables that `dumps` packed.

    Raises:
        DamagedSidecarError: the bytes are no tables.
    """
    if len(content) < _N_HEADER_BYTES:
        raise damaged("its tables are cut short")
    lowest = int(np.frombuffer(content, "<i4", 1)[0])
    shape = tuple(int(size) for size in np.frombuffer(content, "<u2", 2, 4))
    n_prefix_bytes, first = read_varint(content, _N_HEADER_BYTES)
    folded = unpack_numbers(content[first : first + n_prefix_bytes], content[first + n_prefix_bytes :])
    if len(folded) != math.prod(shape) or not len(folded):
        raise damaged("its tables have another size than they say")
    rises = np.where(folded & 1, -(folded >> 1) - 1, folded >> 1).reshape(shape)
    codes = np.cumsum(rises, axis=1)
    if codes.min() < 0 or codes.max() > _MAX_CODE or (codes[:, -1] == 0).any():
        raise damaged("its tables hold shares that cannot be")
    return Tables(lowest, _normalised(_fine(codes)))


def _coarse(weights: AnyArray) -> AnyArray:
    """Round weights to 4 digits after their leading one and return their places among such numbers."""
    shifts = np.maximum(np.frexp(weights.astype(np.float64))[1] - _N_DIGITS - 1, 0).astype(np.int64)
    return (shifts << _N_DIGITS) + (weights + (1 << shifts >> 1) >> shifts)


def _fine(codes: AnyArray) -> AnyArray:
    """Return the weights at these places: the inverse of `_coarse`, but for its rounding."""
    shifts = np.maximum((codes >> _N_DIGITS) - 1, 0)
    return codes - (shifts << _N_DIGITS) << shifts


def _normalised(weights: AnyArray) -> AnyArray:
    """Share 2^16 out by weights (n, m) below 2^46, at least 1 to each above 0; return the running sums."""
    least = (weights > 0).astype(np.int64)
    free = TOTAL - least.sum(axis=1, keepdims=True)
    if free.min() < 0:
        raise ValueError("more symbols than shares")
    shares = least + weights * free // np.maximum(weights.sum(axis=1, keepdims=True), 1)
    rows = np.arange(len(shares))
    shares[rows, shares.argmax(axis=1)] += TOTAL - shares.sum(axis=1)
    return _accumulated(shares)


def _accumulated(frequencies: AnyArray) -> AnyArray:
    """Return running sums, uint32 (n, m + 1), that begin with 0."""
    sums = np.zeros((len(frequencies), frequencies.shape[1] + 1), np.uint32)
    np.cumsum(frequencies, axis=1, out=sums[:, 1:], dtype=np.uint32)
    return sums
