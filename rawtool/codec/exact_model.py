"""What is expected of a sample, in whole numbers: its rank, and how far off that may be.

Both are weighted sums over what is known around the sample. Products and sums are int32 and may wrap around:
numpy does that alike everywhere, and the encoder chooses weights that do not.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.codec.exact_grid import MARGIN, N_NEAREST, Neighbours, Pass
from rawtool.codec.exact_tables import N_SIZES, PHASE_BITS, bin_of_size, contexts_of

RANK_BITS = 14
"""Digits after the point of the weights for ranks: 2^14 is 1."""

SIZE_BITS = 12
"""Digits after the point of the weights for sizes."""

N_SIZE_FEATURES = 8
_FRACTION_BITS = 4
_MOST = 32767
_N_NEAR_SIZES = 8
_CONSTANT = 256
_BAND = 1 << 15
# A pass of so many samples has one class more on each side.
_CLASS_BITS = (15, 17, 18)


@dataclass(frozen=True, slots=True)
class Plane:
    """Ranks of a plane, int32 (h, w), the sizes of their residuals, and the guide in ranks.

    The guide has a margin as wide as the widest spacing; ranks and sizes have one once all are known.
    """

    ranks: AnyArray
    sizes: AnyArray
    guide: AnyArray | None
    guide_margin: int


@dataclass(frozen=True, slots=True)
class Weights:
    """What a pass is expected by, int32.

    Samples fall into n x n classes by how uneven and by how bright it is around them; `borders` (2, n - 1)
    lie between these. `ranks` (n * n, n_known + 1) has weights for each class, the last a constant, and
    `sizes` (8,) is for all.
    """

    borders: AnyArray
    ranks: AnyArray
    sizes: AnyArray


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known around the samples of a pass, each int32 of its shape: ranks or guide, and sizes."""

    known: tuple[AnyArray, ...]
    own_sizes: tuple[AnyArray, ...]
    other_sizes: tuple[AnyArray, ...]
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Expectation:
    """Of each sample of a pass: rank int32, context uint8, and whether its residual is written negated."""

    ranks: AnyArray
    contexts: AnyArray
    is_mirrored: AnyArray


# Looking around.


def look_around(plane: Plane, others: list[Plane], which: Pass, neighbours: Neighbours) -> Surroundings:
    """Collect what is known around a pass; others are the finished planes, with their margins."""
    shape = which.shape((plane.ranks.shape[0], plane.ranks.shape[1]))
    own = list(_own(plane.ranks, which, neighbours.own, shape))
    beside = [_cut(others[number].ranks, which, shift, shape) for number, *shift in neighbours.others]
    sizes = [
        _cut(others[number].sizes, which, shift, shape)
        for number, *shift in neighbours.others[:_N_NEAR_SIZES]
    ]
    own_sizes = tuple(_own(plane.sizes, which, neighbours.own[:N_NEAREST], shape))
    return Surroundings(
        (*own, *beside, *_guide(plane, which, neighbours, shape)), own_sizes, tuple(sizes), shape
    )


def _cut(padded: AnyArray, which: Pass, shift: list[int], shape: tuple[int, int]) -> AnyArray:
    rows, columns = which.slices(MARGIN, (shift[0], shift[1]))
    return padded[rows, columns][: shape[0], : shape[1]]


def _own(
    plane: AnyArray, which: Pass, offsets: tuple[tuple[int, int], ...], shape: tuple[int, int]
) -> Iterator[AnyArray]:
    """Shift the lattices of the plane that are known; beyond its edges a lattice repeats its own."""
    spacing, reach = which.spacing, MARGIN
    lattices: dict[tuple[int, int], AnyArray] = {}
    for dy, dx in offsets:
        (down, row), (right, column) = divmod(which.row + dy, 2), divmod(which.column + dx, 2)
        if (row, column) not in lattices:
            lattice = plane[row * spacing :: 2 * spacing, column * spacing :: 2 * spacing]
            # A lattice may be empty where the plane has a single row or column.
            lattice = lattice if lattice.size else plane[:1, :1]
            missing = [
                (reach, reach + max(want - have, 0)) for want, have in zip(shape, lattice.shape, strict=True)
            ]
            lattices[row, column] = np.pad(lattice, missing, mode="edge")
        top, left = reach + down, reach + right
        yield lattices[row, column][top : top + shape[0], left : left + shape[1]]


def _guide(plane: Plane, which: Pass, neighbours: Neighbours, shape: tuple[int, int]) -> Iterator[AnyArray]:
    """The guide at the samples, and at the nearest four known ones."""
    if plane.guide is None:
        return
    for dy, dx in ((0, 0), *neighbours.own[:N_NEAREST]):
        rows, columns = which.slices(plane.guide_margin, (dy * which.spacing, dx * which.spacing))
        yield plane.guide[rows, columns][: shape[0], : shape[1]]


# Expecting.


def expect(around: Surroundings, weights: Weights, n_levels: int, executor: Executor) -> Expectation:
    """Return what the weights make of the surroundings, band by band."""
    expected = Expectation(
        np.empty(around.shape, np.int32), np.empty(around.shape, np.uint8), np.empty(around.shape, bool)
    )
    list(
        executor.map(
            lambda band: _expect_band(around, weights, n_levels, band, expected), bands(around.shape)
        )
    )
    return expected


def bands(shape: tuple[int, int]) -> list[slice]:
    """Cut rows into bands whose arrays stay in the cache."""
    n_rows = max(_BAND // max(shape[1], 1), 1)
    return [slice(top, min(top + n_rows, shape[0])) for top in range(0, shape[0], n_rows)]


def _expect_band(
    around: Surroundings, weights: Weights, n_levels: int, band: slice, expected: Expectation
) -> None:
    fine = expected_ranks(around, weights, n_levels, band)
    ranks = (fine + (1 << RANK_BITS - 1)) >> RANK_BITS
    sizes = _weighted(size_features(around, ranks, n_levels, band), weights.sizes, ranks.shape)
    sizes >>= SIZE_BITS - _FRACTION_BITS
    fine -= ranks << RANK_BITS
    np.less(fine, 0, out=expected.is_mirrored[band])
    np.abs(fine, out=fine)
    fine >>= RANK_BITS - 1 - PHASE_BITS
    bins = bin_of_size()[np.clip(sizes, 0, N_SIZES - 1)]
    expected.contexts[band] = contexts_of(bins, np.minimum(fine, (1 << PHASE_BITS) - 1))
    expected.ranks[band] = ranks


def n_class_sides(around: Surroundings) -> int:
    """Return how many classes a pass has by unevenness, and as many by level: what pays for their weights."""
    if len(around.own_sizes) < N_NEAREST:
        return 1
    return 1 + sum(around.shape[0] * around.shape[1] >= 1 << n_bits for n_bits in _CLASS_BITS)


def expected_ranks(around: Surroundings, weights: Weights, n_levels: int, band: slice) -> AnyArray:
    """Return the weighted sum of a band in 1 / 2^14 ranks, int32, never out of the range of ranks."""
    shape = band.stop - band.start, around.shape[1]
    classes = classes_of(around, weights.borders, band) if weights.borders.size else None
    columns = weights.ranks.T if classes is not None else weights.ranks[0]
    total, product = np.zeros(shape, np.int32), np.empty(shape, np.int32)
    for known, column in zip(around.known, columns[:-1], strict=True):
        weight = column if classes is None else column.take(classes, mode="wrap")
        np.multiply(known[band], weight, out=product)
        total += product
    total += columns[-1] if classes is None else columns[-1].take(classes, mode="wrap")
    return np.clip(total, 0, (n_levels - 1) << RANK_BITS, out=total)


def classes_of(around: Surroundings, borders: AnyArray, band: slice) -> AnyArray:
    """Return the classes of the samples of a band, int64."""
    classes = np.zeros((band.stop - band.start, around.shape[1]), np.int64)
    for key, limits in zip(class_keys(around, band), borders, strict=True):
        classes *= len(limits) + 1
        for limit in limits:
            classes += key > limit
    return classes


def class_keys(around: Surroundings, band: slice) -> tuple[AnyArray, AnyArray]:
    """Return what classes are told by: how uneven, and how bright it is around the samples of a band."""
    near = [known[band] for known in around.known[:N_NEAREST]]
    return _unevenness(near), _total(near, near[0])


def _unevenness(near: list[AnyArray]) -> AnyArray:
    pairs = ((0, 1), (2, 3), (0, 2), (1, 3))
    return _total([np.abs(near[a] - near[b]) for a, b in pairs], near[0])


def _weighted(features: Iterator[AnyArray], weights: AnyArray, shape: tuple[int, ...]) -> AnyArray:
    """Sum up features times weights, int32."""
    total, product = np.zeros(shape, np.int32), np.empty(shape, np.int32)
    for feature, weight in zip(features, weights, strict=True):
        np.multiply(feature, weight, out=product)
        total += product
    return total


def size_features(around: Surroundings, ranks: AnyArray, n_levels: int, band: slice) -> Iterator[AnyArray]:
    """What tells how large a residual may be: sizes and steps nearby, surprise, and signal for its noise."""
    near = [known[band] for known in around.known[:N_NEAREST]]
    yield _capped(_total([size[band] for size in around.own_sizes], ranks))
    yield _capped(_total([size[band] for size in around.other_sizes], ranks))
    if len(near) == N_NEAREST:
        yield _capped(_unevenness(near))
        yield _capped(np.abs(4 * ranks - _total(near, ranks)))
    else:
        yield np.zeros_like(ranks)
        yield np.zeros_like(ranks)
    for bend in (n_levels >> 4, n_levels >> 2, _MOST):
        yield np.minimum(ranks, bend)
    yield np.full_like(ranks, _CONSTANT)


def _total(parts: list[AnyArray], like: AnyArray) -> AnyArray:
    total = np.zeros_like(like)
    for part in parts:
        total += part
    return total


def _capped(numbers: AnyArray) -> AnyArray:
    return np.minimum(numbers, _MOST, out=numbers)
