"""Whether a picture shows what a raw shows: the same view, upright, cut alike.

Both are reduced to one small grid of luminances. Ranks take the place of luminances, because no tone
curve changes them, and neighbours are compared, because their differences follow the things in the
picture and hardly its editing.
"""

import numpy as np

from rawtool.arrays import AnyArray, Plane, Rgb8
from rawtool.errors import InputError
from rawtool.frames import RawFrame
from rawtool.io.orientation import upright
from rawtool.sensor.levels import normalise

# Of the camera files at hand: the same picture 0.9 and more, mirrored up to 0.47, others under 0.1.
_SAME = 0.5
_LONGEST_GRID, _LEAST_GRID = 160, 12
_LEAST_SCALE = 0.5
_LUMA = np.array([77, 150, 29], np.float32) / 256


def check_same_view(pixels: Rgb8, frame: RawFrame) -> None:
    """Refuse a picture (upright, 8 bits) that does not show what the frame shows.

    It may have any size from half the frame's on, and be edited in any way that moves nothing.

    Raises:
        InputError: too small, cut otherwise, turned, mirrored, or another picture.
    """
    shown = upright(_shown_luminance(frame), frame.capture.orientation)
    height, width = frame.crop[2:]
    shape = (width, height) if frame.capture.orientation >= 5 else (height, width)
    _check_size((pixels.shape[0], pixels.shape[1]), shape)
    grid = _grid(shown, max(shape))
    wanted, luma = _steps(_reduced(shown, grid)), pixels @ _LUMA
    # Turned by a quarter it has other proportions, which was looked at, unless it is square.
    turns = range(1, 9) if grid[0] == grid[1] else range(1, 5)
    likeness = {turn: _likeness(_steps(_reduced(upright(luma, turn), grid)), wanted) for turn in turns}
    if likeness[1] >= _SAME and likeness[1] == max(likeness.values()):
        return
    if max(likeness.values()) >= _SAME:
        raise InputError("the JPEG is turned or mirrored against the raw; save it upright")
    raise InputError(
        f"the JPEG does not show what the raw shows (likeness {likeness[1]:.2f}, needed {_SAME}); "
        "give the picture that was made from this raw, not cropped and not straightened"
    )


def _check_size(size: tuple[int, int], shape: tuple[int, int]) -> None:
    """Refuse what is too small, or of other proportions than the frame; both are (height, width)."""
    said = f"the JPEG has {size[1]} x {size[0]} pixels, the raw shows {shape[1]} x {shape[0]}"
    if min(size[0] / shape[0], size[1] / shape[1]) < _LEAST_SCALE:
        raise InputError(f"{said}; at least half of that size is needed; use --base develop")
    # A side that was scaled is off by less than a pixel of the smaller picture.
    is_proportional = abs(size[0] * shape[1] - size[1] * shape[0]) <= max(*size, *shape)
    if not is_proportional:
        raise InputError(f"{said}; export the whole picture, not cropped, or use --base develop")


def _shown_luminance(frame: RawFrame) -> Plane:
    """Return the mean of every cell of what the frame shows, in the sensor's orientation."""
    top, left, height, width = frame.crop
    samples = normalise(frame)[top : top + height, left : left + width]
    if samples.ndim == 3:
        return np.ascontiguousarray(samples.mean(axis=2, dtype=np.float32))
    n_rows, n_columns = (len(frame.cfa.cell), len(frame.cfa.cell[0])) if frame.cfa else (1, 1)
    n_rows, n_columns = min(n_rows, height), min(n_columns, width)
    whole = samples[: height // n_rows * n_rows, : width // n_columns * n_columns]
    cells = whole.reshape(height // n_rows, n_rows, width // n_columns, n_columns)
    return cells.mean(axis=(1, 3), dtype=np.float32)


def _grid(shown: Plane, longest: int) -> tuple[int, int]:
    """Return rows and columns to compare on; longest is the longer side of the frame's picture.

    Raises:
        InputError: there is too little to compare.
    """
    # A JPEG of half the size must still have a pixel for every field.
    scale = min(1.0, min(_LEAST_SCALE * longest, _LONGEST_GRID) / max(shown.shape))
    rows, columns = (round(length * scale) for length in shown.shape)
    if min(rows, columns) < _LEAST_GRID:
        raise InputError("the raw is too small to tell whether a JPEG shows the same; use --base develop")
    return rows, columns


def _reduced(plane: Plane, grid: tuple[int, int]) -> AnyArray:
    """Average a plane over the fields of a grid, which has no more rows or columns than it."""
    starts = [np.arange(n) * length // n for n, length in zip(grid, plane.shape, strict=True)]
    sizes = [np.diff(start, append=length) for start, length in zip(starts, plane.shape, strict=True)]
    sums = np.add.reduceat(np.add.reduceat(plane, starts[0], axis=0), starts[1], axis=1)
    return sums / np.outer(*sizes)


def _steps(grid: AnyArray) -> AnyArray:
    """Return the differences of neighbours, down and across, after values became ranks in [0, 1)."""
    order = np.argsort(grid.ravel(), kind="stable")
    flat = np.empty(grid.size)
    flat[order] = np.arange(grid.size) / grid.size
    ranks = flat.reshape(grid.shape)
    return np.concatenate([np.diff(ranks, axis=0).ravel(), np.diff(ranks, axis=1).ravel()])


def _likeness(steps: AnyArray, wanted: AnyArray) -> float:
    """Return the correlation of two lists of differences, which have the mean 0 already."""
    norm = float(np.sqrt((steps @ steps) * (wanted @ wanted)))
    return float(steps @ wanted) / norm if norm else 0.0
