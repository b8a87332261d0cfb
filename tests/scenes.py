"""Pictures with a known truth: scene-linear, Rec.709 primaries, (H, W, 3) float32, 1 = diffuse white."""

import numpy as np

from rawtool.arrays import Rgb

# Linear Rec.709 reflectances: skin, sky, foliage, orange, purple, yellow; then five greys.
PATCHES = (
    (0.47, 0.21, 0.15),
    (0.12, 0.20, 0.34),
    (0.09, 0.15, 0.05),
    (0.65, 0.20, 0.03),
    (0.10, 0.04, 0.14),
    (0.75, 0.55, 0.02),
    (0.03, 0.03, 0.03),
    (0.09, 0.09, 0.09),
    (0.19, 0.19, 0.19),
    (0.36, 0.36, 0.36),
    (0.90, 0.90, 0.90),
)


def grey(height: int, width: int, light: float = 0.18) -> Rgb:
    """One grey everywhere."""
    return np.full((height, width, 3), light, np.float32)


def grey_ramp(height: int, width: int, ev_range: tuple[float, float] = (-8.0, 0.0)) -> Rgb:
    """Greys from left to right, each step the same number of EV."""
    light = np.exp2(np.linspace(*ev_range, width, dtype=np.float32))
    return np.broadcast_to(light[None, :, None], (height, width, 3)).copy()


def patches(side: int = 16) -> Rgb:
    """The colours of PATCHES beside each other, squares of the given side."""
    row = np.repeat(np.array(PATCHES, np.float32), side, axis=0)
    return np.broadcast_to(row, (side, *row.shape)).copy()


def zone_plate(height: int, width: int) -> Rgb:
    """Grey rings that become finer outwards, to the finest that the longer side can hold."""
    y = np.arange(height, dtype=np.float64) - height // 2
    x = np.arange(width, dtype=np.float64) - width // 2
    phase = np.pi * (y[:, None] ** 2 + x[None, :] ** 2) / max(height, width)
    light = (0.5 + 0.45 * np.cos(phase)).astype(np.float32)
    return np.repeat(light[..., None], 3, axis=2)


def stars(height: int, width: int, n_stars: int = 40, brightest: float = 50.0, seed: int = 0) -> Rgb:
    """Single pixels far above white on a dark sky."""
    rng = np.random.default_rng(seed)
    sky = np.full((height, width, 3), 0.002, np.float32)
    at = rng.choice(height * width, n_stars, replace=False)
    sky.reshape(-1, 3)[at] = np.geomspace(0.1, brightest, n_stars, dtype=np.float32)[:, None]
    return sky
