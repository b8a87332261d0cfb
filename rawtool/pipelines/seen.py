"""Sums over blocks of a picture's codes: what the learned coder sees of it, in whole numbers."""

import numpy as np

from rawtool.arrays import AnyArray, Rgb8
from rawtool.runtime.codercard import SMALL_Y

_LINES = 16


def differences(guide: Rgb8) -> tuple[AnyArray, AnyArray]:
    """Sum the differences of each place of y of a guide (2h, 2w, 3).

    Gives fine and coarse ones, each (h / 4, w / 4, 3) uint32.
    """
    side = 2 * SMALL_Y
    fine = np.empty((guide.shape[0] // side, guide.shape[1] // side, 3), np.uint32)
    coarse = np.empty_like(fine)
    # A few lines of places at a time stay in the cache.
    for top in range(0, len(fine), _LINES):
        lines = guide[side * top : side * (top + _LINES)].astype(np.int16)
        fine[top : top + _LINES], coarse[top : top + _LINES] = _line_differences(lines)
    return fine, coarse


def _line_differences(lines: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Sum the fine and the coarse differences of lines of places, int16 codes (8 n, 2w, 3)."""
    fine = summed(np.abs(lines[:, 0::2] - lines[:, 1::2]), (2 * SMALL_Y, SMALL_Y))
    fine += summed(np.abs(lines[0::2] - lines[1::2]), (SMALL_Y, 2 * SMALL_Y))
    pairs = lines[:, 0::2] + lines[:, 1::2]
    cells = pairs[0::2] + pairs[1::2]
    coarse = summed(np.abs(cells[:, 0::2] - cells[:, 1::2]), (SMALL_Y, SMALL_Y // 2))
    coarse += summed(np.abs(cells[0::2] - cells[1::2]), (SMALL_Y // 2, SMALL_Y))
    return fine, coarse


def summed(numbers: AnyArray, size: int | tuple[int, int]) -> AnyArray:
    """Add up whole numbers (h, w, 3) of blocks of a size: uint32."""
    rows, columns = (size, size) if isinstance(size, int) else size
    height, width = numbers.shape[0] // rows, numbers.shape[1] // columns
    # Rows first: numpy adds whole lines many times faster than small cells.
    added = numbers.reshape(height, rows, -1).sum(axis=1, dtype=np.uint32)
    return added.reshape(height, width, columns, 3).sum(axis=2, dtype=np.uint32)
