"""Thumbnails: exact means, whatever the size, and every pixel read once."""

import numpy as np
import pytest

from rawtool.runtime.network import reader
from rawtool.runtime.thumbnails import STRIP_ROWS, area_weights, thumbnail


def noise(height, width, channels=3):
    return np.random.default_rng(7).random((height, width, channels), dtype=np.float32)


def exact(picture, size):
    """The mean over every cell, of a picture in which each pixel is repeated size times each way."""
    height, width = picture.shape[:2]
    fine = np.repeat(np.repeat(picture[..., :3].astype(np.float64), size, axis=0), size, axis=1)
    return fine.reshape(size, height, size, width, 3).mean(axis=(1, 3))


@pytest.mark.parametrize("size", [(37, 53), (300, 20), (513, 9), (7, 7), (97, 41)])
def test_a_thumbnail_is_the_exact_area_mean(size):
    picture = noise(*size)

    found = thumbnail(reader(picture), size, 7)

    assert (found.shape, found.dtype) == ((7, 7, 3), np.float32)
    np.testing.assert_allclose(found, exact(picture, 7), atol=1e-6)


@pytest.mark.parametrize("size", [(5, 3), (1, 1), (1, 40), (6, 2)])
def test_a_smaller_picture_is_enlarged_by_the_same_rule(size):
    picture = noise(*size)

    np.testing.assert_allclose(thumbnail(reader(picture), size, 7), exact(picture, 7), atol=1e-6)


def test_a_picture_of_a_multiple_of_the_size_is_averaged_in_whole_cells():
    torch = pytest.importorskip("torch")
    picture = noise(3 * 64, 11 * 64)
    planes = torch.from_numpy(np.moveaxis(picture, 2, 0)[None].copy())

    found = thumbnail(reader(picture), picture.shape[:2], 64)

    expected = torch.nn.functional.adaptive_avg_pool2d(planes, 64)[0].numpy()
    np.testing.assert_allclose(found, np.moveaxis(expected, 0, 2), atol=1e-6)


def test_a_picture_of_its_size_is_its_own_thumbnail():
    picture = noise(16, 16)

    np.testing.assert_allclose(thumbnail(reader(picture), (16, 16), 16), picture, atol=1e-7)


def test_only_the_first_three_channels_are_looked_at():
    picture = noise(40, 30, 4)

    found = thumbnail(reader(picture), (40, 30), 7)

    np.testing.assert_array_equal(found, thumbnail(reader(picture[..., :3]), (40, 30), 7))


@pytest.mark.parametrize("height", [1, STRIP_ROWS, STRIP_ROWS + 1, 3 * STRIP_ROWS - 7])
def test_the_picture_is_read_once_and_in_strips(height):
    picture, strips = noise(height, 21), []

    def source(top, left, n_rows, n_columns):
        strips.append((top, left, n_rows, n_columns))
        return picture[top : top + n_rows, left : left + n_columns]

    found = thumbnail(source, (height, 21), 5)

    np.testing.assert_allclose(found, exact(picture, 5), atol=1e-6)
    assert [(left, n_columns) for _, left, _, n_columns in strips] == [(0, 21)] * len(strips)
    assert max(n_rows for _, _, n_rows, _ in strips) <= STRIP_ROWS
    read = [row for top, _, n_rows, _ in strips for row in range(top, top + n_rows)]
    assert read == list(range(height))


def test_the_mean_of_a_tall_picture_does_not_drift():
    height = 40 * STRIP_ROWS + 3
    picture = np.full((height, 2, 3), 0.1, np.float32)

    np.testing.assert_allclose(thumbnail(reader(picture), (height, 2), 3), np.float32(0.1), rtol=5e-6)


@pytest.mark.parametrize(("length", "size"), [(1, 1), (100, 7), (5, 12), (4000, 256)])
def test_weights_of_every_cell_sum_to_one_and_every_pixel_counts_alike(length, size):
    weights = area_weights(length, size)

    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    np.testing.assert_allclose(weights.sum(axis=0), size / length)
    assert weights.min() >= 0.0
