"""A map of the whole picture, as the tiles see it: by their place, so that tiles equal the whole."""

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.runtime.tiling import Area


def guide_in_window(guide: AnyArray, window: Area, shape: tuple[int, int], stride: int) -> AnyArray:
    """Interpolate a guide (rows, columns, V) at the middles of a window's cells: (h / stride, w / stride, V).

    The guide covers the picture of shape (height, width) whatever its own size; the interpolation is
    bilinear, and what lies beyond the border repeats it.
    """
    below, after, share = _places(window.top, window.height // stride, shape[0], guide.shape[0], stride)
    narrow = guide[below] + share[:, None, None] * (guide[after] - guide[below])
    below, after, share = _places(window.left, window.width // stride, shape[1], guide.shape[1], stride)
    return narrow[:, below] + share[:, None] * (narrow[:, after] - narrow[:, below])


def _places(
    start: int, n_cells: int, length: int, n_guide: int, stride: int
) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Give, for each cell along an axis, the two places of the guide between which it lies, and how far."""
    middles = start + (np.arange(n_cells) + 0.5) * stride
    at = np.clip(middles * (n_guide / length) - 0.5, 0.0, n_guide - 1.0)
    below = np.floor(at).astype(np.intp)
    return below, np.minimum(below + 1, n_guide - 1), (at - below).astype(np.float32)
