"""Levels: every sample keeps its bound, gaps cost nothing, damage is noticed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rawtool.codec import exact_levels
from rawtool.errors import DamagedSidecarError

SAMPLES = arrays(np.uint16, st.integers(1, 60), elements=st.integers(0, 65535) | st.integers(500, 540))


@given(SAMPLES, st.sampled_from([0, 1, 7, 300, 32767]))
def test_every_sample_lies_within_the_bound_of_its_level(samples, max_error):
    levels = exact_levels.choose_levels(samples, max_error)
    ranks = exact_levels.ranks_of(samples, levels)

    assert ranks.dtype == np.int32
    assert (np.diff(levels.astype(int)) > 0).all()
    assert np.abs(levels[ranks].astype(int) - samples).max() <= max_error


def test_values_that_never_occur_have_no_level():
    present = np.cumsum(np.arange(200) // 20 + 1)
    samples = np.repeat(present, 50).astype(np.uint16)

    assert exact_levels.choose_levels(samples, 0).tolist() == present.tolist()
    assert len(exact_levels.choose_levels(samples[::50], 0)) == present[-1] - present[0] + 1


def test_ranks_go_on_evenly_beyond_the_levels():
    levels = np.array([100, 110, 140, 160], np.uint16)
    samples = np.array([40, 80, 100, 124, 126, 160, 180, 220], np.uint16)

    assert exact_levels.ranks_of(samples, levels).tolist() == [0, 0, 0, 1, 2, 3, 3, 3]
    assert exact_levels.ranks_beyond(samples, levels).tolist() == [-3, -1, 0, 1, 2, 3, 4, 6]
    assert exact_levels.ranks_beyond(samples, levels[:1]).tolist() == [0] * 8


def test_what_all_values_have_in_common_is_left_out():
    samples = np.arange(48, 5000, 16, dtype=np.uint16)[[0, 3, 5, 80, 200]]

    assert exact_levels.choose_levels(samples, 0).tolist() == list(range(48, 3249, 16))
    assert exact_levels.choose_levels(samples, 16).tolist() == list(range(64, 3265, 48))
    assert exact_levels.choose_levels(samples, 24).tolist() == [72 + 64 * k for k in range(51)]


def test_a_range_with_few_gaps_is_taken_whole():
    samples = np.delete(np.arange(100, 1100), [5, 70, 71]).astype(np.uint16)
    levels = exact_levels.choose_levels(samples, 0)

    assert levels.tolist() == list(range(100, 1100))
    assert len(exact_levels.dumps_levels(levels)) <= 4
    assert len(exact_levels.choose_levels(samples, 2)) == 200


def test_a_level_is_the_mean_of_what_it_stands_for():
    samples = np.array(([10] * 9 + [20] + [501]) * 30, np.uint16)

    assert exact_levels.choose_levels(samples, 9).tolist() == [11, 501]
    assert exact_levels.choose_levels(samples, 5).tolist() == [15, 501]


@given(SAMPLES, st.sampled_from([0, 5]))
def test_levels_come_back_from_their_bytes(samples, max_error):
    levels = exact_levels.choose_levels(samples, max_error)

    back = exact_levels.loads_levels(exact_levels.dumps_levels(levels))

    assert back.dtype == np.uint16
    assert np.array_equal(back, levels)


@given(st.binary(max_size=20))
def test_noise_is_levels_or_refused(content):
    try:
        levels = exact_levels.loads_levels(content)
    except DamagedSidecarError:
        return
    assert (np.diff(levels.astype(int)) > 0).all()


def test_levels_that_are_cut_short_are_refused():
    content = exact_levels.dumps_levels(np.array([3, 5, 90, 1000], np.uint16))

    for length in range(len(content)):
        with pytest.raises(DamagedSidecarError):
            exact_levels.loads_levels(content[:length])
