"""Expectations against a slow reference in Python's own whole numbers."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from rawtool.codec import exact_grid, exact_model
from rawtool.codec.exact_fit import default_weights
from rawtool.codec.exact_model import Plane, Surroundings, Weights

SHAPE = (45, 52)
SITES = exact_grid.sites_of((2, 2), 1)


def some_planes(seed: int = 0) -> tuple[Plane, Plane]:
    """A plane in the making with a guide, and a finished one."""
    ranks, sizes, guide, other, other_sizes = np.random.default_rng(seed).integers(
        0, 900, (5, *SHAPE), np.int32
    )
    done = Plane(exact_grid.with_margin(other), exact_grid.with_margin(other_sizes), None, 0)
    return Plane(ranks, sizes, exact_grid.with_margin(guide, 8), 8), done


def surroundings(number: int) -> tuple[exact_grid.Pass, exact_grid.Neighbours, Surroundings]:
    which = exact_grid.passes_of(SHAPE)[number]
    neighbours = exact_grid.neighbours_of(which, SITES[1], SITES[:1])
    plane, done = some_planes()
    return which, neighbours, exact_model.look_around(plane, [done], which, neighbours)


def test_what_is_known_is_what_lies_there():
    plane, done = some_planes()
    which, neighbours, around = surroundings(-2)
    rows, columns = np.indices(SHAPE)[(slice(None), *which.slices())]
    center = 5, 7
    y, x = int(rows[center]), int(columns[center])

    own = [plane.ranks[y + dy, x + dx] for dy, dx in neighbours.own]
    beside = [done.ranks[y + dy + 2, x + dx + 2] for _, dy, dx in neighbours.others]
    guide = [plane.guide[y + dy + 8, x + dx + 8] for dy, dx in ((0, 0), *neighbours.own[:4])]
    assert [int(known[center]) for known in around.known] == [*own, *beside, *guide]
    assert [int(size[center]) for size in around.own_sizes] == [
        plane.sizes[y + dy, x + dx] for dy, dx in neighbours.own[:4]
    ]
    assert len(around.other_sizes) == 8


def test_every_feature_has_the_shape_of_its_pass():
    for number in range(len(exact_grid.passes_of(SHAPE))):
        which, _, around = surroundings(number)
        assert {known.shape for known in around.known} == {which.shape(SHAPE)}
        assert {size.shape for size in around.own_sizes + around.other_sizes} == {which.shape(SHAPE)}


def reference(around: Surroundings, weights: Weights, at: tuple[int, int], n_levels: int) -> int:
    """The expected rank of one sample in 1 / 2^14."""
    known = [int(feature[at]) for feature in around.known]
    near = known[:4]
    uneven = sum(abs(near[a] - near[b]) for a, b in ((0, 1), (2, 3), (0, 2), (1, 3)))
    keys = uneven, sum(near)
    sides = [
        sum(key > int(limit) for limit in limits) for key, limits in zip(keys, weights.borders, strict=True)
    ]
    row = [int(weight) for weight in weights.ranks[sides[0] * (weights.borders.shape[1] + 1) + sides[1]]]
    total = sum(a * b for a, b in zip(known, row[:-1], strict=True)) + row[-1]
    return min(max(total, 0), (n_levels - 1) << 14)


def test_expected_ranks_are_those_of_the_slow_reference():
    source = np.random.default_rng(1)
    _, _, around = surroundings(-1)
    ranks = source.integers(-3000, 4500, (9, len(around.known) + 1)).astype(np.int32)
    weights = Weights(np.array([[900, 1400], [1500, 2100]], np.int32), ranks, np.zeros(8, np.int32))

    fine = exact_model.expected_ranks(around, weights, 900, slice(0, around.shape[0]))

    assert len(np.unique(exact_model.classes_of(around, weights.borders, slice(0, around.shape[0])))) == 9
    for at in ((0, 0), (3, 8), (21, 25), (10, 11)):
        assert fine[at] == reference(around, weights, at, 900)


def test_the_number_of_threads_and_bands_changes_nothing(monkeypatch):
    _, _, around = surroundings(-1)
    weights = default_weights(len(around.known))
    found = []
    for n_threads, band in ((1, 1 << 15), (4, 60)):
        monkeypatch.setattr(exact_model, "_BAND", band)
        with ThreadPoolExecutor(n_threads) as executor:
            found.append(exact_model.expect(around, weights, 900, executor))

    assert np.array_equal(found[0].ranks, found[1].ranks)
    assert np.array_equal(found[0].contexts, found[1].contexts)
    assert np.array_equal(found[0].is_mirrored, found[1].is_mirrored)


def test_a_residual_is_mirrored_where_the_expectation_lies_below_its_rank():
    known = np.array([[10, 10, 10]], np.int32)
    around = Surroundings((known,), (), (), (1, 3))
    ranks = np.array([[1 << 14, 0]], np.int32)
    for constant, rank, is_mirrored in (
        (0, 10, False),
        (5000, 10, False),
        (-5000, 10, True),
        (9000, 11, True),
    ):
        ranks[0, -1] = constant
        weights = Weights(np.zeros((2, 0), np.int32), ranks, np.zeros(8, np.int32))
        with ThreadPoolExecutor(1) as executor:
            found = exact_model.expect(around, weights, 900, executor)
        assert found.ranks[0, 0] == rank
        assert found.is_mirrored[0, 0] == is_mirrored
