"""The values that samples may take: whole numbers to ranks and back.

A camera that stores a curve leaves gaps between its values, and an allowed error lets neighbours share one.
Either way what is coded are ranks in a rising list of levels, uint16 (n,), one list for each plane.
"""

import math

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.codec.numbers import damaged, pack_numbers, read_varint, unpack_numbers, varint

_N_VALUES = 1 << 16


def choose_levels(samples: AnyArray, max_error: int) -> AnyArray:
    """Return few levels such that each of the uint16 samples lies within max_error of one."""
    counts = np.bincount(samples.ravel(), minlength=_N_VALUES)
    present = np.flatnonzero(counts)
    lowest, highest = int(present[0]), int(present[-1])
    # Even levels: as many multiples of what all values have in common as lie within the bound of one level.
    unit = max(int(np.gcd.reduce(np.diff(present))), 1)
    step = (2 * max_error // unit + 1) * unit
    n_even = (highest - lowest) // step + 1
    chosen = _covering(present, counts, max_error)
    # A list pays if it makes ranks dense enough; only half of what that promises is believed.
    n_saved_bits = samples.size * math.log2(n_even / len(chosen)) / 2
    if len(chosen) < n_even and 8 * len(dumps_levels(chosen)) < n_saved_bits:
        return chosen
    even = lowest + (step - unit) // 2 + step * np.arange(n_even)
    return np.minimum(even, _N_VALUES - 1).astype(np.uint16)


def _covering(present: AnyArray, counts: AnyArray, max_error: int) -> AnyArray:
    """Let each level take all present values from the first that is left to 2 max_error above it."""
    ends = np.searchsorted(present, present + 2 * max_error, side="right")
    levels, first = [], 0
    while first < len(present):
        taken = present[first : ends[first]]
        mean = int(np.rint(np.average(taken, weights=counts[taken])))
        levels.append(min(max(mean, taken[-1] - max_error), taken[0] + max_error))
        first = int(ends[first])
    return np.array(levels, np.uint16)


def ranks_of(samples: AnyArray, levels: AnyArray) -> AnyArray:
    """Return the rank of the level that is nearest to each sample, int32 of the samples' shape."""
    return _nearest(levels)[samples]


def ranks_beyond(samples: AnyArray, levels: AnyArray) -> AnyArray:
    """Return ranks as `ranks_of` does, but below the first level and above the last they go on evenly."""
    first, last, values = int(levels[0]), int(levels[-1]), np.arange(_N_VALUES)
    beyond = np.minimum(values - first, 0) + np.maximum(values - last, 0)
    ranks = _nearest(levels) + beyond * (len(levels) - 1) // max(last - first, 1)
    return ranks.astype(np.int32)[samples]


def _nearest(levels: AnyArray) -> AnyArray:
    """Return the rank of the level nearest to each value, int32 (2^16,)."""
    doubled = 2 * levels.astype(np.int64)
    borders = (doubled[:-1] + doubled[1:]) // 2
    return np.searchsorted(borders, 2 * np.arange(_N_VALUES)).astype(np.int32)


def dumps_levels(levels: AnyArray) -> bytes:
    """Pack levels: the first, their number, and how their distances change, if they do."""
    steps = np.diff(levels.astype(np.int64)) - 1
    head = varint(int(levels[0])) + varint(len(levels))
    if len(levels) == 1 or (steps == steps[0]).all():
        return head + varint(1 + int(steps[:1].sum()))
    changes = np.diff(steps, prepend=0)
    prefixes, suffixes = pack_numbers(np.where(changes < 0, -2 * changes - 1, 2 * changes))
    return head + varint(0) + varint(len(prefixes)) + prefixes + suffixes


def loads_levels(content: bytes) -> AnyArray:
    """Unpack what `dumps_levels` packed.

    Raises:
        DamagedSidecarError: these are no levels.
    """
    first, at = read_varint(content, 0)
    n_levels, at = read_varint(content, at)
    step, at = read_varint(content, at)
    if not 1 <= n_levels <= _N_VALUES or max(first, step) > _N_VALUES:
        raise damaged("its levels cannot be")
    steps = np.full(n_levels - 1, step - 1, np.int64)
    if step == 0:
        n_prefix_bytes, at = read_varint(content, at)
        folded = unpack_numbers(content[at : at + n_prefix_bytes], content[at + n_prefix_bytes :])
        steps = np.cumsum(np.where(folded & 1, -(folded >> 1) - 1, folded >> 1))
    values = np.cumsum(np.concatenate([[first], steps + 1]))
    if len(values) != n_levels or steps.min(initial=0) < 0 or values[-1] >= _N_VALUES:
        raise damaged("its levels do not fit in 16 bits")
    return values.astype(np.uint16)
