#!/usr/bin/env python3
"""Time the whole process of developing a raw, beside the raw converters that are installed.

    python tests/bench/develop_speed.py FILE.dng [--repeat 5] [--rawtool PATH] [--json OUT.json]

Every round runs each program once, so that a busy machine is unfair to all alike; the median of the
rounds is reported. Wall time is from start to exit, processor time and peak resident memory are the
kernel's (wait4). rawtool's own stages come from its --json output. Linux and macOS.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

# The kernel counts peak memory in KiB on Linux and in bytes on macOS.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024

Arguments = Callable[[str, Path, Path], list[str]]


@dataclass(frozen=True, slots=True)
class Peer:
    """A program: how it is called to turn a raw into a finished file, with its defaults."""

    name: str
    program: str
    suffix: str
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds of wall time and of all processors, peak resident bytes, what it printed."""

    wall_s: float
    cpu_s: float
    peak_bytes: int
    output: str


@dataclass(frozen=True, slots=True)
class Row:
    """Medians over the runs of one program; ratio is wall time over rawtool's."""

    name: str
    wall_s: float
    cpu_s: float
    peak_mb: float
    rawtool_ratio: float


def _rawtool(program: str, source: Path, target: Path) -> list[str]:
    return [program, "develop", str(source), "-o", str(target), "--json"]


def _darktable(program: str, source: Path, target: Path) -> list[str]:
    # A library in memory and a configuration of its own: no lock, no saved styles.
    return [program, str(source), str(target), "--core", "--library", ":memory:",
            "--configdir", str(target.parent / "darktable")]  # fmt: skip


def _rawtherapee(program: str, source: Path, target: Path) -> list[str]:
    return [program, "-Y", "-o", str(target), "-d", "-j95", "-js3", "-c", str(source)]


def _dcraw_emu(program: str, source: Path, target: Path) -> list[str]:
    return [program, "-q", "3", "-w", "-Z", str(target), str(source)]


PEERS = (
    Peer("darktable", "darktable-cli", ".jpg", _darktable),
    Peer("RawTherapee", "rawtherapee-cli", ".jpg", _rawtherapee),
    Peer("LibRaw (dcraw_emu -q 3 -w)", "dcraw_emu", ".ppm", _dcraw_emu),
)


def main() -> int:
    """Run all rounds and print the tables."""
    words = _words()
    ours = Peer("rawtool", words.rawtool, ".jpg", _rawtool)
    peers = [ours, *(peer for peer in PEERS if shutil.which(peer.program))]
    runs: dict[str, list[Run]] = {peer.name: [] for peer in peers}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(words.repeat):
            for peer in peers:
                runs[peer.name].append(time_once(peer, words.file, Path(folder) / f"{number}"))
    rows = make_rows(runs)
    stages = median_stages(runs[ours.name])
    print_rows(words.file, words.repeat, rows)
    print_stages(stages)
    if words.json:
        text = json.dumps({"rows": [asdict(row) for row in rows], "stages_s": stages}, indent=1)
        words.json.write_text(text, encoding="utf-8")
    return 0


def time_once(peer: Peer, source: Path, folder: Path) -> Run:
    """Run a program once in a folder of its own; SystemExit with its words when it fails."""
    place = folder / peer.program.replace(os.sep, "_")
    place.mkdir(parents=True)
    target = place / f"out{peer.suffix}"
    with (place / "stdout").open("w+") as stdout, (place / "stderr").open("w+") as stderr:
        began = time.perf_counter()
        process = subprocess.Popen(peer.arguments(peer.program, source, target), stdout=stdout, stderr=stderr)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        printed = stdout.read()
        if process.returncode or not target.is_file():
            sys.exit(f"{peer.name} failed with status {process.returncode}:\n{printed}{stderr.read()}")
    target.unlink()
    return Run(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * RSS_UNIT, printed)


def make_rows(runs: dict[str, list[Run]]) -> list[Row]:
    """Reduce the runs of each program to medians; rawtool comes first."""
    walls = {name: statistics.median(run.wall_s for run in each) for name, each in runs.items()}
    ours = next(iter(walls.values()))
    return [
        Row(
            name,
            walls[name],
            statistics.median(run.cpu_s for run in each),
            statistics.median(run.peak_bytes for run in each) / 1e6,
            ours / walls[name],
        )
        for name, each in runs.items()
    ]


def median_stages(runs: Sequence[Run]) -> dict[str, float]:
    """The median seconds of each stage that rawtool reports, and what is left: start-up and exit."""
    reports = [_file_report(run.output) for run in runs]
    stages = {name: statistics.median(report[name] for report in reports) for name in reports[0]}
    wall_s = statistics.median(run.wall_s for run in runs)
    return stages | {"start-up and rest": wall_s - sum(stages.values())}


def _file_report(output: str) -> dict[str, float]:
    events = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return next(event["seconds"] for event in events if event["event"] == "file")


def print_rows(file: Path, n_rounds: int, rows: Sequence[Row]) -> None:
    """Print the programs as a Markdown table."""
    print(f"{file.name}, {os.cpu_count()} cores, median of {n_rounds}\n")
    print("| program | wall s | processor s | peak MB | rawtool takes |")
    print("|---|---|---|---|---|")
    for row in rows:
        ratio = f"{row.rawtool_ratio:.2f} x"
        print(f"| {row.name} | {row.wall_s:.2f} | {row.cpu_s:.2f} | {row.peak_mb:.0f} | {ratio} |")


def print_stages(stages: dict[str, float]) -> None:
    """Print where rawtool's time goes as a Markdown table."""
    total = sum(stages.values())
    print("\n| stage | seconds | share |")
    print("|---|---|---|")
    for name, seconds in stages.items():
        print(f"| {name} | {seconds:.2f} | {seconds / total:.0%} |")


def _words() -> argparse.Namespace:
    beside = Path(sys.executable).with_name("rawtool")
    parser = argparse.ArgumentParser(description="Time rawtool develop beside other raw converters.")
    parser.add_argument("file", type=Path, help="a raw file")
    parser.add_argument("--repeat", type=int, default=5, help="rounds (5)")
    parser.add_argument(
        "--rawtool", default=str(beside) if beside.exists() else "rawtool", help="the program"
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
