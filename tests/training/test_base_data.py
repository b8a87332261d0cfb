"""Raws beside the pictures that were made of them."""

from itertools import islice

import numpy as np
import pytest

pytest.importorskip("torch")

from rawtool.sensor.camera import SimulatedCamera
from rawtool.sensor.cfa import RGGB
from rawtool.sensor.noise import NoiseModel
from rawtool.training.base_data import (
    PackStream,
    cut,
    paired,
    photographed,
    stack_pairs,
    through_jpeg,
)
from rawtool.training.data import Draw
from tests.training.material import painted

CAMERA = SimulatedCamera(np.eye(3), np.array([0.6, 1.0, 0.7]), NoiseModel(1e-5, 1e-8), RGGB)


def pair(seed=1):
    return photographed(np.clip(painted(5)[:96, :128], 0.0, 1.0), CAMERA, np.random.default_rng(seed))


def test_a_stream_gives_crops_with_their_pictures_at_all_rates(workshop):
    batches = list(islice(PackStream(workshop, Draw(64, 4, 0.6), 1, 2), 3))

    for batch in batches:
        assert batch.planes.shape == (4, 4, 32, 32)
        assert batch.guide.shape == (4, 12, 32, 32)
        assert bool(((batch.rate >= 0) & (batch.rate <= 5)).all())
        assert float(batch.guide.min()) >= 0
        assert float(batch.guide.max()) <= 255
    assert not np.array_equal(batches[0].planes, batches[1].planes)
    again = next(iter(PackStream(workshop, Draw(64, 4, 0.6), 1, 2)))
    assert np.array_equal(batches[0].planes, again.planes)


def test_a_picture_shows_what_the_raw_saw_pixel_for_pixel():
    found = pair()

    green = found.planes[..., 1]
    shown = found.base[0::2, 1::2, 1].astype(float)

    assert found.base.shape == (2 * green.shape[0], 2 * green.shape[1], 3)
    ranks = [np.argsort(np.argsort(each.ravel())) for each in (green, shown)]
    assert np.corrcoef(*ranks)[0, 1] > 0.8
    assert np.corrcoef(ranks[0], np.roll(ranks[1], 500))[0, 1] < 0.8


def test_a_cut_keeps_planes_and_picture_together():
    whole = pair()

    part = cut(whole, 3, 5, 16)

    assert np.array_equal(part.planes, whole.planes[3:19, 5:21])
    assert np.array_equal(part.base, whole.base[6:38, 10:42])


def test_a_lower_quality_keeps_less():
    display = painted(3)[:64, :64].clip(0.0, 1.0)

    errors = [np.square(through_jpeg(display, q, "444") / 255.0 - display).mean() for q in (60, 98)]

    assert errors[0] > 3 * errors[1] > 0


def test_stacks_carry_codes_as_they_are():
    one = pair()
    batch = stack_pairs([paired(one.planes, one.base)], np.array([2.0]))

    assert batch.guide[0, 3, 4, 5] == one.base[8, 11, 0]
    assert batch.planes[0, 2, 4, 5] == one.planes[4, 5, 2]
