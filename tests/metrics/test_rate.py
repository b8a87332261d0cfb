"""Rates and their comparison against cases that can be solved by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.metrics import rate

POINTS = [(0.1, 30.0), (0.21, 33.0), (0.5, 36.5), (1.3, 40.0)]


def test_bits_per_pixel_count_photosites():
    assert rate.bpp(3_000_000, (3000, 4000)) == 2
    assert rate.bpp(300, (10, 20, 3)) == 12


@given(st.floats(0.1, 10))
def test_a_coder_that_costs_a_share_everywhere_is_that_much_better(share):
    cheaper = [(share * bits, db) for bits, db in POINTS]

    assert rate.bd_rate(POINTS, cheaper) == pytest.approx(100 * (share - 1))
    assert rate.bd_rate(cheaper, POINTS) == pytest.approx(100 * (1 / share - 1))


def test_straight_curves_have_the_mean_of_their_distance():
    anchor = [(math.exp(db / 10), db) for db in (30.0, 40.0)]
    candidate = [(math.exp(db / 10 - (db - 30) / 50), db) for db in (30.0, 33.0, 40.0)]

    # The distance in log rate grows from 0 to -0.2.
    assert rate.bd_rate(anchor, candidate) == pytest.approx(100 * math.expm1(-0.1))


def test_only_the_common_range_counts_and_the_order_of_points_does_not():
    anchor = [(math.exp(db / 10), db) for db in (20.0, 30.0, 35.0, 40.0)]
    candidate = [(2 * bits, db) for bits, db in anchor[1:]][::-1]

    assert rate.bd_rate(anchor, candidate) == pytest.approx(100)


def test_the_curve_is_the_published_interpolation():
    x, y = np.array([0.0, 1.0, 3.0, 4.0]), np.array([0.0, 2.0, 3.0, 3.0])

    # Interior: weighted harmonic means; ends: three-point formula, held back. By hand.
    assert rate._slopes(x, y) == pytest.approx([2.5, 9 / (5 / 2 + 4 / 0.5), 0, 0])


def test_a_curve_never_leaves_the_range_of_its_points():
    x, y = np.array([0.0, 1.0, 1.1, 4.0]), np.array([0.0, 0.1, 3.0, 3.1])
    slopes = rate._slopes(x, y)
    for left in range(3):
        piece = rate._piece(x[left : left + 2], y[left : left + 2], slopes[left : left + 2])
        inside = np.polyval(piece, np.linspace(0, x[left + 1] - x[left], 30))
        assert (np.diff(inside) >= -1e-12).all()
        assert inside[-1] == pytest.approx(y[left + 1])


def test_curves_that_share_no_range_have_no_difference():
    assert math.isnan(rate.bd_rate(POINTS[:2], [(1.0, 50.0), (2.0, 60.0)]))


@pytest.mark.parametrize("points", [POINTS[:1], [(1.0, 30.0), (2.0, 30.0)], [(0.0, 30.0), (2.0, 40.0)]])
def test_points_that_make_no_curve_are_a_mistake(points):
    with pytest.raises(ValueError, match="two points"):
        rate.bd_rate(POINTS, points)
