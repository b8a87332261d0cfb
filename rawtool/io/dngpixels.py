"""The stored codes of a DNG by tifffile and imagecodecs: what LibRaw refuses or rounds.

Deflated and JPEG XL mosaics, floating point, BigTIFF, very small pictures.
"""

import logging
from pathlib import Path

import numpy as np
import tifffile

from rawtool.arrays import AnyArray
from rawtool.errors import CorruptFileError, MemoryLimitError, UnsupportedRawError
from rawtool.io.dngtags import DngPicture

_VC5 = 9


def read_codes(path: Path, picture: DngPicture) -> AnyArray:
    """Return the whole stored picture, (H, W) or (H, W, 3), uint16 or float32, linearised.

    Raises:
        UnsupportedRawError: a compression that nobody here decodes.
        CorruptFileError: the compressed data are damaged.
        MemoryLimitError: memory ran out.
    """
    if picture.compression == _VC5:
        raise UnsupportedRawError(
            "GoPro's VC-5 compression is not supported; convert the file with Adobe DNG Converter"
        )
    try:
        codes = _decode(path, picture.directory.offset)
    except MemoryError as error:
        raise MemoryLimitError(
            f"not enough memory for {picture.width}x{picture.height} pixels; close other programs"
        ) from error
    except (KeyError, NotImplementedError) as error:
        raise UnsupportedRawError(
            f"nothing here decodes DNG compression {picture.compression}; "
            "convert the file with Adobe DNG Converter"
        ) from error
    except Exception as error:  # tifffile and the codecs share no base class
        reason = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        raise CorruptFileError(
            f"the picture data are damaged ({reason}); copy the file again from the card"
        ) from error
    return _linear(_shaped(codes, picture), picture.linearization)


def _decode(path: Path, offset: int) -> AnyArray:
    """Return the page whose directory stands at an offset; what matters of damage is raised, not logged."""
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    with tifffile.TiffFile(path) as tiff:
        pages = [page for page in tiff.pages if isinstance(page, tifffile.TiffPage)]
        pages += [sub for page in pages for sub in page.pages or () if isinstance(sub, tifffile.TiffPage)]
        page = next((page for page in pages if page.offset == offset), None)
        if page is None:
            raise ValueError("its directory is not reachable")
        return np.asarray(page.asarray())


def _shaped(codes: AnyArray, picture: DngPicture) -> AnyArray:
    """Return (H, W) for one sample and (H, W, samples) else."""
    if codes.ndim == 3 and codes.shape[0] == picture.n_samples and codes.shape[2] != picture.n_samples:
        codes = np.moveaxis(codes, 0, 2)
    shape = (picture.height, picture.width)
    expected = shape if picture.n_samples == 1 else (*shape, picture.n_samples)
    if codes.size != np.prod(expected):
        raise CorruptFileError(
            f"the data decode to {codes.shape} instead of {expected}; copy the file again from the card"
        )
    return codes.reshape(expected)


def _linear(codes: AnyArray, table: tuple[int, ...] | None) -> AnyArray:
    """Return uint16 counts or float32, after the LinearizationTable; codes beyond it take its last value."""
    if codes.dtype.kind == "f":
        return codes.astype(np.float32, copy=False)
    if table:
        counts = np.asarray(table, np.uint16)
        return counts[np.minimum(codes, len(counts) - 1)]
    return codes.astype(np.uint16, copy=False) if codes.dtype.itemsize <= 2 else codes.astype(np.float32)
