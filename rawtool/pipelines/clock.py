"""Where the time of a journey goes, how far it is, and what is told of it at the end."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rawtool.arrays import AnyArray
from rawtool.vocabulary import Precision


def share_done(top: int, left: int, block: AnyArray, shape: tuple[int, int]) -> float:
    """Give the share of a picture (height, width) that is done after a block, blocks in reading order."""
    rows, columns = block.shape[:2]
    return float(top * shape[1] + rows * (left + columns)) / (shape[0] * shape[1])


Metrics = tuple[tuple[str, float | int | bool | None], ...]
"""Figures by name; None where one is not known."""


@dataclass(frozen=True, slots=True)
class JourneyReport:
    """What was done: seconds by stage, tiles run, warnings, and by which model, device and precision.

    model is empty when no network ran. metrics are figures for programs, said is a sentence for people.
    """

    seconds: tuple[tuple[str, float], ...]
    tiles: int
    warnings: tuple[str, ...]
    model: str
    model_sha256: str
    device: str
    provider: str
    metrics: Metrics = ()
    said: str = ""
    precision: Precision = Precision.FP32


class Clock:
    """Measures stages one after the other and passes progress in [0, 1] on."""

    def __init__(self, on_progress: Callable[[float], None] | None = None) -> None:
        self._on_progress = on_progress
        self._seconds: dict[str, float] = {}
        self._since = time.perf_counter()
        self._share = 0.0
        self.tiles = 0

    @property
    def laps(self) -> tuple[tuple[str, float], ...]:
        """Seconds by stage, in the order in which they were first ended."""
        return tuple(self._seconds.items())

    def lap(self, stage: str, share: float) -> None:
        """End a stage; share of the whole journey is done."""
        now = time.perf_counter()
        self._seconds[stage] = self._seconds.get(stage, 0.0) + now - self._since
        self._since = now
        self._advance(share)

    def tile(self, done: float, until: float) -> None:
        """Count a tile; done in [0, 1] is the part of the stage that ends at share ``until``."""
        self.tiles += 1
        self._advance(self._share + (until - self._share) * done, is_final=False)

    def _advance(self, share: float, *, is_final: bool = True) -> None:
        if is_final:
            self._share = share
        if self._on_progress:
            self._on_progress(share)
