#!/usr/bin/env python3
"""Time the whole process of `rawtool hdr`: a JPEG to a half-float EXR.

    python tests/bench/hdr_speed.py FILE.jpg [--repeat 5] [--rawtool PATH]

Medians over the rounds; wall time is from start to exit, processor time and peak resident memory are the
kernel's. No other program that does this is packaged to run beside it.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from develop_speed import Peer, make_rows, median_stages, print_rows, print_stages, time_once


def _hdr(program: str, source: Path, target: Path) -> list[str]:
    return [program, "hdr", str(source), "-o", str(target), "--json"]


def main() -> int:
    """Run all rounds and print the tables."""
    parser = argparse.ArgumentParser(description="Time rawtool hdr.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--rawtool", default=str(Path(sys.executable).with_name("rawtool")))
    words = parser.parse_args()
    ours = Peer("rawtool hdr", words.rawtool, ".exr", _hdr)
    with tempfile.TemporaryDirectory() as folder:
        runs = [time_once(ours, words.file, Path(folder) / str(number)) for number in range(words.repeat)]
    print_rows(words.file, words.repeat, make_rows({ours.name: runs}))
    print_stages(median_stages(runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
