"""Work on a frame in strips of rows: each stays in a processor's cache, and threads can share them."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar, runtime_checkable

STRIP_ROWS = 64

Result = TypeVar("Result")


@runtime_checkable
class Each(Protocol):
    """Does a piece of work on each of some strips and gives the results in order: ``map`` is one."""

    def __call__(self, work: Callable[[slice], Result], strips: Iterable[slice], /) -> Iterable[Result]:
        """Do the work, at the latest when its result is taken."""


def in_strips(work: Callable[[slice], Result], n_rows: int, period: int, each: Each = map) -> list[Result]:
    """Work on all rows in strips, each beginning with a colour cell of ``period`` rows."""
    step = -(-STRIP_ROWS // period) * period
    return list(each(work, [slice(top, min(top + step, n_rows)) for top in range(0, n_rows, step)]))
