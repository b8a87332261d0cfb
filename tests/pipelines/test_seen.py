"""Sums over blocks of a picture's codes."""

import numpy as np

from rawtool.pipelines.seen import differences, summed
from tests import coders


def test_blocks_are_added_up():
    numbers = np.random.default_rng(2).integers(0, 999, (8, 12, 3))

    found = summed(numbers, (2, 4))

    assert found.shape == (4, 3, 3)
    assert np.array_equal(found[1, 2], numbers[2:4, 8:12].sum(axis=(0, 1)))
    assert np.array_equal(summed(numbers, 4)[1, 2], numbers[4:, 8:].sum(axis=(0, 1)))


def test_differences_are_those_of_the_definition():
    guide = np.random.default_rng(3).integers(0, 30, (32, 48, 3)).astype(np.uint8)

    fine, coarse = differences(guide)

    expected = np.moveaxis(coders.seen(guide, 4), 0, 2)
    assert np.array_equal(fine // 16, expected[..., 3:6])
    assert np.array_equal(coarse // 16, expected[..., 6:9])
