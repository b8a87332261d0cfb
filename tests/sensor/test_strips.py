from itertools import pairwise

import pytest

from rawtool.sensor.strips import STRIP_ROWS, in_strips


@pytest.mark.parametrize("n_rows", [1, STRIP_ROWS, 200])
@pytest.mark.parametrize("period", [1, 2, 6])
def test_strips_cover_every_row_once_and_begin_with_a_cell(n_rows, period):
    found = in_strips(lambda strip: strip, n_rows, period)

    assert (found[0].start, found[-1].stop) == (0, n_rows)
    assert all(before.stop == after.start for before, after in pairwise(found))
    assert all(strip.start % period == 0 and strip.stop > strip.start for strip in found)


def test_who_works_on_the_strips_is_the_callers_choice():
    asked = []

    def backwards(work, strips):
        asked.extend(strips)
        return [work(strip) for strip in reversed(asked)]

    assert in_strips(lambda strip: strip.start, 130, 1, backwards) == [128, 64, 0]
