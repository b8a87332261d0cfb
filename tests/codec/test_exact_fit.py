"""The encoder's fits find what is there to be found."""

import numpy as np

from rawtool.codec import exact_fit, exact_walk
from rawtool.codec.exact_model import Surroundings, expected_ranks


def scene(n: int = 128, seed: int = 0) -> tuple[np.ndarray, Surroundings]:
    """Ranks that follow two of six features, more in the dark than in the light."""
    source = np.random.default_rng(seed)
    known = tuple(source.integers(100, 3000, (6, n, n)).astype(np.int32))
    near = sum(known[:4]) // 4
    slope = np.where(near > 1550, 0.25, 0.75)
    ranks = np.rint(slope * known[1] + 0.5 * known[5] + 40).astype(np.int32)
    sizes = (np.ones((n, n), np.int32),) * 4
    return ranks, Surroundings(known, sizes, (), (n, n))


def test_weights_are_found():
    ranks, around = scene()
    around = Surroundings(around.known, (), (), around.shape)
    ranks = np.rint(0.7 * around.known[2] + 0.2 * around.known[4] + 40).astype(np.int32)

    weights = exact_fit.fit_weights(around, ranks, 4000)

    assert weights.ranks.shape == (1, 7)
    assert np.abs(weights.ranks[0, :-1] / 2**14 - [0, 0, 0.7, 0, 0.2, 0]).max() < 0.001
    assert abs(weights.ranks[0, -1] / 2**14 - 40) < 2


def test_classes_find_what_differs_between_dark_and_light():
    ranks, around = scene(400)
    one = Surroundings(around.known, (), (), around.shape)
    errors = []
    for surroundings in (one, around):
        weights = exact_fit.fit_weights(surroundings, ranks, 4000)
        found = expected_ranks(surroundings, weights, 4000, slice(0, 400)) / 2**14
        errors.append(np.abs(found - ranks).mean())

    assert errors[1] < 0.8 * errors[0]


def test_constant_surroundings_are_no_trouble():
    flat = np.full((30, 30), 7, np.int32)
    weights = exact_fit.fit_weights(Surroundings((flat,) * 5, (), (), (30, 30)), flat, 20)
    empty = exact_fit.fit_weights(Surroundings((), (), (), (30, 30)), flat, 20)

    assert (
        expected_ranks(Surroundings((flat,) * 5, (), (), (30, 30)), weights, 20, slice(0, 30)) >> 14 == 7
    ).all()
    assert empty.ranks.tolist() == [[7 << 14]]


def test_default_weights_take_the_mean_of_the_nearest():
    for n_known, share in ((1, 1 << 14), (3, (1 << 14) // 3), (20, 1 << 12)):
        assert exact_fit.default_weights(n_known).ranks[0, 0] == share
        assert exact_fit.default_weights(n_known).ranks[0, 4:].sum() == 0


def test_bent_lines_follow_a_tone_curve():
    guide = np.random.default_rng(0).integers(0, 256, (90, 80, 3), np.uint8)
    curve = 3000 * (guide / 255.0) ** 2.2
    ranks = np.rint(curve[..., 1] + 0.3 * curve[..., 0]).astype(np.int32)

    knots = exact_fit.fit_knots(ranks, guide, exact_walk.N_KNOTS)

    assert knots.shape == (3, exact_walk.N_KNOTS)
    assert np.abs(exact_walk.bend(guide, knots) - ranks).mean() < 12
