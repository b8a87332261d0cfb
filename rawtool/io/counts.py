"""Samples as plain arrays: what a script reads when it wants no raw developer."""

from pathlib import Path

import numpy as np
import tifffile

from rawtool.arrays import AnyArray
from rawtool.errors import OutputError
from rawtool.io.publish import publish
from rawtool.vocabulary import Format


def write_counts(samples: AnyArray, target: Path, kind: Format, *, overwrite: bool = False) -> None:
    """Write samples (H, W) or (H, W, 3) as they are, as TIFF (deflated) or NPY.

    Raises:
        OutputExistsError: the target exists and overwrite is off.
        OutputError: it cannot be written.
    """
    if kind not in (Format.TIFF, Format.NPY):
        raise ValueError(f"{kind.value} does not hold plain samples")
    write = _write_npy if kind is Format.NPY else _write_tiff
    publish(lambda path: write(path, samples), target, overwrite=overwrite)


def _write_npy(path: Path, samples: AnyArray) -> None:
    with path.open("wb") as stream:
        np.save(stream, samples, allow_pickle=False)


def _write_tiff(path: Path, samples: AnyArray) -> None:
    photometric = "rgb" if samples.ndim == 3 else "minisblack"
    try:
        tifffile.imwrite(
            path, samples, photometric=photometric, compression="zlib", predictor=True, metadata=None
        )
    except ValueError as error:
        raise OutputError(f"the TIFF cannot be written ({error}); use --format npy") from error
