"""What a run says about its files."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from rawtool.vocabulary import ExitCode, Precision


class Status(Enum):
    """How a file ended."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the work on one file says about itself. seconds is (stage, seconds) in order.

    network and sha256 are the name of the model that ran and its digest, None when none did. metrics are
    figures by name, said is a sentence about the result.
    """

    seconds: tuple[tuple[str, float], ...] = ()
    device: str | None = None
    provider: str | None = None
    network: str | None = None
    sha256: str | None = None
    tiles: int = 0
    warnings: tuple[str, ...] = ()
    metrics: tuple[tuple[str, float | int | bool | None], ...] = ()
    said: str = ""
    precision: Precision = Precision.FP32


@dataclass(frozen=True, slots=True)
class FileReport:
    """What happened to one input.

    cause is one line, None unless it failed; error is set for failures that are bugs of rawtool. also are
    the outputs beside the first.
    """

    input: Path
    output: Path
    status: Status
    code: ExitCode = ExitCode.OK
    cause: str | None = None
    outcome: Outcome = Outcome()
    error: Exception | None = field(default=None, repr=False, compare=False)
    also: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended. n_left counts files that were never finished because the run stopped early."""

    reports: tuple[FileReport, ...]
    n_left: int = 0
    seconds: float = 0.0

    def count(self, status: Status) -> int:
        """Say how many files ended in a status."""
        return sum(report.status is status for report in self.reports)

    @property
    def failures(self) -> tuple[FileReport, ...]:
        """The reports of the files that failed."""
        return tuple(report for report in self.reports if report.status is Status.FAILED)

    @property
    def code(self) -> ExitCode:
        """The exit status: 0, the cause that all failures share, or 1."""
        return shared_code(report.code for report in self.failures)

    @property
    def text(self) -> str:
        """One line, such as ``12 done, 1 skipped, 2 failed``; done is always said."""
        counts = [f"{self.count(Status.DONE)} done"]
        counts += [f"{self.count(each)} {each.value}" for each in Status if each is not Status.DONE]
        counts += [f"{self.n_left} not finished"]
        return ", ".join(count for i, count in enumerate(counts) if i == 0 or not count.startswith("0 "))


def shared_code(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the code that all failures share, MIXED when they differ, OK when there are none."""
    different = set(codes)
    if not different:
        return ExitCode.OK
    return different.pop() if len(different) == 1 else ExitCode.MIXED
