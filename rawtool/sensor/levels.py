"""Black and white level: counts to values proportional to light."""

import numpy as np

from rawtool.arrays import AnyArray, Samples
from rawtool.errors import CorruptFileError
from rawtool.frames import RawFrame
from rawtool.sensor.strips import Each, in_strips


def normalise(frame: RawFrame, *, out: AnyArray | None = None, each: Each = map) -> Samples:
    """Bring samples to 0 at black and 1 at the white level: (samples - black) / (white - black).

    Values under black (noise) and above white are kept. Works for integer and float samples. out is where the
    result goes: float32, of the samples' shape. each works on strips of rows, one after the other by default.

    Returns:
        float32, (H, W) for a mosaic or a monochrome sensor, (H, W, 3) for a LinearRaw.

    Raises:
        CorruptFileError: the white level is not above every black level.
        ValueError: the black levels do not fit the cell.
    """
    black = _black_cell(frame)
    if not float(black.max()) < frame.white_level:
        raise CorruptFileError(
            f"the white level {frame.white_level:g} is not above the black level {black.max():g}; "
            "the file's level tags are wrong; convert it again from the original"
        )
    samples = frame.samples.reshape(frame.height, -1)
    values = np.empty(samples.shape, np.float32) if out is None else out.reshape(samples.shape)
    black_rows = [np.resize(levels, samples.shape[1]) for levels in black]
    ranges = [np.float32(frame.white_level) - black_row for black_row in black_rows]

    def normalise_strip(strip: slice) -> None:
        for row, (black_row, length) in enumerate(zip(black_rows, ranges, strict=True)):
            rows = slice(strip.start + row, strip.stop, len(black))
            np.subtract(samples[rows], black_row, out=values[rows], dtype=np.float32)
            values[rows] /= length

    in_strips(normalise_strip, len(samples), len(black), each)
    return values.reshape(frame.samples.shape)


def _black_cell(frame: RawFrame) -> AnyArray:
    """The black levels as a float32 cell that repeats over the samples, channels side by side."""
    if frame.cfa is not None:
        shape = (len(frame.cfa.cell), len(frame.cfa.cell[0]))
    else:
        shape = (1, 1 if frame.samples.ndim == 2 else int(frame.samples.shape[2]))
    if len(frame.black_level) != shape[0] * shape[1]:
        raise ValueError(f"{len(frame.black_level)} black levels for a cell of {shape[0]} x {shape[1]}")
    return np.array(frame.black_level, np.float32).reshape(shape)
