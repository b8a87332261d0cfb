"""How much is said: the one place that sets the level of the log."""

import logging
import sys
from typing import TextIO, cast

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_NAMES = (
    (logging.ERROR, "error"),
    (logging.WARNING, "warning"),
    (logging.INFO, "note"),
    (logging.DEBUG, "debug"),
)


class _Stderr:
    """Standard error as it is at each write, so that a progress bar or a test may stand in for it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def set_level(verbosity: int, *, is_quiet: bool) -> None:
    """Let the log of rawtool through to standard error: warnings, with -v notes, with -vv everything."""
    for level, name in _NAMES:
        logging.addLevelName(level, name)
    handler = logging.StreamHandler(cast(TextIO, _Stderr()))
    handler.setFormatter(logging.Formatter("rawtool: %(levelname)s: %(message)s"))
    log = logging.getLogger("rawtool")
    log.handlers[:] = [handler]
    log.propagate = False
    log.setLevel(logging.ERROR if is_quiet else _LEVELS[min(verbosity, len(_LEVELS) - 1)])


def shows_tracebacks() -> bool:
    """Whether the user asked for everything (-vv)."""
    return logging.getLogger("rawtool").isEnabledFor(logging.DEBUG)


def is_quiet() -> bool:
    """Whether the user asked for errors only (-q)."""
    return not logging.getLogger("rawtool").isEnabledFor(logging.WARNING)
