"""Standard input and output in the place of files: ``-`` and ``-o -``.

Formats are read and written by jumping about in them, which a pipe does not allow: what comes in is put into
a temporary folder first, and what goes out is sent on when it is whole.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rawtool.batch.inputs import Selection
from rawtool.batch.outputs import Naming
from rawtool.batch.plan import Plan
from rawtool.errors import UsageError

PIPE = "-"
_OUT = "out"


@dataclass(frozen=True, slots=True)
class Pipes:
    """The words of a run, with files in the place of pipes; folder is where those are, None without pipes."""

    selection: Selection
    naming: Naming
    folder: Path | None = None

    def called(self, path: Path) -> Path:
        """Give the name that a file has for people: ``-`` for a pipe."""
        return Path(PIPE) if self.folder is not None and path.is_relative_to(self.folder) else path

    def check(self, plan: Plan) -> None:
        """Refuse outputs beside standard input, where nobody finds them, and several for one standard output.

        Raises:
            UsageError: there are such.
        """
        outputs = [target for job in plan.jobs for target in job.targets if self.called(target) != target]
        if any(target.parent.name != _OUT for target in outputs):
            raise UsageError(
                "standard input has no folder; name the output with -o, -o - for standard output"
            )
        if len(outputs) > 1:
            raise UsageError(
                f"standard output takes one file, but {len(outputs)} are selected; name a folder with -o"
            )

    def deliver(self) -> None:
        """Send what was written for standard output there; a reader that went away is no failure."""
        ready = [] if self.folder is None else sorted((self.folder / _OUT).glob("*"))
        with unheard():
            for path in ready:
                with path.open("rb") as stream:
                    shutil.copyfileobj(stream, sys.stdout.buffer)
            sys.stdout.buffer.flush()


@contextmanager
def unheard() -> Iterator[None]:
    """Let a write to standard output end quietly where nobody reads on (``| head``), and later ones too."""
    try:
        yield
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextmanager
def opened(selection: Selection, naming: Naming, *, is_json: bool) -> Iterator[Pipes]:
    """Put standard input, if it is an input, into a file, and make a place for standard output.

    Raises:
        UsageError: a pipe stands where none can be, or the words do not fit together.
    """
    is_from, is_to = PIPE in selection.inputs, naming.output == PIPE
    if not is_from and not is_to:
        yield Pipes(selection, naming)
        return
    if is_to:
        _check_output(naming, is_json=is_json)
    with tempfile.TemporaryDirectory(prefix="rawtool-") as place:
        folder = Path(place)
        if is_from:
            arrived = str(_arrived(selection, folder))
            words = tuple(arrived if word == PIPE else word for word in selection.inputs)
            selection = replace(selection, inputs=words)
        if is_to:
            (folder / _OUT).mkdir()
            naming = replace(naming, output=f"{folder / _OUT}/")
        yield Pipes(selection, naming, folder)


def _check_output(naming: Naming, *, is_json: bool) -> None:
    if is_json:
        raise UsageError("-o - and --json both need standard output; write into a file with -o FILE")
    if naming.also:
        raise UsageError("standard output takes one file; leave --also out, or name a file with -o")
    if sys.stdout.isatty():
        raise UsageError("standard output is a terminal; send it into a file or another program")


def _arrived(selection: Selection, folder: Path) -> Path:
    """Read standard input to its end."""
    name = selection.stdin_name
    if not name or name != Path(name).name:
        raise UsageError(f"--stdin-name {name!r} is no name of a file; give one such as photo.dng")
    if selection.files_from == PIPE or selection.inputs.count(PIPE) > 1:
        raise UsageError("standard input can be read once only; leave one - out")
    path = folder / name
    with path.open("wb") as stream:
        shutil.copyfileobj(sys.stdin.buffer, stream)
    return path
