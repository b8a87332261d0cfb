"""Errors to one line and an exit code: the only handler of the program."""

import os
import sys
from collections.abc import Callable

import click

from rawtool import __version__
from rawtool.cli import logs
from rawtool.errors import RawtoolError
from rawtool.vocabulary import ExitCode

_EXTRAS = {
    "torch": "train",
    "lightning_fabric": "train",
    "matplotlib": "train",
    "onnx": "train",
    "onnxruntime": "cpu",
    "OpenEXR": "exr",
}
"""Packages that come with an extra of rawtool."""


def guarded(call: Callable[[], object]) -> int:
    """Make a call and return the exit status; whatever goes wrong is said in one line on standard error."""
    try:
        status = call()
    except SystemExit as request:
        return request.code if isinstance(request.code, int) else int(ExitCode.MIXED)
    except (click.Abort, KeyboardInterrupt):
        say("rawtool: interrupted")
        return int(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the end of the line for every error
        return int(tell(error))
    return int(status) if isinstance(status, int) else int(ExitCode.OK)


def tell(error: Exception) -> ExitCode:
    """Say an error in one line and return its exit code."""
    code, cause = describe(error)
    say_failure(cause)
    say_traceback(error)
    return code


def say_traceback(error: Exception | None) -> None:
    """Say where an error came from, if the user asked for everything."""
    if error is not None and logs.shows_tracebacks():
        click.echo(_trace(error).rstrip(), err=True)


def describe(error: Exception) -> tuple[ExitCode, str]:
    """Return the exit code and the sentence of an error; a bug gets a report file."""
    if isinstance(error, RawtoolError):
        return error.code, str(error)
    if isinstance(error, click.ClickException):
        return ExitCode.USAGE, f"{error.format_message().rstrip('.')}; see: {_help_words(error)}"
    if isinstance(error, ModuleNotFoundError) and error.name in _EXTRAS:
        return (
            ExitCode.MODEL,
            f'{error.name} is not installed; run: pip install "rawtool[{_EXTRAS[error.name]}]"',
        )
    if isinstance(error, MemoryError):
        return ExitCode.MEMORY, "memory ran out; close other programs, or use --jobs 1 --tile 512"
    return ExitCode.INTERNAL, internal_cause(error)


def internal_cause(error: Exception) -> str:
    """Write the report of a bug and return the sentence that says where it is."""
    what = f"internal error, {type(error).__name__}: {error}"
    try:
        where = write_report(error)
    except OSError:
        return f"{what}; no report could be written; run again with -vv"
    return f"{what}; this is a bug of rawtool; please send {where}"


def write_report(error: Exception) -> str:
    """Write versions, words and traceback into a file of the temporary folder and return its path."""
    import platform
    import tempfile

    number, path = tempfile.mkstemp(prefix="rawtool-", suffix=".txt")
    head = f"rawtool {__version__}, Python {platform.python_version()}, {platform.platform()}"
    text = f"{head}\n{sys.argv!r}\n\n{_trace(error)}"
    with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return path


def say_failure(cause: str, subject: object = None) -> None:
    """Say one error line on standard error."""
    about = "" if subject is None else f"{subject}: "
    say(f"rawtool: error: {about}{cause}")


def say(text: str) -> None:
    """Write one line of prose on standard error."""
    click.echo(printable(text), err=True)


def printable(text: str) -> str:
    """Make a text fit one line of a terminal: control characters and broken ones become escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _trace(error: Exception) -> str:
    import traceback

    return "".join(traceback.format_exception(error))


def _help_words(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context is not None else 'rawtool'} --help"
