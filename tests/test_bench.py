"""The benchmarks still start: they call the package from outside of it, where no type checker looks."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytest.importorskip("torch")

SCRIPTS = sorted((ROOT / "tests" / "bench").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_benchmark_says_how_it_is_used(script):
    done = subprocess.run(
        [sys.executable, script, "--help"], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout
