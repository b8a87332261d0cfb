"""Smaller to fit, never larger, in the type that it had."""

import numpy as np
import pytest

from rawtool.errors import UsageError
from rawtool.pipelines.resize import resized
from tests import scenes


@pytest.mark.parametrize(
    ("wanted", "shape"),
    [
        (None, (60, 90)),
        ("45", (30, 45)),
        ("50%", (30, 45)),
        ("30x30", (20, 30)),
        ("1000x15", (15, 22)),
        ("400", (60, 90)),
        ("200%", (60, 90)),
        ("0.001%", (1, 1)),
    ],
)
def test_the_picture_fits_and_keeps_its_shape(wanted, shape):
    assert resized(np.zeros((60, 90, 3), np.uint8), wanted).shape == (*shape, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_type_and_values_are_kept(dtype):
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1.0
    colour = np.array([0.1, 0.5, 1.0]) * top
    picture = np.full((40, 40, 3), colour).astype(dtype)

    small = resized(picture, "10")

    assert small.dtype == dtype
    np.testing.assert_allclose(small, picture[:10, :10], rtol=1e-6)


def test_an_edge_does_not_leave_the_range_of_whole_numbers():
    edge = np.where(np.arange(90) < 45, 0, 255).astype(np.uint8)
    picture = np.broadcast_to(edge[None, :, None], (60, 90, 3))

    small = resized(picture, "31")

    assert np.diff(small[5, :, 0].astype(int)).min() >= -8
    assert (small[:, 0].max(), small[:, -1].min()) == (0, 255)


def test_light_is_shrunk_by_its_mean():
    picture = scenes.zone_plate(64, 64)

    assert resized(picture, "16").mean() == pytest.approx(picture.mean(), rel=0.02)


@pytest.mark.parametrize(
    "wanted", ["", "big", "10x", "1x2x3", "0", "-5", "0x10", "10x20%", "nan", "inf", "%"]
)
def test_other_words_are_refused_in_one_line(wanted):
    with pytest.raises(UsageError, match="is not WxH, N% or a longest side"):
        resized(np.zeros((8, 8, 3), np.uint8), wanted)
