"""Run a plan: a few files at a time, one failure never stopping the others unless asked."""

import os
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from rawtool.batch.plan import Action, Job, Plan, decide
from rawtool.batch.report import FileReport, Outcome, Status, Summary
from rawtool.errors import OutputExistsError, RawtoolError
from rawtool.vocabulary import ExistsPolicy, ExitCode

Advance = Callable[[float], None]
Work = Callable[[Job, Advance], Outcome]

# What one 12 to 24 MP frame needs while it is worked on, with room for the networks.
BYTES_A_JOB = 1_500_000_000
_CORES_A_JOB = 4
_MOST_JOBS = 2
_OUT_OF_MEMORY = "memory ran out; the picture is too large for what is free; use --jobs 1 --tile 512"
_EXISTS = "{target} exists; nothing is overwritten by default; use --exists skip, --exists rename or -f"
# Windows does not interrupt a wait without a limit.
_WAIT_S = 0.5


@runtime_checkable
class Listener(Protocol):
    """Who watches a run. started and advanced come from the threads that work, finished from the caller's."""

    def started(self, job: Job) -> None:
        """Work on a file begins."""

    def advanced(self, job: Job, fraction: float) -> None:
        """Work on a file got as far as a fraction in [0, 1]."""

    def finished(self, report: FileReport) -> None:
        """A file ended."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard and how long to try. max_failures None goes on to the end whatever happens."""

    n_jobs: int = 1
    max_failures: int | None = None


class _Stopped(BaseException):
    """Raised inside work that is given up; BaseException so that no handler takes it for a failure."""


def run(plan: Plan, work: Work, limits: Limits, listener: Listener) -> Summary:
    """Run all jobs and report every one.

    An interrupt (KeyboardInterrupt, SystemExit) gives up the files under way at their next step, waits
    until they have cleaned up, and goes on to the caller.
    """
    began = time.monotonic()
    crew = _Crew(plan, work, listener)
    reports: list[FileReport] = []
    with closing(crew.reports(limits.n_jobs)) as ended:
        for report in ended:
            reports.append(report)
            listener.finished(report)
            n_failed = sum(each.status is Status.FAILED for each in reports)
            if limits.max_failures is not None and n_failed >= limits.max_failures:
                crew.starts_no_more.set()
    return Summary(tuple(reports), len(plan.jobs) - len(reports), time.monotonic() - began)


def choose_jobs(asked: int | None, n_files: int, *, n_cores: int, free_bytes: int | None) -> int:
    """Say how many files to work on at once: what was asked, or as cores and free memory allow."""
    if asked is not None:
        return max(1, min(asked, n_files))
    by_cores = n_cores // _CORES_A_JOB
    by_memory = _MOST_JOBS if free_bytes is None else free_bytes // BYTES_A_JOB
    return max(1, min(by_cores, by_memory, n_files, _MOST_JOBS))


def free_memory() -> int | None:
    """Return the bytes of memory that programs can still take; None where the system does not say."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return int(facts["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in facts else None


@dataclass(frozen=True, slots=True)
class _Crew:
    """The threads of one run and the flags that end them."""

    plan: Plan
    work: Work
    listener: Listener
    gives_up: threading.Event = field(default_factory=threading.Event)
    starts_no_more: threading.Event = field(default_factory=threading.Event)

    def reports(self, n_jobs: int) -> Generator[FileReport, None, None]:
        """Yield reports as files end; files given up have none."""
        waiting = list(reversed(self.plan.jobs))
        busy: set[Future[FileReport | None]] = set()
        pool = ThreadPoolExecutor(n_jobs, thread_name_prefix="rawtool")
        try:
            while busy or (waiting and not self.starts_no_more.is_set()):
                while waiting and len(busy) < n_jobs and not self.starts_no_more.is_set():
                    busy.add(pool.submit(self._one, waiting.pop()))
                ended, busy = wait(busy, timeout=_WAIT_S, return_when=FIRST_COMPLETED)
                yield from (report for future in ended if (report := future.result()) is not None)
        finally:
            self.gives_up.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def _one(self, job: Job) -> FileReport | None:
        try:
            return self._tried(job)
        except _Stopped:
            return None
        except OutputExistsError as error:
            is_skipped = self.plan.policies.exists is ExistsPolicy.SKIP
            return _skip(job) if is_skipped else _failure(job, error)
        except Exception as error:  # noqa: BLE001 - a bug met in one file must not stop the others
            return _failure(job, error)

    def _tried(self, job: Job) -> FileReport:
        action = decide(job, self.plan.policies.exists)
        if action is Action.SKIP:
            return _skip(job)
        if action is Action.REFUSE:
            there = next(filter(os.path.lexists, job.targets), job.target)
            raise OutputExistsError(_EXISTS.format(target=there))
        self.listener.started(job)
        settled = replace(job, action=action)
        outcome = self.work(settled, lambda fraction: self._advance(job, fraction))
        return replace(_report(job, Status.DONE), outcome=outcome)

    def _advance(self, job: Job, fraction: float) -> None:
        if self.gives_up.is_set():
            raise _Stopped
        self.listener.advanced(job, fraction)


def _skip(job: Job) -> FileReport:
    return _report(job, Status.SKIPPED)


def _failure(job: Job, error: Exception) -> FileReport:
    if isinstance(error, RawtoolError):
        code, cause, bug = error.code, str(error), None
    elif isinstance(error, MemoryError):
        code, cause, bug = ExitCode.MEMORY, _OUT_OF_MEMORY, None
    else:
        code, cause, bug = ExitCode.INTERNAL, f"internal error; {type(error).__name__}: {error}", error
    return replace(_report(job, Status.FAILED), code=code, cause=cause, error=bug)


def _report(job: Job, status: Status) -> FileReport:
    return FileReport(job.source, job.target, status, also=job.targets[1:])
