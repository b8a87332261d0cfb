"""Time by stage, and progress that only grows."""

import itertools

import numpy as np

from rawtool.pipelines import clock as clocks
from rawtool.pipelines.clock import Clock, share_done


def test_laps_sum_up_by_stage_in_the_order_in_which_they_ended(monkeypatch):
    ticks = itertools.count(0.0, 2.0)
    monkeypatch.setattr(clocks.time, "perf_counter", lambda: next(ticks))
    clock = Clock()

    for stage in ("decode", "restore", "decode"):
        clock.lap(stage, 0.5)

    assert clock.laps == (("decode", 4.0), ("restore", 2.0))


def test_blocks_in_reading_order_bring_a_stage_from_its_start_to_its_end():
    seen = []
    clock = Clock(seen.append)
    clock.lap("decode", 0.2)

    for top in (0, 16, 32):
        for left in (0, 16, 32):
            block = np.zeros((min(16, 40 - top), min(16, 44 - left), 3))
            clock.tile(share_done(top, left, block, (40, 44)), 0.7)

    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.2, 0.7)
    assert clock.tiles == 9


def test_a_clock_that_nobody_watches_still_counts():
    clock = Clock()

    clock.tile(0.5, 0.7)

    assert clock.tiles == 1
