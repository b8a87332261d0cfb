#!/usr/bin/env python3
"""Rate and distortion of packed raws: what every rate of ``rawtool pack`` keeps, and what it costs.

    python tests/bench/pack_rates.py FILE... [--quality 92] [--model raw-metadata-s]

Each file is developed once; that JPEG carries the raw at rates 0 to 5, within four counts, and without loss.
PSNR is that of the mosaic, (counts - black) / (white - black); bits are those a photosite, of the sidecar
alone and with the JPEG. The last row of a file is the lossless-JPEG DNG that ``rawtool unpack`` writes of it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

GOALS = (*(("--rate", str(rate)) for rate in range(6)), ("--max-error", "4"), ("--lossless",))


def main() -> None:
    """Read the words, pack, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--quality", default="92")
    parser.add_argument("--model", default="raw-metadata-s")
    asked = parser.parse_args()
    print(
        "| raw | goal | PSNR, dB | largest error | sidecar, bpp | with the JPEG |\n|---|---|---|---|---|---|"
    )
    for path in asked.files:
        with tempfile.TemporaryDirectory() as name:
            report(path, Path(name), asked.quality, asked.model)


def report(path: Path, place: Path, quality: str, model: str) -> None:
    """Pack one file in every way and print its rows."""
    base = place / "base.jpg"
    rawtool("develop", path, base, "--quality", quality)
    rows = []
    for goal in GOALS:
        words = ["--model", model] if goal[0] == "--rate" else []
        row = rawtool("pack", path, place / "packed.jpg", "-f", "--base", base, *goal, *words)
        found = row["metrics"]
        psnr = found["psnr_db"]
        # The last goal's is the most exact: bits a photosite are told with four digits.
        n_sites = found["sidecar_bytes"] * 8 / found["bpp"]
        cells = (" ".join(goal), "exact" if psnr is None else f"{psnr:.1f}", f"{found['max_error_dn']:g}")
        rows.append((*cells, f"{found['bpp']:.4f}", (place / "packed.jpg").stat().st_size))
    for *cells, n_bytes in rows:
        print(f"| {path.stem} | {' | '.join(cells)} | {n_bytes * 8 / n_sites:.3f} |", flush=True)
    rawtool("unpack", place / "packed.jpg", place / "back.dng")
    bits = (place / "back.dng").stat().st_size * 8 / n_sites
    print(f"| {path.stem} | lossless-JPEG DNG | exact | 0 | | {bits:.3f} |", flush=True)


def rawtool(*words: object) -> dict[str, object]:
    """Run the program and give what it says of the one file."""
    done = subprocess.run(
        [sys.executable, "-m", "rawtool", *map(str, words), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    events = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode:
        sys.exit(f"rawtool {' '.join(map(str, words))} failed:\n{done.stderr}{done.stdout}")
    return next(event for event in events if event["event"] == "file")


if __name__ == "__main__":
    main()
