"""The walk asks for every plane and pass in order, and gives the planes back."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from rawtool.codec import exact_grid, exact_walk
from rawtool.codec.exact_fit import default_weights
from rawtool.codec.exact_model import expect
from rawtool.codec.exact_walk import N_KNOTS, Scene


@dataclass(frozen=True, slots=True)
class Knowing:
    """A coder that knows the truth and counts what it is asked for."""

    planes: list
    asked: list

    def knots(self, number, guide):
        self.asked.append((number, guide.shape))
        return np.zeros((3, N_KNOTS), np.int32)

    def residuals(self, number, around, which):
        with ThreadPoolExecutor(1) as executor:
            expected = expect(around, default_weights(len(around.known)), 500, executor)
        return expected, self.planes[number][which.slices()] - expected.ranks


@pytest.mark.parametrize("cell_shape", [(1, 1), (2, 2), (3, 2)])
def test_the_planes_come_out_as_they_are(cell_shape):
    source = np.random.default_rng(0)
    ranks = source.integers(0, 500, (61, 70, 1)).astype(np.int32)
    order = tuple(range(cell_shape[0] * cell_shape[1]))[::-1]
    guide = source.integers(0, 256, (61, 70, 3), np.uint8)
    scene = Scene(ranks.shape, cell_shape, order, (np.arange(500, dtype=np.uint16),) * len(order), guide)
    planes = [exact_grid.cut_plane(ranks, site, scene.plane_shape) for site in scene.sites]
    coder = Knowing(planes, [])

    found = list(exact_walk.walk(scene, coder))

    assert all(np.array_equal(mine, truth) for mine, truth in zip(found, planes, strict=True))
    assert coder.asked == [(number, (*scene.plane_shape, 3)) for number in range(len(order))]


def test_the_guide_is_bent_in_whole_numbers():
    knots = np.zeros((3, N_KNOTS), np.int32)
    knots[1, 3:5] = 100, 200
    guide = np.zeros((1, 4, 3), np.uint8)
    guide[0, :, 1] = 40, 48, 52, 255

    assert exact_walk.bend(guide, knots).tolist() == [[50, 100, 125, 0]]


def test_the_greens_come_first():
    source = np.random.default_rng(1)
    green = source.integers(100, 900, (20, 20))
    for place, order in ((0, (0, 3, 1, 2)), (1, (1, 2, 0, 3))):
        mosaic = np.zeros((40, 40, 1), np.int32)
        mosaic[::2, place::2, 0] = mosaic[1::2, 1 - place :: 2, 0] = green
        mosaic[::2, 1 - place :: 2, 0] = source.integers(0, 900, (20, 20))
        assert exact_walk.choose_order(mosaic, (2, 2)) == order
    assert exact_walk.choose_order(np.zeros((9, 9, 3), np.int32), (1, 1)) == (1, 0, 2)
    assert exact_walk.choose_order(np.zeros((9, 9, 1), np.int32), (3, 3)) == tuple(range(9))
