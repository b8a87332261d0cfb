import logging

import pytest

from rawtool.cli import logs

LOG = logging.getLogger("rawtool.io.raw")


def say_all():
    LOG.debug("tag %d", 1)
    LOG.info("opened")
    LOG.warning("no matrix")
    LOG.error("broken")


@pytest.mark.parametrize(
    ("verbosity", "is_quiet", "names"),
    [
        (0, True, ["error: broken"]),
        (0, False, ["warning: no matrix", "error: broken"]),
        (1, False, ["note: opened", "warning: no matrix", "error: broken"]),
        (2, False, ["debug: tag 1", "note: opened", "warning: no matrix", "error: broken"]),
        (9, False, ["debug: tag 1", "note: opened", "warning: no matrix", "error: broken"]),
    ],
)
def test_the_level_lets_through_what_was_asked_for(verbosity, is_quiet, names, capsys):
    logs.set_level(verbosity, is_quiet=is_quiet)

    say_all()

    assert capsys.readouterr().err.splitlines() == [f"rawtool: {name}" for name in names]
    assert logs.is_quiet() is is_quiet
    assert logs.shows_tracebacks() is (verbosity >= 2)


def test_setting_the_level_twice_does_not_say_things_twice(capsys):
    logs.set_level(0, is_quiet=False)
    logs.set_level(0, is_quiet=False)

    LOG.warning("once")

    assert capsys.readouterr().err == "rawtool: warning: once\n"
