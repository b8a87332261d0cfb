"""Contexts of residuals, and residuals as symbols.

The expected size of a residual falls into one of 64 bins, four to a doubling. Where it is small, how far the
expected rank lies from a whole one counts too. Where it is large, the low digits of a residual are written
as they are: they are noise.
"""

import math
from functools import cache

import numpy as np

from rawtool.arrays import AnyArray

N_SIZES = 1 << 16
"""Sizes are whole sixteenths below this."""

PHASE_BITS = 2
_N_BINS = 64
# Below this bin, a size of 2, the phase counts.
_N_PHASED = 20
N_CONTEXTS = (_N_PHASED << PHASE_BITS) + _N_BINS - _N_PHASED
# Symbols of a bin reach some 8 to 16 times its size.
REACH = 64


@cache
def bin_of_size() -> AnyArray:
    """Return the bin of each size, uint8 (2^16,): floor(4 log2(size)), by whole numbers only."""
    # The fourth root of 2^i, rounded up.
    borders = [math.isqrt(math.isqrt((1 << i) - 1)) + 1 for i in range(1, _N_BINS)]
    return np.searchsorted(np.array(borders), np.arange(N_SIZES), side="right").astype(np.uint8)


def contexts_of(bins: AnyArray, phases: AnyArray) -> AnyArray:
    """Return the context, below N_CONTEXTS, of residuals with these bins and phases."""
    phased = (bins.astype(np.int32) << PHASE_BITS) + phases
    return np.where(bins < _N_PHASED, phased, bins + np.int32((_N_PHASED << PHASE_BITS) - _N_PHASED))


@cache
def n_noise_digits() -> AnyArray:
    """Return how many low digits of its residuals each context writes as they are, int32 (N_CONTEXTS,)."""
    bins = np.maximum(np.arange(N_CONTEXTS) - ((_N_PHASED << PHASE_BITS) - _N_PHASED), 0)
    return np.maximum(bins // 4 - 6, 0).astype(np.int32)
