#!/usr/bin/env python3
"""Bits per sample of the exact coder, beside a lossless-JPEG DNG and JPEG XL of the planes.

    python tests/bench/lossless.py RAW BASE.jpg [RAW BASE.jpg ...] [--max-error 0 29 87]

BASE.jpg is the upright picture that `rawtool develop RAW` made, of the whole frame; it is the guide, and
its bytes count in the last column. The DNG is counted as a whole file, with what the camera wrote. Seconds
are those of all processors, in this process. Every result is decoded again and compared.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np

from rawtool.codec.exact import decode_exact, encode_exact
from rawtool.io.dng import with_whole_numbers, write_dng
from rawtool.io.raw import read_raw
from rawtool.pipelines.baseguide import lay_guide, placing_of

_JXL_EFFORT = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One way to keep a frame: bytes of its own and of the picture beside it, processor seconds."""

    name: str
    n_bytes: int
    n_base_bytes: int
    encode_s: float
    decode_s: float


def exact_row(samples, cell_shape, guide, max_error, n_base_bytes) -> Row:
    """Encode, decode and compare."""
    start = time.process_time()
    content = encode_exact(samples, cell_shape, guide, max_error)
    middle = time.process_time()
    back = decode_exact(content, guide)
    end = time.process_time()
    if np.abs(back.astype(np.int32) - samples).max() > max_error:
        sys.exit("the exact coder has lost samples")
    name = f"rawtool, within {max_error}" if max_error else "rawtool, bit for bit"
    name += "" if guide is not None else ", without the guide"
    return Row(name, len(content), n_base_bytes, middle - start, end - middle)


def jxl_row(samples, cell_shape) -> Row:
    """JPEG XL, lossless, of each plane of the mosaic, or of the picture."""
    rows, columns = cell_shape
    planes = [samples[i::rows, j::columns] for i in range(rows) for j in range(columns)]
    start = time.process_time()
    packed = [
        imagecodecs.jpegxl_encode(np.ascontiguousarray(plane), lossless=True, effort=_JXL_EFFORT)
        for plane in planes
    ]
    middle = time.process_time()
    for content in packed:
        imagecodecs.jpegxl_decode(content)
    return Row(
        "JPEG XL of the planes", sum(map(len, packed)), 0, middle - start, time.process_time() - middle
    )


def dng_row(frame) -> Row:
    """The DNG that rawtool writes: lossless JPEG."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.dng"
        start = time.process_time()
        write_dng(frame, path)
        middle = time.process_time()
        read_raw(path)
        return Row("lossless-JPEG DNG", path.stat().st_size, 0, middle - start, time.process_time() - middle)


def rows_of(raw: Path, base: Path, max_errors: list[int]) -> Iterator[tuple[Row, int]]:
    """Yield the rows of one frame, each with its number of samples."""
    frame = with_whole_numbers(read_raw(raw))
    samples, content = frame.samples, base.read_bytes()
    cell_shape = (len(frame.cfa.cell), len(frame.cfa.cell[0])) if frame.cfa else (1, 1)
    guide = lay_guide(imagecodecs.jpeg8_decode(content), placing_of(frame, 1), samples.shape[:2])
    yield dng_row(frame), samples.size
    yield jxl_row(samples, cell_shape), samples.size
    yield exact_row(samples, cell_shape, None, 0, 0), samples.size
    for max_error in max_errors:
        yield exact_row(samples, cell_shape, guide, max_error, len(content)), samples.size


def main() -> int:
    """Print a table for each raw."""
    parser = argparse.ArgumentParser(description="Compare lossless coders of raws.")
    parser.add_argument("files", type=Path, nargs="+", metavar="RAW BASE.jpg")
    parser.add_argument("--max-error", type=int, nargs="+", default=[0], metavar="DN")
    words = parser.parse_args()
    for raw, base in zip(words.files[::2], words.files[1::2], strict=True):
        print(
            f"\n| {raw.name} | bits a sample | with the base | encode s | decode s |\n|---|---|---|---|---|"
        )
        for row, n_samples in rows_of(raw, base, words.max_error):
            own, whole = (8 * n / n_samples for n in (row.n_bytes, row.n_bytes + row.n_base_bytes))
            print(
                f"| {row.name} | {own:.3f} | {whole:.3f} | {row.encode_s:.2f} | {row.decode_s:.2f} |",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
