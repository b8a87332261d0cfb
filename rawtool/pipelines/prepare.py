"""What Restore-Net sees: one set of functions for training and for developing, so that they cannot drift.

The picture has four channels: white-balanced XYZ from the initial demosaic, and the balanced mosaic
itself. A sensor without an RGGB mosaic gets one sampled from its demosaicked colours, and says so in
the condition. Pictures always begin on a red site.
"""

import numpy as np

from rawtool.arrays import AnyArray, Layers, Matrix3, Rgb, Vector, Vector3
from rawtool.color.matrices import apply_matrix
from rawtool.frames import Cfa
from rawtool.sensor.cfa import RGGB, rolled, sample_mosaic
from rawtool.sensor.demosaic import MARGIN, demosaic
from rawtool.sensor.noise import NoiseModel
from rawtool.sensor.strips import Each, in_strips

CONDITION_SIZE = 8
"""Shot and read of the three balanced channels, then: is a Bayer mosaic, has all colours at every site."""


def balance_samples(
    samples: AnyArray, cfa: Cfa | None, gains: Vector3, *, out: AnyArray | None = None, each: Each = map
) -> AnyArray:
    """Multiply samples (H, W) or (H, W, 3) by white-balance gains and cut at 1.

    The smallest gain is 1, so what any channel clipped becomes white. The first sample stands on the
    cell's first site. out is where the result goes, the samples themselves for example; each works on
    strips of rows of a mosaic, one after the other by default.
    """
    balanced = np.empty_like(samples) if out is None else out
    white = np.float32(1.0)
    if samples.ndim == 3:
        return np.minimum(samples * gains.astype(np.float32), white, out=balanced)
    if cfa is None:
        return np.minimum(samples, white, out=balanced)
    cell_rows = [np.resize(gains[list(colors)].astype(np.float32), samples.shape[1]) for colors in cfa.cell]

    def balance_strip(strip: slice) -> None:
        for row, gains_across in enumerate(cell_rows):
            rows = slice(strip.start + row, strip.stop, len(cell_rows))
            np.minimum(samples[rows] * gains_across, white, out=balanced[rows])

    in_strips(balance_strip, len(samples), len(cell_rows), each)
    return balanced


def demosaic_balanced(balanced: AnyArray, cfa: Cfa | None) -> Rgb:
    """Interpolate balanced samples to (H, W, 3); a monochrome frame is grey."""
    if balanced.ndim == 3:
        return balanced
    if cfa is None:
        return np.repeat(balanced[..., None], 3, axis=2)
    return demosaic(balanced, cfa)


def restore_input(balanced: AnyArray, cfa: Cfa | None, xyz_from_balanced: Matrix3) -> Layers:
    """Build Restore-Net's picture (H, W, 4): XYZ D65 and the RGGB mosaic, 1 = white level."""
    rgb = demosaic_balanced(balanced, cfa)
    is_rggb = cfa is not None and cfa.cell == RGGB.cell
    mosaic = balanced if is_rggb else sample_mosaic(rgb, RGGB)
    planes = np.empty((4, *mosaic.shape), dtype=np.float32)
    apply_matrix(xyz_from_balanced, rgb, out=planes[:3])
    planes[3] = mosaic
    return np.moveaxis(planes, 0, 2)


def restore_window(
    balanced: AnyArray, cfa: Cfa | None, xyz_from_balanced: Matrix3, area: tuple[int, int, int, int]
) -> Layers:
    """Build a window (top, left, height, width) of Restore-Net's picture; equal to a cut from the whole."""
    top, left, height, width = area
    # An even number of lines around the window feeds the interpolation and keeps the phase.
    first_row, first_column = max(top - MARGIN, 0), max(left - MARGIN, 0)
    window = balanced[first_row : top + height + MARGIN, first_column : left + width + MARGIN]
    seen = None if cfa is None else rolled(cfa, first_row, first_column)
    picture = restore_input(window, seen, xyz_from_balanced)
    row, column = top - first_row, left - first_column
    return picture[row : row + height, column : column + width]


def restore_condition(noise: NoiseModel, gains: Vector3, cfa: Cfa | None) -> Vector:
    """Tell Restore-Net the noise of each balanced channel and how colour was sampled (CONDITION_SIZE)."""
    is_bayer = cfa is not None and cfa.pattern is not None
    shot, read = noise.shot * gains, noise.read * gains**2
    return np.concatenate([shot, read, [float(is_bayer), float(cfa is None)]]).astype(np.float32)
