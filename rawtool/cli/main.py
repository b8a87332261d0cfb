"""The command ``rawtool``: a group whose commands are imported when they are called."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

from rawtool import __version__
from rawtool.cli.failures import guarded
from rawtool.vocabulary import ExitCode

COMMANDS = ("develop", "hdr", "pack", "unpack", "models", "info", "compare", "doctor", "train")

_GROUP_HELP = """A neural darkroom: raw files in, finished pictures out; finished pictures in, HDR out.

\b
  rawtool develop IMG.dng
  rawtool hdr IMG.jpg
  rawtool pack IMG.dng

Nothing is ever overwritten unless asked. Exit status: 0 done, 1 several causes, 2 usage,
3 configuration, 4 no input matched, 5 model, 6 output exists, 7 input, 8 device, 9 memory,
10 write, 11 verification, 12 packed raw, 70 internal error, 130 and 143 interrupted.
"""


class LazyGroup(click.Group):
    """A group that imports ``rawtool.cli.NAME`` only when NAME is asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The commands in the order of the manual."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"rawtool.cli.{cmd_name}"), cmd_name)
        return command


@click.group(
    "rawtool", cls=LazyGroup, help=_GROUP_HELP, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, "-V", "--version", message="rawtool %(version)s")
def rawtool() -> None:
    """Hold the commands together."""


def run(words: Sequence[str]) -> int:
    """Run the command line on words and return the exit status."""
    return guarded(lambda: rawtool.main(list(words), prog_name="rawtool", standalone_mode=False))


def main() -> None:
    """Run the command line on the words of this process and leave with the exit status."""
    # numpy's small products gain nothing from threads that fight with the networks' own for the cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    signal.signal(signal.SIGTERM, _terminate)
    _leave(run(sys.argv[1:]))


def _leave(status: int) -> NoReturn:
    """End the process at once: taking the libraries down one by one takes a tenth of a second.

    The interpreter ends as usual where it still has something to do: threads or processes to wait for, or
    output that could not be written, which it says.
    """
    logging.shutdown()
    if _has_company() or not _is_flushed():
        sys.exit(status)
    os._exit(status)


def _has_company() -> bool:
    """Whether threads that are no daemons, or child processes of Python, are still there."""
    threads = [each for each in threading.enumerate() if each is not threading.main_thread()]
    processes = sys.modules.get("multiprocessing")
    return not all(each.daemon for each in threads) or bool(processes and processes.active_children())


def _is_flushed() -> bool:
    """Write out what waits in the standard streams; False when that fails."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return False
    return True


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(int(ExitCode.TERMINATED))
