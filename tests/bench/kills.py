#!/usr/bin/env python3
"""Kill a batch at random moments: nothing partial may have a final name, and a second run must complete it.

    python tests/bench/kills.py FILE.dng [--times 20] [--files 10]

The file is developed under ten names, first undisturbed. Then the same batch is killed (SIGKILL) at moments
spread at random over the time that took. After every kill each file under a final name must be the
undisturbed one to the byte; then ``--exists skip`` must end with 0 and give all ten.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> int:
    """Read the words, kill, say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--files", type=int, default=10)
    asked = parser.parse_args()
    moments = random.Random(20)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        sources = [place / f"{number}.dng" for number in range(asked.files)]
        for source in sources:
            shutil.copyfile(asked.source, source)
        started = time.monotonic()
        develop(sources, place / "whole").wait()
        seconds = time.monotonic() - started
        whole = {path.name: path.read_bytes() for path in (place / "whole").iterdir()}
        assert len(whole) == asked.files
        n_left = 0
        for number in range(asked.times):
            out = place / f"killed{number}"
            process = develop(sources, out)
            time.sleep(moments.uniform(0.0, seconds))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            left = sorted(out.iterdir()) if out.is_dir() else []
            n_left += sum(path.name.startswith(".") for path in left)
            final = [path for path in left if not path.name.startswith(".")]
            assert all(path.read_bytes() == whole[path.name] for path in final), (
                "a partial file has a final name"
            )
            assert develop(sources, out, "--exists", "skip").wait() == 0, "the second run failed"
            found = {path.name: path.read_bytes() for path in out.iterdir() if not path.name.startswith(".")}
            assert found == whole, "the second run did not complete"
            print(f"killed with {len(final)} of {asked.files} done: whole, and completed", flush=True)
            shutil.rmtree(out)
        print(f"{asked.times} kills, {n_left} hidden parts left, everything completed")
    return 0


def develop(sources: list[Path], out: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start developing a batch."""
    command = [sys.executable, "-m", "rawtool", "develop", *map(str, sources), "-o", f"{out}/", "-q", *words]
    return subprocess.Popen(command)


if __name__ == "__main__":
    sys.exit(main())
