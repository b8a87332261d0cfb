"""What all tests share. Shapes and types are checked at every call: see addopts in pyproject.toml."""

import os
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent

# A busy machine must not turn a slow example into a failure; the examples are the same in every run.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True, max_examples=40)
hypothesis.settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "real" in item.path.relative_to(ROOT / "tests").parts[:-1]:
            item.add_marker(pytest.mark.real)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_raws() -> Path:
    """The folder of camera files, or a skip."""
    shared = Path(os.environ.get("RAWTOOL_SHARED", ROOT.parent / "shared"))
    folder = shared / "data" / "raw"
    if not folder.is_dir():
        pytest.skip("camera files are not here; RAWTOOL_SHARED names the folder that has data/raw")
    return folder
