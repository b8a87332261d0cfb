"""Results as a run goes: JSON lines on standard output, prose on standard error, a summary at the end."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import click

from rawtool.batch.choices import Forecast
from rawtool.batch.plan import Action, Job, Plan
from rawtool.batch.report import FileReport, Outcome, Status, Summary, shared_code
from rawtool.cli import failures, logs
from rawtool.cli.options import Talk
from rawtool.cli.pipes import unheard
from rawtool.cli.progress import Display, open_display
from rawtool.vocabulary import ExitCode

SCHEMA = 1
T = TypeVar("T")
R = TypeVar("R")


class Reporter:
    """Watches a run and says what happened."""

    def __init__(self, talk: Talk, n_files: int, called: Callable[[Path], Path]) -> None:
        """Watch a run over so many files; called gives the name that a file has for people."""
        self._called = called
        self._talk = talk
        self._n_files = n_files
        self._reports: list[FileReport] = []
        self._began = time.monotonic()
        self._display: Display = open_display(talk.progress, n_files, is_quiet=logs.is_quiet())

    def started(self, job: Job) -> None:
        """Show that work on a file begins."""
        self._display.begin(str(self._called(job.source)))

    def advanced(self, job: Job, fraction: float) -> None:
        """Show how far a file is."""
        self._display.advance(str(self._called(job.source)), fraction)

    def finished(self, report: FileReport) -> None:
        """Say how a file ended."""
        told = self._as_called(_with_report_file(report))
        self._reports.append(told)
        self._display.end(str(told.input))
        if self._talk.is_json:
            write_json(file_event(told))
        _say_file(told)

    def _as_called(self, report: FileReport) -> FileReport:
        """Name the files of a report as people know them."""
        also = tuple(self._called(path) for path in report.also)
        return replace(
            report, input=self._called(report.input), output=self._called(report.output), also=also
        )

    def close(self) -> None:
        """Take the display away."""
        self._display.close()

    def say_summary(self) -> None:
        """Say how the run ended, with what failed."""
        n_left = self._n_files - len(self._reports)
        summary = Summary(tuple(self._reports), n_left, time.monotonic() - self._began)
        if self._talk.is_json:
            write_json(summary_event(summary))
        if logs.is_quiet():
            return
        failures.say(f"rawtool: {summary.text} in {summary.seconds:.1f} s")
        for report in summary.failures if self._n_files > 1 else ():
            failures.say(f"  failed: {report.input}: {report.cause}")


@contextmanager
def reporting(
    talk: Talk, n_files: int, called: Callable[[Path], Path] = lambda path: path
) -> Iterator[Reporter]:
    """Watch a run and say its summary, also when it is interrupted, but not when it could not begin."""
    reporter = Reporter(talk, n_files, called)
    try:
        yield reporter
    except Exception:
        reporter.close()
        raise
    except BaseException:
        reporter.close()
        reporter.say_summary()
        raise
    reporter.close()
    reporter.say_summary()


def write_json(event: object) -> None:
    """Write one JSON object as a line on standard output."""
    print_line(json.dumps(event, ensure_ascii=True, allow_nan=False))


def say_result(result: str | Mapping[str, object]) -> None:
    """Write a result on standard output: text as it is, a mapping as JSON."""
    if isinstance(result, str):
        print_line(result.encode("utf-8", "backslashreplace").decode("utf-8"))
    else:
        write_json(result)


def print_line(text: str) -> None:
    """Write a line on standard output; where nobody reads on (``| head``), the work goes on unheard."""
    with unheard():
        click.echo(text)


def say_each(
    items: Iterable[T],
    look: Callable[[T], R],
    show: Callable[[R], str | Mapping[str, object]],
    called: Callable[[T], object] = lambda item: item,
) -> int:
    """Look at every item and say its result; a failure is said and does not stop the others.

    called gives the name that an item has for people.

    Returns:
        The exit status: 0, the code that all failures share, or 1.
    """
    codes = []
    for item in items:
        try:
            say_result(show(look(item)))
        except Exception as error:  # noqa: BLE001 - a bug met in one item must not stop the others
            code, cause = failures.describe(error)
            failures.say_failure(cause, called(item))
            failures.say_traceback(error)
            codes.append(code)
    return int(shared_code(codes))


def file_event(report: FileReport) -> Mapping[str, object]:
    """The JSON object of one file."""
    outcome = report.outcome
    ran = {"name": outcome.network, "sha256": outcome.sha256} if outcome.network else None
    return {
        "v": SCHEMA,
        "event": "file",
        "input": str(report.input),
        "output": str(report.output),
        "also": [str(path) for path in report.also],
        "status": report.status.value,
        "code": int(report.code),
        "cause": report.cause,
        "seconds": {stage: round(seconds, 4) for stage, seconds in outcome.seconds},
        "device": outcome.device,
        "provider": outcome.provider,
        "precision": outcome.precision.value if ran else None,
        "tiles": outcome.tiles,
        "retries": 0,
        "model": ran,
        "warnings": list(outcome.warnings),
        "metrics": dict(outcome.metrics),
    }


def summary_event(summary: Summary) -> Mapping[str, object]:
    """The JSON object that ends a run."""
    return {
        "v": SCHEMA,
        "event": "summary",
        **{status.value: summary.count(status) for status in Status},
        "not_finished": summary.n_left,
        "code": int(summary.code),
        "seconds": round(summary.seconds, 3),
        "failures": [
            {"input": str(each.input), "code": int(each.code), "cause": each.cause}
            for each in summary.failures
        ],
    }


def _with_report_file(report: FileReport) -> FileReport:
    """Write the report of a bug and say where it is."""
    if report.error is None:
        return report
    cause = failures.internal_cause(report.error)
    return FileReport(
        report.input, report.output, Status.FAILED, ExitCode.INTERNAL, cause, error=report.error
    )


def _say_file(report: FileReport) -> None:
    if report.status is Status.FAILED:
        failures.say_failure(report.cause or "", report.input)
        failures.say_traceback(report.error)
        return
    if logs.is_quiet():
        return
    outcome = report.outcome
    for warning in outcome.warnings:
        failures.say(f"rawtool: warning: {report.input}: {warning}")
    facts = _facts(outcome) or report.status.value
    failures.say(f"rawtool: {report.input} -> {_listed((report.output, *report.also))} ({facts})")
    if outcome.said:
        failures.say(f"rawtool: {report.input}: {outcome.said}")


def _facts(outcome: Outcome) -> str:
    """How long it took, on what, with which network; empty when nothing was done."""
    if not outcome.seconds:
        return ""
    seconds = sum(seconds for _, seconds in outcome.seconds)
    return ", ".join(word for word in (f"{seconds:.1f} s", outcome.device, outcome.network) if word)


def _listed(paths: Iterable[Path]) -> str:
    return ", ".join(str(path) for path in paths)


def say_plan(
    plan: Plan, forecast: Forecast, talk: Talk, called: Callable[[Path], Path] = lambda path: path
) -> int:
    """Say what a run would do, on standard output, and return the exit status; called as in `Reporter`."""
    for job in plan.jobs:
        source, targets = called(job.source), tuple(called(target) for target in job.targets)
        n_bytes = job.source.stat().st_size if job.source.is_file() else None
        if talk.is_json:
            write_json(_plan_event(source, targets, job.action, n_bytes))
        else:
            size = "missing" if n_bytes is None else f"{n_bytes / 1e6:.1f} MB"
            line = f"{source} -> {_listed(targets)} ({job.action.value}, {size})"
            print_line(failures.printable(line))
    if talk.is_json:
        write_json(_forecast_event(plan, forecast))
    else:
        formats = " and ".join(each.value for each in (plan.format, *plan.also))
        print_line(
            f"{len(plan.jobs)} files as {formats}, {forecast.n_jobs} at once, "
            f"model {forecast.network}, device {forecast.device}, "
            f"at most about {forecast.memory_bytes / 1e9:.1f} GB of memory; nothing was written"
        )
    return int(ExitCode.OK)


def _plan_event(
    source: Path, targets: tuple[Path, ...], action: Action, n_bytes: int | None
) -> Mapping[str, object]:
    names = {"input": str(source), "output": str(targets[0]), "also": [str(path) for path in targets[1:]]}
    return {"v": SCHEMA, "event": "plan", **names, "action": action.value, "bytes": n_bytes}


def _forecast_event(plan: Plan, forecast: Forecast) -> Mapping[str, object]:
    return {
        "v": SCHEMA,
        "event": "summary",
        "planned": len(plan.jobs),
        "format": plan.format.value,
        "also": [each.value for each in plan.also],
        "model": forecast.network,
        "device": forecast.device,
        "jobs": forecast.n_jobs,
        "memory_bytes": forecast.memory_bytes,
    }
