"""The colour of the light: neutrals and gains."""

import numpy as np

from rawtool.arrays import Matrix3, Vector3


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


def neutral_of_xyz(white: Vector3, xyz_from_balanced: Matrix3) -> Vector3:
    """Turn a white, seen through a balanced camera matrix, into a neutral (green = 1)."""
    neutral = np.maximum(np.linalg.solve(xyz_from_balanced, white), 1e-3)
    return neutral / neutral[1]
