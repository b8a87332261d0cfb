"""Darkrooms with networks that were never trained, and raws on disk."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rawtool.frames import RawFrame
from rawtool.io.dng import write_dng
from rawtool.pipelines.darkroom import Darkroom, open_darkroom


@pytest.fixture(scope="session")
def darkroom(untrained_model: Path) -> Darkroom:
    """Networks that change nothing: what is seen is what the journey does."""
    return open_darkroom(str(untrained_model), device="cpu", threads=1)


@pytest.fixture(scope="session")
def lively_darkroom(lively_model: Path) -> Darkroom:
    """A restoration that changes everything."""
    return open_darkroom(str(lively_model), device="cpu", threads=1)


@pytest.fixture
def on_disk(tmp_path: Path) -> Callable[[RawFrame], Path]:
    """Write a frame as a DNG and give its path."""

    def write(frame: RawFrame) -> Path:
        path = tmp_path / "frame.dng"
        write_dng(frame, path)
        return path

    return write
