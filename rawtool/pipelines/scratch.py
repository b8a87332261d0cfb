"""Light of frames that are larger than memory should be: it lies in a file without a name.

An array of more than LARGEST_IN_MEMORY bytes is mapped from a temporary file (its folder: TMPDIR), which
the system removes with the process, however that ends. What was written or read and is not needed at the
moment is given back with ``release``: the pages stay in the file, or in the system's cache of it, and leave
this process.
"""

import mmap
import os
import tempfile
from math import prod

import numpy as np
from numpy.typing import DTypeLike

from rawtool.arrays import AnyArray
from rawtool.errors import OutputError

LARGEST_IN_MEMORY = 300 * 2**20
"""Bytes of an array that simply stays in memory: light of 26 megapixels."""


def scratch(shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> AnyArray:
    """Give an array of undefined values, in memory or in a temporary file.

    Raises:
        OutputError: there is no room for the file.
    """
    if prod(shape) * np.dtype(dtype).itemsize <= LARGEST_IN_MEMORY:
        return np.empty(shape, dtype)
    try:
        with tempfile.TemporaryFile(prefix="rawtool-") as file:
            # Room is taken now: a disk that fills up later would kill the process instead of failing a call.
            _reserve(file.fileno(), prod(shape) * np.dtype(dtype).itemsize)
            return np.memmap(file, dtype=dtype, mode="r+", shape=shape)
    except OSError as error:
        folder = tempfile.gettempdir()
        raise OutputError(
            f"a frame of this size needs a temporary file and {folder} does not take it ({error.strerror}); "
            "name a folder with more room in TMPDIR"
        ) from error


def release(array: AnyArray) -> None:
    """Give back the memory of an array's pages, if they lie in a file; its values stay."""
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        owner.madvise(mmap.MADV_DONTNEED)


def _reserve(descriptor: int, n_bytes: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, n_bytes)
    else:
        os.ftruncate(descriptor, n_bytes)
