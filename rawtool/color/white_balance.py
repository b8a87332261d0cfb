"""The colour of the light: neutrals, gains and simple estimates."""

import numpy as np

from rawtool.arrays import AnyArray, Matrix3, Rgb, Vector3


def gains_of_neutral(neutral: Vector3) -> Vector3:
    """Give the white-balance gains, scaled so that the smallest is 1.

    A frame that is multiplied by them and cut at 1 has white where any channel was clipped: what a
    saturated sensor saw never turns magenta.
    """
    gains = 1.0 / np.asarray(neutral, dtype=np.float64)
    return gains / gains.min()


def neutral_of_gains(gains: Vector3) -> Vector3:
    """Give the neutral (green = 1) that belongs to gains."""
    neutral = 1.0 / np.asarray(gains, dtype=np.float64)
    return neutral / neutral[1]


def balance(rgb: Rgb, gains: Vector3) -> Rgb:
    """Multiply camera RGB by gains and cut at 1, the level at which the first channel saturates."""
    return np.minimum(rgb * gains.astype(np.float32), np.float32(1.0))


def grey_world(thumbnail: AnyArray) -> Vector3:
    """Estimate the neutral (green = 1) of camera RGB as the mean colour of what is not clipped."""
    flat = np.asarray(thumbnail, dtype=np.float64).reshape(-1, 3)
    kept = flat[flat.max(axis=1) < 0.98]
    mean = np.maximum((kept if len(kept) else flat).mean(axis=0), 1e-6)
    return mean / mean[1]


def neutral_of_xyz(white: Vector3, xyz_from_balanced: Matrix3) -> Vector3:
    """Turn a white, seen through a balanced camera matrix, into a neutral (green = 1)."""
    neutral = np.maximum(np.linalg.solve(xyz_from_balanced, white), 1e-3)
    return neutral / neutral[1]
