"""Photographs step by step: each step is what the one before it becomes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rawtool.color.response import Response  # noqa: E402 - after the check
from rawtool.training.data import Draw  # noqa: E402
from rawtool.training.step_data import StepStream  # noqa: E402


@pytest.fixture(scope="module")
def batch(workshop):
    return next(iter(StepStream(workshop, Draw(64, 4, 0.5), seed=3)))


def test_a_batch_holds_every_step_of_every_photograph(batch):
    assert (
        batch.picture.shape
        == batch.encoded.shape
        == batch.clipped.shape
        == batch.truth.shape
        == (4, 3, 64, 64)
    )
    assert batch.curve.shape == (4, 1024)
    assert batch.known.shape == (4, 1, 64, 64)
    assert set(batch.known.unique().tolist()) <= {0.0, 1.0}


def test_the_curve_leads_from_codes_to_clipped_light(batch):
    for encoded, clipped, curve in zip(batch.encoded, batch.clipped, batch.curve, strict=True):
        light = Response(curve.numpy().astype(np.float64)).decode(encoded.numpy())
        np.testing.assert_allclose(light, clipped.numpy(), atol=2e-3)


def test_the_jpeg_is_near_what_the_curve_gave_and_clipped_light_near_the_scene(batch):
    assert (batch.picture - batch.encoded).abs().mean() < 0.02
    assert (batch.clipped - batch.truth.clamp(max=1.0)).abs().mean() < 0.02
    assert batch.clipped.max() <= 1.0 < batch.truth.max()


def test_the_same_seed_gives_the_same_photographs(workshop, batch):
    again = next(iter(StepStream(workshop, Draw(64, 4, 0.5), seed=3)))
    other = next(iter(StepStream(workshop, Draw(64, 4, 0.5), seed=4)))

    torch.testing.assert_close(again.picture, batch.picture, rtol=0, atol=0)
    assert not torch.equal(other.picture, batch.picture)
