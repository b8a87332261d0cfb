"""Large arrays lie in files: their values stay when memory is given back; nothing is left behind."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from rawtool.errors import OutputError
from rawtool.pipelines import scratch as room
from rawtool.pipelines.scratch import release, scratch


@pytest.fixture
def small_memory(monkeypatch, tmp_path):
    """Everything above a MiB counts as large; temporary files lie in a folder of their own."""
    monkeypatch.setattr(room, "LARGEST_IN_MEMORY", 2**20)
    monkeypatch.setattr(room.tempfile, "tempdir", str(tmp_path))
    return tmp_path


def resident_bytes():
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_a_small_array_is_in_memory(small_memory):
    found = scratch((10, 20, 3))

    assert type(found) is np.ndarray
    assert (found.shape, found.dtype) == ((10, 20, 3), np.float32)
    release(found)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_large_array_keeps_its_values_when_its_memory_is_given_back(dtype, small_memory):
    planes = scratch((3, 600, 700), dtype)
    view = np.moveaxis(planes, 0, 2)[5:, 7:]
    view[:] = np.arange(view[..., 0].size).reshape(595, 693, 1) % 2000

    release(view)

    assert isinstance(planes, np.memmap)
    assert view[594, 692, 1] == (view[..., 0].size - 1) % 2000
    assert view[0, 0, 2] == 0


def test_no_file_is_left_or_even_seen(small_memory):
    kept = scratch((600, 700, 3))

    assert kept.nbytes > 2**20
    assert not list(small_memory.iterdir())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's own account of memory")
def test_memory_is_really_given_back(small_memory):
    planes = scratch((100, 1000, 1000))
    before = resident_bytes()
    for line in planes:
        line[:] = 1.0
        release(planes)

    assert resident_bytes() - before < 0.1 * planes.nbytes
    assert planes[::7, 3, 4].sum() == 15.0


def test_too_little_room_is_said_with_what_to_do(small_memory, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room, "_reserve", full)

    with pytest.raises(OutputError, match=r"does not take it \(No space left on device\).*TMPDIR"):
        scratch((600, 700, 3))
