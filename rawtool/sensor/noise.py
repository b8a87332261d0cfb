"""Shot and read noise of a mosaic: estimate it from one frame, add it to a frame.

Samples are the mosaic after levels: 0 black, 1 white level, proportional to light.
"""

from dataclasses import dataclass

import numpy as np

from rawtool.arrays import AnyArray, Mosaic

_SIDE = 4
"""Samples of one colour plane along a side of a block."""
_MAX_SAMPLES = 3_000_000
"""A larger frame is looked at through evenly spread strips of about so many samples."""
_FLAT_FRACTION = 0.10
"""The share of the blocks of one brightness that is taken as flat."""
_MIN_BLOCKS = 16
_N_BINS = 32
_QUANTILE = 0.30
_QUANTILE_OF_NOISE = 0.610
"""The 30 % quantile of a block's variance in white noise of variance 1; a million simulated blocks."""
_SPREAD_OF_LOG = 0.87
"""Standard deviation of the log of that quantile times the root of the number of blocks; likewise."""
_MODEL_SPREAD = 0.03
"""How far the log variance of a real sensor may lie off a straight line; our choice."""
_DARK = 0.003
"""Read / shot of a common camera; only weighs blocks of unlike brightness against each other."""
_RATIOS = np.concatenate([[0.0], np.geomspace(1e-6, 30.0, 96)])
"""The values of read / shot that are tried."""
_FEW_ELECTRONS = 30.0
"""Below, a Poisson distribution is visibly skewed: its skewness is 1 / sqrt(30) = 0.18."""
_STRIP_ROWS = 256


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Noise that grows with the signal: variance = shot * x + read, x the value after levels."""

    shot: float
    read: float

    def variance(self, x: AnyArray) -> AnyArray:
        """The variance at the noise-free value x, float32; a value under black counts as black."""
        light = np.maximum(x, np.float32(0))
        return (light * np.float32(self.shot) + np.float32(self.read)).astype(np.float32, copy=False)


def estimate_noise(mosaic: Mosaic, period: tuple[int, int]) -> NoiseModel:
    """Estimate shot and read noise from the frame alone; never fails, never NaN.

    Every plane (one position of the colour cell) is cut into blocks of 4 x 4 samples. The variance
    of a block is the mean square of its mixed differences a - b - c + d, which see no slope and no
    offset of a row or a column. Blocks are called flat by what the *other* planes show at their
    place: their noise is independent, so the choice does not favour blocks that are quiet by
    chance. Blocks that reach the darkest or brightest value of their plane, or 1, are left out
    (clipping), and those below the quantisation noise (erased by a lossy codec). The line is fitted
    to the lower envelope, so that remaining texture does not count.

    Row noise is not seen, noise that the camera has smoothed only in part. A frame without a
    usable block gets the noise of its quantisation and nothing else.

    Args:
        mosaic: after levels.
        period: rows and columns of the colour cell: (2, 2) for Bayer, (1, 1) for monochrome.
    """
    step = _quantisation_step(mosaic[:: period[0], :: period[1]])
    floor = max(1e-12, step * step / 12.0)
    means, variances, is_usable = _measure_blocks(mosaic, (max(period[0], 2), max(period[1], 2)))
    is_usable &= variances > floor
    roughness = _roughness_elsewhere(means, variances)
    bins = _flat_bins(means[is_usable], variances[is_usable], roughness[is_usable])
    if not bins.size:
        return NoiseModel(0.0, floor)
    x, variance, spread = bins
    shot, read = _fit_lower_envelope(np.maximum(x, 0.0), np.maximum(variance, floor), spread)
    return NoiseModel(shot, max(read, floor))


def add_noise(mosaic: Mosaic, model: NoiseModel, rng: np.random.Generator) -> Mosaic:
    """Add shot and read noise to a noise-free mosaic; not clipped, not quantised.

    The noise is Gaussian, except where fewer than 30 electrons (x / shot) are expected: there the
    shot noise is Poisson, because a Gaussian would miss the skew that dark areas at a high ISO show.
    """
    noisy = np.empty_like(mosaic)
    for top in range(0, mosaic.shape[0], _STRIP_ROWS):
        rows = slice(top, top + _STRIP_ROWS)
        noisy[rows] = _noisy_strip(mosaic[rows], model, rng)
    return noisy


def add_row_noise(mosaic: Mosaic, sigma: float, rng: np.random.Generator) -> Mosaic:
    """Add to every row one Gaussian offset of standard deviation sigma."""
    offsets = rng.standard_normal((mosaic.shape[0], 1), dtype=np.float32)
    return mosaic + offsets * np.float32(sigma)


def _noisy_strip(strip: AnyArray, model: NoiseModel, rng: np.random.Generator) -> AnyArray:
    normal = rng.standard_normal(strip.shape, dtype=np.float32)
    noisy = strip + normal * np.sqrt(model.variance(strip))
    is_dark = strip < _FEW_ELECTRONS * model.shot
    if np.any(is_dark):
        dark = strip[is_dark]
        electrons = rng.poisson(np.maximum(dark, 0) / model.shot)
        noisy[is_dark] = np.minimum(dark, 0) + electrons * model.shot + normal[is_dark] * np.sqrt(model.read)
    return noisy


def _quantisation_step(plane: AnyArray) -> float:
    """The smallest difference of two values in the first rows of a plane; 0 for a constant one."""
    levels = np.unique(plane[: max(1, 65536 // max(1, plane.shape[1]))])
    return float(np.diff(levels.astype(np.float64)).min()) if levels.size > 1 else 0.0


def _measure_blocks(mosaic: Mosaic, period: tuple[int, int]) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Mean, variance and usability of every block, each (planes, blocks)."""
    rows, columns = period
    n_down, n_across = mosaic.shape[0] // (rows * _SIDE), mosaic.shape[1] // (columns * _SIDE)
    every = max(1, round(mosaic.size / _MAX_SAMPLES))
    whole = mosaic[: n_down * rows * _SIDE, : n_across * columns * _SIDE]
    strips = whole.reshape(n_down, _SIDE, rows, n_across * _SIDE, columns)[every // 2 :: every]
    planes = [_measure_plane(strips[:, :, i, :, j]) for i in range(rows) for j in range(columns)]
    means, variances, is_usable = (np.stack(kind) for kind in zip(*planes, strict=True))
    return means, variances, is_usable


def _measure_plane(strips: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Mean, variance and usability of the blocks of one plane, given as strips (n, 4, width)."""
    if not strips.size:
        return np.zeros(0, np.float32), np.zeros(0, np.float32), np.zeros(0, np.bool_)
    blocks = np.ascontiguousarray(strips).reshape(strips.shape[0], _SIDE, -1, _SIDE)
    mean = np.einsum("nrbc->nb", blocks) / np.float32(_SIDE**2)
    mixed = np.diff(np.diff(blocks, axis=1), axis=3)
    variance = np.einsum("nrbc,nrbc->nb", mixed, mixed) / np.float32(4 * (_SIDE - 1) ** 2)
    reach = 3 * np.sqrt(variance)
    is_usable = (mean - reach > blocks.min()) & (mean + reach < min(float(blocks.max()), 1.0))
    return mean.ravel(), variance.ravel(), is_usable.ravel()


def _roughness_elsewhere(means: AnyArray, variances: AnyArray) -> AnyArray:
    """For every block the variance of the other planes at its place, in units of likely noise."""
    relative = variances / (np.maximum(means, 0) + np.float32(_DARK))
    return relative.sum(axis=0) - relative


def _flat_bins(means: AnyArray, variances: AnyArray, roughness: AnyArray) -> AnyArray:
    """The flat blocks gathered by brightness: rows x, variance, spread of its log; (3, bins)."""
    root = np.sqrt(np.maximum(means, 0))
    edges = np.linspace(root.min(), root.max(), _N_BINS + 1)[1:-1] if root.size else np.zeros(0)
    bin_of = np.digitize(root, edges)
    order = np.argsort(bin_of, kind="stable")
    groups = np.split(order, np.searchsorted(bin_of[order], np.arange(1, _N_BINS)))
    rows = [
        _flat_bin(means[group], variances[group], roughness[group])
        for group in groups
        if group.size >= 2 * _MIN_BLOCKS
    ]
    return np.array(rows, np.float64).T


def _flat_bin(means: AnyArray, variances: AnyArray, roughness: AnyArray) -> tuple[float, float, float]:
    """Mean, noise variance and spread of the log variance of the flattest blocks of one bin."""
    n_flat = max(_MIN_BLOCKS, int(means.size * _FLAT_FRACTION))
    flat = np.argpartition(roughness, n_flat - 1)[:n_flat]
    variance = np.quantile(variances[flat], _QUANTILE) / _QUANTILE_OF_NOISE
    return (
        float(means[flat].mean()),
        float(variance),
        float(np.hypot(_SPREAD_OF_LOG / n_flat**0.5, _MODEL_SPREAD)),
    )


def _fit_lower_envelope(x: AnyArray, variance: AnyArray, spread: AnyArray) -> tuple[float, float]:
    """Shot and read of the line that the quietest bins agree on; both at least 0.

    Every ratio read / shot is tried with the level of every bin, and the cheapest line wins.
    """
    best = (np.inf, 0.0, 0.0)
    for ratio in _RATIOS:
        level = np.log(variance / (x + ratio + 1e-12))
        cost = _envelope_cost((level[None, :] - level[:, None]) / spread).sum(axis=1)
        winner = int(cost.argmin())
        if cost[winner] < best[0]:
            shot = float(np.exp(level[winner]))
            best = (float(cost[winner]), shot, shot * float(ratio))
    return best[1], best[2]


def _envelope_cost(deviation: AnyArray) -> AnyArray:
    """The price of bins at a deviation (in spreads) from the line.

    Quadratic near the line. Far above, where texture lies, it stays at about 2; far below, where
    noise cannot be, it grows linearly.
    """
    near = 0.5 * deviation * deviation
    above = 2.0 + 0.02 * (deviation - 2.0)
    return np.where(deviation > 2.0, above, np.where(deviation < -2.0, -2.0 * deviation - 2.0, near))
