"""What is seen of a picture, against its definition on int64."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rawtool.nets.raw_metadata_seen import small_guide  # noqa: E402 - after the check
from rawtool.pipelines.basefit import guide_channels  # noqa: E402
from tests import coders  # noqa: E402


def drawn(*shape, high, seed=1):
    return np.random.default_rng(seed).integers(0, high + 1, shape)


def tensor(numbers):
    return torch.from_numpy(numbers[None].astype(np.float32))


@pytest.mark.parametrize("size", [4, 16])
@pytest.mark.parametrize("most", [255, 40])
def test_a_small_guide_shows_means_and_differences_in_whole_numbers(size, most):
    base = drawn(64, 96, 3, high=most).astype(np.uint8)
    base[32:, 48:] = 7

    found = small_guide(tensor(np.moveaxis(guide_channels(base), 2, 0)), size).numpy()[0]

    assert np.array_equal(found, coders.seen(base, size))
    assert found[3:].max() > 20
