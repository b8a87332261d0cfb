"""Progress on standard error: a bar on a terminal, plain lines elsewhere, or nothing."""

import os
import sys
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from rawtool.cli import failures

if TYPE_CHECKING:
    from rich.progress import TaskID


@runtime_checkable
class Display(Protocol):
    """Where progress is shown. Files are known by the names under which they began."""

    def begin(self, name: str) -> None:
        """Show that work on a file begins."""

    def advance(self, name: str, fraction: float) -> None:
        """Show how far a file is, in [0, 1]."""

    def end(self, name: str) -> None:
        """Show that a file ended, begun or not."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Nothing:
    """Shows nothing."""

    def begin(self, name: str) -> None:
        """Show nothing."""

    def advance(self, name: str, fraction: float) -> None:
        """Show nothing."""

    def end(self, name: str) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Lines:
    """Says each file that begins."""

    def begin(self, name: str) -> None:
        """Say the file."""
        failures.say(f"rawtool: {name} ...")

    def advance(self, name: str, fraction: float) -> None:
        """Show nothing: a line a step would be too much."""

    def end(self, name: str) -> None:
        """Show nothing: the report of the file follows."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Bar:
    """A bar for the whole run and the file that moved last, on a terminal."""

    def __init__(self, n_files: int) -> None:
        """Draw the bar; rich is imported here."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
        self._progress: Progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task: TaskID = self._progress.add_task("", total=n_files)
        self._done = 0
        self._under_way: dict[str, float] = {}
        self._progress.start()

    def begin(self, name: str) -> None:
        """Name the file."""
        self._under_way[name] = 0.0
        self._show(name)

    def advance(self, name: str, fraction: float) -> None:
        """Move the bar within the file."""
        self._under_way[name] = fraction
        self._show(name)

    def end(self, name: str) -> None:
        """Count the file."""
        self._under_way.pop(name, None)
        self._done += 1
        self._show("")

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()

    def _show(self, name: str) -> None:
        completed = self._done + sum(self._under_way.copy().values())
        self._progress.update(self._task, completed=completed, description=failures.printable(name))


def open_display(wish: str, n_files: int, *, is_quiet: bool) -> Display:
    """Choose a display: what was asked for; auto is a bar on a terminal and lines elsewhere."""
    if is_quiet or wish == "none":
        return Nothing()
    is_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return Bar(n_files) if wish == "bar" or (wish == "auto" and is_terminal) else Lines()
