"""How the encoder finds weights: least squares in floats, rounded once and sent.

The decoder never comes here; nothing in it has to give the same bits twice.
"""

from dataclasses import replace

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.codec.exact_grid import N_NEAREST
from rawtool.codec.exact_model import (
    N_SIZE_FEATURES,
    RANK_BITS,
    SIZE_BITS,
    Surroundings,
    Weights,
    class_keys,
    classes_of,
    expected_ranks,
    n_class_sides,
    size_features,
)

_N_WANTED = 5_000
_MOST_WEIGHT = (1 << RANK_BITS + 1) - 1
_MOST_SIZE_WEIGHT = (1 << SIZE_BITS) - 1
_RIDGE = 1e-4
_N_SOLVABLE = 200
_N_ROWS = 96


def fit_weights(around: Surroundings, ranks: AnyArray, n_levels: int) -> Weights:
    """Find weights that expect the ranks (n, m) of a pass best, from evenly spread rows of it."""
    n_sides = n_class_sides(around)
    n_rows = max(_N_WANTED * n_sides**2 // ranks.shape[1], 8)
    step = max(ranks.shape[0] // n_rows, 1)
    sample, truth = _every(around, step), ranks[::step]
    band = slice(0, sample.shape[0])
    borders = _fit_borders(sample, n_sides)
    classes = classes_of(sample, borders, band).ravel() if n_sides > 1 else np.zeros(truth.size, np.int64)
    for_ranks = _fit_ranks(sample, truth.ravel(), classes, n_sides**2)
    weights = Weights(borders, for_ranks, np.zeros(N_SIZE_FEATURES, np.int32))
    fine = expected_ranks(sample, weights, n_levels, band)
    rounded = (fine + (1 << RANK_BITS - 1)) >> RANK_BITS
    features = _columns(tuple(size_features(sample, rounded, n_levels, band)), truth.size)
    sizes = np.abs(truth - fine / 2**RANK_BITS).ravel()
    return replace(weights, sizes=_fit_sizes(features, sizes))


def default_weights(n_known: int) -> Weights:
    """Return weights for passes too small to fit: the mean of the nearest, and their steps."""
    ranks = np.zeros((1, n_known + 1), np.int32)
    n_near = min(n_known, 4)
    ranks[0, :n_near] = (1 << RANK_BITS) // max(n_near, 1)
    sizes = np.zeros(N_SIZE_FEATURES, np.int32)
    sizes[[2, 3, 6, 7]] = np.array([0.125, 0.125, 0.02, 0.01]) * 2**SIZE_BITS
    return Weights(np.zeros((2, 0), np.int32), ranks, sizes)


def _fit_borders(around: Surroundings, n_sides: int) -> AnyArray:
    """Return borders between equally many samples."""
    if n_sides == 1:
        return np.zeros((2, 0), np.int32)
    parts = np.linspace(0, 1, n_sides + 1)[1:-1]
    keys = class_keys(around, slice(0, around.shape[0]))
    return np.array([np.quantile(key, parts) for key in keys]).astype(np.int32)


def _every(around: Surroundings, step: int) -> Surroundings:
    """Keep every step-th row."""
    known, own, other = (
        tuple(part[::step] for part in parts)
        for parts in (around.known, around.own_sizes, around.other_sizes)
    )
    return Surroundings(known, own, other, (-(-around.shape[0] // step), around.shape[1]))


def _columns(features: tuple[AnyArray, ...], n: int) -> AnyArray:
    """Return features as columns, float64 (n, n_features)."""
    columns = np.empty((n, len(features)))
    for number, feature in enumerate(features):
        columns[:, number] = feature.ravel()
    return columns


def _products(left: AnyArray, right: AnyArray) -> AnyArray:
    """Return left.T @ right, block by block: so small products run on one thread, large ones wait for all."""
    n_whole = len(left) // _N_ROWS * _N_ROWS
    n_blocks = n_whole // _N_ROWS
    blocks = [matrix[:n_whole].reshape(n_blocks, _N_ROWS, matrix.shape[1]) for matrix in (left, right)]
    return (blocks[0].transpose(0, 2, 1) @ blocks[1]).sum(axis=0) + left[n_whole:].T @ right[n_whole:]


def _trust(known: AnyArray, around: Surroundings) -> AnyArray:
    """Return how much each sample counts: less where its surroundings are uneven or were a surprise."""
    sizes = [part.ravel() for part in (*around.own_sizes, *around.other_sizes)]
    steps = np.abs(known[:, 1:N_NEAREST] - known[:, :1])
    spread = steps @ np.full(steps.shape[1], 1 / N_NEAREST)
    return 1 / np.sqrt(1 + spread + sum(sizes, np.zeros(len(known))) / max(len(sizes), 1))


def _fit_ranks(around: Surroundings, truth: AnyArray, classes: AnyArray, n_classes: int) -> AnyArray:
    """Solve for the weights of each class; a class of few samples borrows from all."""
    known = _columns(around.known, truth.size)
    trust = _trust(known, around)
    parts = [np.flatnonzero(classes == number) for number in range(n_classes)]
    parts = [part if len(part) >= _N_SOLVABLE else np.arange(truth.size) for part in parts]
    return np.stack([_solve_ranks(known[part], truth[part], trust[part]) for part in parts])


def _solve_ranks(known: AnyArray, truth: AnyArray, trust: AnyArray) -> AnyArray:
    """Solve for weights and a constant, and round so that the mean stays what it is."""
    center, middle = known.mean(axis=0), truth.mean()
    scaled = (known - center) * trust[:, None]
    grams = _products(scaled, scaled)
    ridge = (_RIDGE * np.trace(grams) / max(len(grams), 1) + 1e-9) * np.eye(len(grams))
    wanted = _products(scaled, ((truth - middle) * trust)[:, None])[:, 0]
    weights = np.linalg.solve(grams + ridge, wanted)
    rounded = np.clip(np.rint(weights * 2**RANK_BITS), -_MOST_WEIGHT, _MOST_WEIGHT)
    constant = np.rint(middle * 2**RANK_BITS - rounded @ center)
    return np.append(rounded, np.clip(constant, -(2**30), 2**30)).astype(np.int32)


def _fit_sizes(features: AnyArray, sizes: AnyArray) -> AnyArray:
    """Solve for the weights of sizes, small sizes counting as much as large ones."""
    trust = 1 / (1 + features[:, :4] @ np.ones(4))
    scaled = features * trust[:, None]
    grams = _products(scaled, scaled)
    norms = np.sqrt(np.maximum(np.diag(grams), 1e-12))
    solved = np.linalg.solve(
        grams / norms / norms[:, None] + 1e-6 * np.eye(len(grams)), scaled.T @ (sizes * trust) / norms
    )
    return np.clip(np.rint(solved / norms * 2**SIZE_BITS), -_MOST_SIZE_WEIGHT, _MOST_SIZE_WEIGHT).astype(
        np.int32
    )


# The guide.


def fit_knots(ranks: AnyArray, guide: AnyArray, n_knots: int) -> AnyArray:
    """Fit the ranks of a plane as a sum of three bent lines, one for each channel of the guide (h, w, 3).

    Returns the heights of the bends, int32 (3, n_knots), evenly spaced over the codes 0 to 256.
    """
    step = max(int(np.sqrt(ranks.size / _N_WANTED)), 1)
    codes = guide[::step, ::step].reshape(-1, 3)
    truth = ranks[::step, ::step].ravel().astype(np.float64)
    hats = np.concatenate([_hats(codes[:, channel], n_knots) for channel in range(3)], axis=1)
    grams = _products(hats, hats)
    # Bends that no pixel reaches follow their neighbours.
    bent = np.diff(np.eye(n_knots), n=2, axis=0)
    smooth = np.kron(np.eye(3), bent.T @ bent) * len(truth) * 1e-4
    solved = np.linalg.solve(grams + smooth + 1e-6 * len(truth) * np.eye(len(grams)), hats.T @ truth)
    return np.clip(np.rint(solved), -(2**20), 2**20).astype(np.int32).reshape(3, n_knots)


def _hats(codes: AnyArray, n_knots: int) -> AnyArray:
    """Return how much of each bend is in each code, float64 (n, n_knots)."""
    place = codes.astype(np.float64) * (n_knots - 1) / 256
    return np.maximum(1 - np.abs(place[:, None] - np.arange(n_knots)), 0)
