"""Turn pixels upright. Source: EXIF 2.32, Orientation."""

import numpy as np

from rawtool.arrays import AnyArray


def upright(pixels: AnyArray, orientation: int) -> AnyArray:
    """Return (H, W, ...) pixels as a viewer should see them; orientation is the EXIF number 1 to 8.

    5 to 8 swap height and width. The result may share memory with the argument.
    """
    if orientation in (5, 6, 7, 8):
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
