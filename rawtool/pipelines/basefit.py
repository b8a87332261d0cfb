"""The polynomial of a base picture that comes nearest to its raw: what the learned coder begins with.

Every plane of the mosaic is a cubic of the three 8-bit colours of its own site, in square-root-encoded light:
13 numbers a plane. It takes back what a developer did to the whole picture: white balance, exposure, curve.
"""

import numpy as np

from rawtool.arrays import AnyArray, Planes, Rgb8

TOE = 0.0015
"""The encoding is sign(x) (sqrt(|x| + TOE) - sqrt(TOE)), the networks' own.

raw-metadata-s-v1 learned with another, 1e-4; what was packed by it carries its fit and reads as ever.
"""

N_TERMS = 13
_MOST_SITES = 1 << 17
_RIDGE = 1e-5


def root_encode(light: AnyArray) -> AnyArray:
    """Encode light; 0 stays 0 and 1 becomes 0.96."""
    return light / (np.sqrt(np.abs(light) + TOE) + np.sqrt(TOE))


def guide_channels(guide: Rgb8) -> AnyArray:
    """Lay the pixels (2h, 2w, 3) of each cell side by side: (h, w, 12), R, G, B of its four sites in turn."""
    sites = [guide[row::2, column::2] for row in (0, 1) for column in (0, 1)]
    return np.concatenate(sites, axis=2)


def fit_polynomial(planes: Planes, guide: Rgb8) -> AnyArray:
    """Fit planes (h, w, 4) by a guide (2h, 2w, 3): float32 (4, 13), of numbers that float16 holds.

    Least squares over an even grid of at most 131,072 cells. Terms: the constant, then three each of x, x^2,
    x^3, and the products of two colours, red and green first.
    """
    step = max(1, int(np.ceil(np.sqrt(planes.shape[0] * planes.shape[1] / _MOST_SITES))))
    colors = guide_channels(guide)[::step, ::step].reshape(-1, 4, 3).astype(np.float64) / 255.0
    wanted = root_encode(planes[::step, ::step].reshape(-1, 4).astype(np.float64))
    fitted = [_fitted(terms_of(colors[:, at]), wanted[:, at]) for at in range(4)]
    return np.stack(fitted).astype(np.float16).astype(np.float32)


def terms_of(colors: AnyArray) -> AnyArray:
    """Give the 13 terms of colours (n, 3) in [0, 1]."""
    turned = np.roll(colors, -1, axis=1)
    return np.concatenate(
        [np.ones_like(colors[:, :1]), colors, colors**2, colors**3, colors * turned], axis=1
    )


def _fitted(terms: AnyArray, wanted: AnyArray) -> AnyArray:
    """Solve the normal equations, with a ridge so that grey pictures have an answer too."""
    square = terms.T @ terms + _RIDGE * len(terms) * np.eye(N_TERMS)
    return np.linalg.solve(square, terms.T @ wanted)
