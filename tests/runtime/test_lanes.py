"""Work in lanes: in order, bounded, and ended by the first failure."""

import threading

import pytest

from rawtool.runtime.lanes import in_lanes, lane_map, share_threads


@pytest.mark.parametrize(("n_threads", "expected"), [(1, (1, 1)), (2, (2, 1)), (3, (2, 2)), (16, (2, 8))])
def test_threads_are_shared_by_two_lanes_where_there_are_two(n_threads, expected):
    assert share_threads(n_threads) == expected


def test_results_come_in_the_order_of_the_pieces_however_they_end():
    later = threading.Event()

    def work(piece):
        if piece == 0:
            assert later.wait(5)
        if piece == 1:
            later.set()
        return 10 * piece

    assert list(in_lanes(work, range(5), 2)) == [(piece, 10 * piece) for piece in range(5)]


def test_no_more_than_one_piece_waits_for_its_result_to_be_taken():
    begun = []
    results = in_lanes(begun.append, range(20), 2)

    next(results)

    assert len(begun) <= 4
    assert len(list(results)) == 19


def test_the_first_failure_is_raised_in_its_turn_and_the_rest_does_not_begin():
    begun = []

    def work(piece):
        begun.append(piece)
        if piece == 1:
            raise OSError("gone")
        return piece

    results = in_lanes(work, range(50), 2)

    assert next(results) == (0, 0)
    with pytest.raises(OSError, match="gone"):
        next(results)
    assert len(begun) <= 5


@pytest.mark.parametrize("n_lanes", [1, 2])
def test_a_map_in_lanes_keeps_the_order(n_lanes):
    assert list(lane_map(n_lanes)(lambda piece: 2 * piece, range(20))) == list(range(0, 40, 2))


def test_a_map_in_two_lanes_works_on_two_pieces_at_once():
    both = threading.Barrier(2, timeout=20)

    assert len(list(lane_map(2)(lambda _: both.wait(), range(2)))) == 2
