"""Frames to DNG: a mosaic or a LinearRaw picture, losslessly compressed, as all readers want it.

Lossless JPEG tiles with predictor 1; black level per position of the cell; the ForwardMatrix that makes
Adobe agree with everybody else. LinearRaw is always written with black 0 and white 65535, the only
levels that all readers treat alike. Source: DNG 1.7.1.
"""

import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np

from rawtool.arrays import AnyArray, Rgb8
from rawtool.errors import UsageError
from rawtool.frames import Capture, Provenance, RawFrame
from rawtool.io.dngmatrices import color_entries
from rawtool.io.exif import ascii_entry, block_with, loads, long_entry, minimal_block, short_entry
from rawtool.io.opcodes import pack_gain_maps
from rawtool.io.publish import publish
from rawtool.io.tiffdir import Entry
from rawtool.io.tiffwriter import TILE_TAGS, Inner, byte_entry, rational_entry, write_tiff
from rawtool.io.xmp import xmp_packet
from rawtool.vocabulary import SensorKind

_TILE = 512
_WHITE = 65535
# Where a floating-point mosaic keeps black, so that noise below it survives.
_FLOAT_BLACK = 4096
_CFA, _LINEAR_RAW, _YCBCR = 32803, 34892, 6
_SRGB = 2
_PREVIEW_QUALITY = 85


def write_dng(
    frame: RawFrame,
    target: Path,
    *,
    provenance: Provenance | None = None,
    keeps_levels: bool = False,
    preview: Rgb8 | None = None,
    overwrite: bool = False,
) -> None:
    """Write a frame. Whole-number mosaics are stored bit for bit, everything else rounded to 16 bits.

    LinearRaw values outside black to white are clipped; keeps_levels stores uint16 ones bit for bit, between
    their own levels. Orientation and crop stay tags. preview (h, w, 3) is display-encoded sRGB, as the sensor
    lies: what file managers show.

    Raises:
        UsageError: nothing says how the samples turn into colour.
        OutputExistsError: the target exists and overwrite is off.
        OutputError: it cannot be written.
    """
    if not keeps_levels or frame.samples.dtype != np.uint16:
        frame = with_whole_numbers(frame)
    if frame.kind is not SensorKind.MONOCHROME and not frame.capture.matrices:
        raise UsageError("the input has no colour matrix, which a DNG needs; use --format tiff")
    software = provenance.software if provenance else None
    capture = frame.capture
    block = loads(
        block_with(capture.exif or minimal_block(capture), software=software, orientation=capture.orientation)
    )
    entries = [*_picture_entries(frame, block.order), *_capture_entries(frame, block.order)]
    if capture.matrices:
        entries += color_entries(capture, block.order)
    xmp = xmp_packet(provenance, capture.xmp, orientation=capture.orientation)
    entries += [byte_entry(700, xmp)] if xmp else []
    tiles = _tiles(frame.samples)
    inner = None if preview is None else _inner(preview, block.order)
    publish(
        lambda path: write_tiff(path, block, entries, tiles, TILE_TAGS, inner), target, overwrite=overwrite
    )


def with_whole_numbers(frame: RawFrame) -> RawFrame:
    """Return the frame as uint16: mosaics of counts as they are, LinearRaw from 0 to 65535."""
    if frame.cfa is not None and frame.samples.dtype == np.uint16:
        return frame
    lowest, highest = (0, _WHITE) if frame.cfa is None else (_FLOAT_BLACK, _WHITE)
    black = _black_plane(frame)
    is_stored_so = frame.samples.dtype == np.uint16 and not np.any(black) and frame.white_level == _WHITE
    if is_stored_so and lowest == 0:
        return frame
    scaled = (frame.samples - black) / (frame.white_level - black) * np.float32(
        highest - lowest
    ) + np.float32(lowest)
    samples = np.clip(np.rint(scaled), 0, _WHITE).astype(np.uint16)
    levels = (float(lowest),) * len(frame.black_level)
    return replace(frame, samples=samples, black_level=levels, white_level=float(highest))


def _black_plane(frame: RawFrame) -> AnyArray:
    """Return the black level of every sample, to be broadcast."""
    levels = np.asarray(frame.black_level, np.float32)
    if frame.cfa is None:
        return levels if frame.samples.ndim == 3 else levels[:1]
    rows, columns = len(frame.cfa.cell), len(frame.cfa.cell[0])
    repeats = -(-frame.height // rows), -(-frame.width // columns)
    return np.tile(levels.reshape(rows, columns), repeats)[: frame.height, : frame.width]


def _tile_shape(height: int, width: int) -> tuple[int, int]:
    """Return a tile's rows and columns: multiples of 16, and no wider than the picture.

    LibRaw and dcraw wrap the rows of a lossless JPEG at the width of the picture if that is less, and
    misread tiles of two components that are exactly half as wide as the picture.
    """
    narrow = width if width % 16 == 0 else _ceiled(-(-width // 2))
    wide = _TILE // 2 if width == 2 * _TILE else _TILE
    return min(_TILE, _ceiled(height)), wide if width >= _TILE else narrow


def _ceiled(length: int) -> int:
    """Return the next multiple of 16."""
    return -(-length // 16) * 16


def _tiles(samples: AnyArray) -> list[bytes]:
    """Return lossless JPEG tiles; two columns of a mosaic count as two components, so like predicts like."""
    height, width = samples.shape[:2]
    rows, columns = _tile_shape(height, width)
    corners = [(top, left) for top in range(0, height, rows) for left in range(0, width, columns)]

    def encode(corner: tuple[int, int]) -> bytes:
        tile = samples[corner[0] : corner[0] + rows, corner[1] : corner[1] + columns]
        missing = [(0, rows - tile.shape[0]), (0, columns - tile.shape[1])]
        tile = np.pad(tile, [*missing, (0, 0)] if tile.ndim == 3 else missing, mode="edge")
        if tile.ndim == 2:
            tile = tile.reshape(rows, columns // 2, 2)
        tile = np.ascontiguousarray(tile)
        return bytes(
            imagecodecs.jpeg8_encode(
                tile, lossless=True, predictor=1, bitspersample=16, colorspace=0, outcolorspace=0
            )
        )

    with ThreadPoolExecutor() as pool:
        return list(pool.map(encode, corners))


def _inner(preview: Rgb8, order: str) -> Inner:
    """Return a preview as a JPEG with its tags."""
    height, width = preview.shape[:2]
    pixels = np.ascontiguousarray(preview)
    entries = (
        long_entry(order, 254, 1),
        long_entry(order, 256, width),
        long_entry(order, 257, height),
        short_entry(order, 258, 8, 8, 8),
        short_entry(order, 259, 7),
        short_entry(order, 262, _YCBCR),
        short_entry(order, 277, 3),
        long_entry(order, 278, height),
        short_entry(order, 284, 1),
        short_entry(order, 530, 2, 2),
        long_entry(order, 50970, _SRGB),
    )
    return Inner(entries, bytes(imagecodecs.jpeg8_encode(pixels, level=_PREVIEW_QUALITY, subsampling="420")))


def _picture_entries(frame: RawFrame, order: str) -> list[Entry]:
    """Return the tags that describe the samples."""
    n_samples = 1 if frame.samples.ndim == 2 else 3
    rows, columns = _tile_shape(frame.height, frame.width)
    top, left, height, width = frame.crop
    levels = [rational_entry(order, 50714, frame.black_level, is_signed=False)]
    cell = frame.cfa.cell if frame.cfa else None
    if cell:
        colors = bytes(color for row in cell for color in row)
        dimensions = len(cell), len(cell[0])
        levels += [
            short_entry(order, 33421, *dimensions),
            byte_entry(33422, colors),
            byte_entry(50710, b"\0\1\2"),
            short_entry(order, 50711, 1),
            short_entry(order, 50713, *dimensions),
        ]
    return [
        long_entry(order, 254, 0),
        long_entry(order, 256, frame.width),
        long_entry(order, 257, frame.height),
        short_entry(order, 258, *[16] * n_samples),
        short_entry(order, 259, 7),
        short_entry(order, 262, _CFA if cell else _LINEAR_RAW),
        short_entry(order, 277, n_samples),
        short_entry(order, 284, 1),
        long_entry(order, 322, columns),
        long_entry(order, 323, rows),
        *levels,
        long_entry(order, 50717, *[round(frame.white_level)] * n_samples),
        long_entry(order, 50829, 0, 0, frame.height, frame.width),
        long_entry(order, 50719, left, top),
        long_entry(order, 50720, width, height),
    ]


def _capture_entries(frame: RawFrame, order: str) -> list[Entry]:
    """Return the tags that describe the camera and the shot, but for colour."""
    capture = frame.capture
    entries = [
        byte_entry(50706, bytes((1, 4, 0, 0))),
        byte_entry(50707, bytes((1, 3 if frame.gain_maps else 1, 0, 0))),
        ascii_entry(50708, _camera_name(capture)),
        rational_entry(order, 50730, [capture.baseline_exposure_ev], is_signed=True),
    ]
    if capture.noise_profile:
        entries.append(Entry(51041, 12, 2, struct.pack(order + "2d", *capture.noise_profile), 0))
    if frame.gain_maps:
        entries.append(byte_entry(51009, pack_gain_maps(frame.gain_maps), kind=7))
    return entries


def _camera_name(capture: Capture) -> str:
    """Return maker and model without saying the maker twice."""
    if capture.model.lower().startswith(capture.make.lower()):
        return capture.model or "unknown"
    return f"{capture.make} {capture.model}".strip()
