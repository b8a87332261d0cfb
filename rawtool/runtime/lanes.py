"""Several pieces of work at once, in as many lanes, and their results in order.

Engines do a part of every graph in one thread, and what is around a graph is done in one thread anyway. Two
pieces at once, each with half of the threads, keep all cores busy where one piece after the other does not.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

MOST_LANES = 2

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def share_threads(n_threads: int) -> tuple[int, int]:
    """Give how many lanes there are for so many threads, and how many threads each has."""
    n_lanes = min(MOST_LANES, n_threads)
    return n_lanes, -(-n_threads // n_lanes)


def in_lanes(
    work: Callable[[Piece], Result], pieces: Iterable[Piece], n_lanes: int
) -> Iterator[tuple[Piece, Result]]:
    """Work on pieces in so many threads at once; give each with its result, in their order.

    At most one more than there are lanes is begun before a result is taken, so that results do not pile up.
    The first failure is raised in its turn, and what has not begun by then does not.
    """
    lanes = ThreadPoolExecutor(n_lanes, thread_name_prefix="rawtool_lane")
    coming: deque[tuple[Piece, Future[Result]]] = deque()
    try:
        for piece in pieces:
            coming.append((piece, lanes.submit(work, piece)))
            if len(coming) > n_lanes:
                first, result = coming.popleft()
                yield first, result.result()
        for first, result in coming:
            yield first, result.result()
    finally:
        lanes.shutdown(cancel_futures=True)


def lane_map(n_lanes: int) -> Callable[[Callable[[Piece], Result], Iterable[Piece]], Iterable[Result]]:
    """Give a ``map`` that works in lanes; one lane is the caller's own thread."""
    return map if n_lanes == 1 else partial(_mapped, n_lanes=n_lanes)


def _mapped(work: Callable[[Piece], Result], pieces: Iterable[Piece], n_lanes: int) -> Iterator[Result]:
    return (result for _, result in in_lanes(work, pieces, n_lanes))
