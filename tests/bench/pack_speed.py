#!/usr/bin/env python3
"""Time the whole processes of `rawtool pack` and `rawtool unpack`: a raw into a ready JPEG, and out of it.

    python tests/bench/pack_speed.py RAW BASE.jpg [--repeat 3] [--rawtool PATH]

BASE.jpg is what `rawtool develop RAW` made; developing it is timed in develop_speed.py. Medians over the
rounds; wall time is from start to exit, processor time and peak resident memory are the kernel's.
"""

import argparse
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from develop_speed import Peer, Run, make_rows, median_stages, print_rows, print_stages, time_once

GOALS = {"rate 2": ("--rate", "2"), "lossless": ("--lossless",)}


def _pack(base: Path, goal: tuple[str, ...], program: str, source: Path, target: Path) -> list[str]:
    return [program, "pack", str(source), "-o", str(target), "--base", str(base), "--json", *goal]


def _unpack(program: str, source: Path, target: Path) -> list[str]:
    return [program, "unpack", str(source), "-o", str(target), "--json"]


def time_goal(words: argparse.Namespace, goal: str, folder: Path) -> dict[str, list[Run]]:
    """Pack and unpack a file for one goal, as often as asked."""
    pack = Peer(f"pack, {goal}", words.rawtool, ".jpg", partial(_pack, words.base, GOALS[goal]))
    unpack = Peer(f"unpack, {goal}", words.rawtool, ".dng", _unpack)
    packed = folder / "packed.jpg"
    subprocess.run(pack.arguments(pack.program, words.raw, packed), check=True, capture_output=True)
    places = [folder / str(number) for number in range(words.repeat)]
    return {
        pack.name: [time_once(pack, words.raw, place / "pack") for place in places],
        unpack.name: [time_once(unpack, packed, place / "unpack") for place in places],
    }


def main() -> int:
    """Run all rounds and print the tables."""
    parser = argparse.ArgumentParser(description="Time rawtool pack and unpack.")
    parser.add_argument("raw", type=Path)
    parser.add_argument("base", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--rawtool", default=str(Path(sys.executable).with_name("rawtool")))
    words = parser.parse_args()
    for goal in GOALS:
        with tempfile.TemporaryDirectory() as folder:
            runs = time_goal(words, goal, Path(folder))
        print_rows(words.raw, words.repeat, make_rows(runs))
        for name, found in runs.items():
            print(name)
            print_stages(median_stages(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
