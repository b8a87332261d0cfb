"""A picture of any size shrunk to a fixed one, read once and in strips."""

import numpy as np

from rawtool.arrays import AnyArray, Rgb
from rawtool.runtime.card import THUMBNAIL_CHANNELS
from rawtool.runtime.tiling import Source

# Rows read at a time.
STRIP_ROWS = 256


def thumbnail(source: Source, shape: tuple[int, int], size: int) -> Rgb:
    """Shrink a picture of shape (height, width) to (size, size, 3) by its area mean.

    Each value is the exact mean over a cell of height / size by width / size pixels, pixels at its
    edges counted in part; a picture smaller than size is enlarged by the same rule.
    """
    height, width = shape
    rows = area_weights(height, size).astype(np.float32)
    short = np.zeros((THUMBNAIL_CHANNELS, size, width))
    for top in range(0, height, STRIP_ROWS):
        n_rows = min(STRIP_ROWS, height - top)
        strip = source(top, 0, n_rows, width)
        # Only these rows of the thumbnail see anything of the strip.
        first, last = top * size // height, -(-(top + n_rows) * size // height)
        weights = rows[first:last, top : top + n_rows]
        for channel, plane in enumerate(short):
            plane[first:last] += weights @ strip[..., channel]
    columns = area_weights(width, size).T
    return np.ascontiguousarray(np.moveaxis(short @ columns, 0, 2), dtype=np.float32)


def area_weights(length: int, size: int) -> AnyArray:
    """Weights (size, length) of an area mean along one axis; every row sums to 1."""
    edges = np.linspace(0.0, length, size + 1)
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.clip(overlap, 0.0, None) * (size / length)
