"""The values that samples may take: whole numbers to ranks and back.

A camera that stores a curve leaves gaps between its values, and an allowed error lets neighbours share one.
Either way what is coded are ranks in a rising list of levels, uint16 (n,).
"""

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.codec.numbers import damaged, pack_numbers, read_varint, unpack_numbers, varint

_N_VALUES = 1 << 16
# A list of its own is kept only if it leaves out this much of the range.
_MOST_OF_RANGE = 0.75


def choose_levels(samples: AnyArray, max_error: int) -> AnyArray:
    """Return few levels such that each of the uint16 samples lies within max_error of one."""
    counts = np.bincount(samples.ravel(), minlength=_N_VALUES)
    present = np.flatnonzero(counts)
    lowest, highest = int(present[0]), int(present[-1])
    step = 2 * max_error + 1
    n_even = (highest - lowest) // step + 1
    chosen = _covering(present, counts, max_error)
    if len(chosen) <= _MOST_OF_RANGE * n_even:
        return chosen
    return np.minimum(lowest + max_error + step * np.arange(n_even), _N_VALUES - 1).astype(np.uint16)


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
    values = levels.astype(np.int64)
    nearest = np.searchsorted((values[:-1] + values[1:]) / 2, np.arange(_N_VALUES))
    return nearest.astype(np.int32)[samples]


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
