#!/usr/bin/env python3
"""Repeat a Bayer raw beside and below itself: a larger DNG for measuring time and memory.

python tests/bench/make_large.py FILE.dng OUT.dng --times 2x4
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from rawtool.io.dng import write_dng
from rawtool.io.raw import read_raw


def main() -> None:
    """Read, repeat, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--times", default="2x4", metavar="DOWNxACROSS")
    asked = parser.parse_args()
    down, across = (int(part) for part in asked.times.split("x"))
    frame = read_raw(asked.source)
    even = frame.samples[: frame.height // 2 * 2, : frame.width // 2 * 2]
    samples = np.tile(even, (down, across))
    crop = (0, 0, int(samples.shape[0]), int(samples.shape[1]))
    capture = replace(frame.capture, exif=None, xmp=None)
    large = replace(frame, samples=samples, crop=crop, gain_maps=(), capture=capture)
    write_dng(large, asked.target)
    print(f"{crop[3]} x {crop[2]}, {samples.size / 1e6:.0f} megapixels")


if __name__ == "__main__":
    main()
