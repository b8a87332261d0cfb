import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rawtool import __version__
from rawtool.cli.main import COMMANDS, run

HEAVY = ("numpy", "torch", "onnxruntime", "rawpy", "rich", "tifffile", "PIL")

SLOW_RUN = """
import sys
from rawtool.cli import main
from tests.cli import fakes
fakes.install(setattr)
main.main()
"""


def python(root, *words, **choices):
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": ""}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, *words], env=environment, text=True, **(pipes | choices))


@pytest.mark.parametrize("words", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)])
def test_help_loads_nothing_heavy(root, words):
    code = f"""
import sys
from rawtool.cli.main import run
status = run({words!r})
print([name for name in {HEAVY!r} if name in sys.modules], status, file=sys.stderr)
"""
    process = python(root, "-c", code)
    out, err = process.communicate(timeout=60)

    assert err == "[] 0\n"
    assert out.startswith(("Usage: rawtool", "rawtool "))


@pytest.mark.skipif(os.name == "nt", reason="processor time of a child is a matter of POSIX")
def test_help_takes_a_moment(root):
    def seconds():
        """Processor time, which other programs on the machine do not lengthen as they do the wall's."""
        process = python(root, "-m", "rawtool", "--help")
        process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        process.communicate()
        return usage.ru_utime + usage.ru_stime

    assert min(seconds() for _ in range(3)) < 0.3


def test_help_names_every_command_and_the_exit_codes(capsys):
    assert run(["--help"]) == 0

    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)
    assert "130 and 143" in out


def test_the_version_is_said(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"rawtool {__version__}\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["devlop"], "rawtool: error: No such command 'devlop'"),
        (["develop", "--qualty", "9"], "rawtool: error: No such option"),
        (["develop", "a.dng", "--quality", "101"], "rawtool: error: Invalid value for '--quality'"),
        (["develop", "a.dng", "--wb", "warm"], "rawtool: error: Invalid value for '--wb'"),
    ],
)
def test_a_wrong_word_is_a_usage_error_in_one_line(words, line, capsys):
    assert run(words) == 2

    captured = capsys.readouterr()
    assert captured.err.startswith(line)
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def stop(root, folder, number):
    (folder / "a.dng").write_bytes(b"quick")
    (folder / "b.dng").write_bytes(b"slow")
    (folder / "c.dng").write_bytes(b"quick")
    process = python(root, "-c", SLOW_RUN, "develop", "a.dng", "b.dng", "c.dng", "--json", cwd=folder)
    deadline = time.monotonic() + 60
    while not (folder / "a_dev.jpg").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_ends_soon_with_its_status_and_its_summary(root, tmp_path, number, status):
    code, out, err = stop(root, tmp_path, number)

    assert code == status
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.dng", "a_dev.jpg", "b.dng", "c.dng"]
    assert '"event": "summary", "done": 1, "skipped": 0, "failed": 0, "not_finished": 2' in out
    assert "Traceback" not in err
    assert "1 done, 2 not finished" in err


def test_the_module_is_the_command(root):
    out, _ = python(root, "-m", "rawtool", "--version").communicate(timeout=60)

    assert out == f"rawtool {__version__}\n"
    assert Path(root, "rawtool", "__main__.py").is_file()


LEAVING = """
import atexit, multiprocessing, sys, threading, time
from rawtool.cli import main

def later():
    time.sleep(0.4)
    print("late", flush=True)

atexit.register(print, "taken down")
def run(words):
    {before}
    sys.stdout.write("said")
    return 6
main.run = run
main.main()
"""


def leave(root, before="pass", **choices):
    process = python(root, "-c", LEAVING.format(before=before), **choices)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_a_command_that_is_done_leaves_at_once_with_its_status_and_all_that_it_said(root):
    assert leave(root) == (6, "said", "")


def test_daemons_are_not_waited_for(root):
    assert leave(root, "threading.Thread(target=later, daemon=True).start()") == (6, "said", "")


@pytest.mark.skipif(os.name == "nt", reason="children are forked")
@pytest.mark.parametrize(
    "company",
    [
        "threading.Thread(target=later).start()",
        "multiprocessing.get_context('fork').Process(target=later).start()",
    ],
)
def test_threads_and_processes_that_still_work_are_waited_for(root, company):
    status, out, err = leave(root, company)

    assert (status, err) == (6, "")
    assert "late" in out
    assert out.endswith("taken down\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_output_that_cannot_be_written_is_said_and_is_no_success(root):
    with Path("/dev/full").open("w") as full:
        process = python(root, "-c", LEAVING.format(before="pass"), stdout=full)
        _, err = process.communicate(timeout=60)

    # The status that Python itself ends with when it cannot write out what waits.
    assert process.returncode == 120
    assert "No space left on device" in err


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_that_has_gone_is_no_traceback(root):
    process = python(root, "-m", "rawtool", "--help")
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()

    assert (process.wait(60), err) == (1, "")
