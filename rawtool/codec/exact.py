"""Samples without loss, or with a bound on every error, beside a picture of the same scene.

Decoding is whole numbers only and gives the same samples on every machine. Samples become ranks of levels
(`exact_levels`), planes and passes say what is known when (`exact_grid`, `exact_walk`), weighted sums say
what is expected (`exact_model`), and what is left is coded by context (`exact_tables`, `exact_stream`).
"""

import zlib
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.codec import exact_grid, exact_levels
from rawtool.codec.exact_fit import default_weights, fit_knots, fit_weights
from rawtool.codec.exact_grid import Pass
from rawtool.codec.exact_model import (
    N_SIZE_FEATURES,
    Expectation,
    Surroundings,
    Weights,
    expect,
    n_class_sides,
)
from rawtool.codec.exact_stream import Reader, Writer
from rawtool.codec.exact_walk import N_KNOTS, Scene, choose_order, walk
from rawtool.codec.numbers import damaged, read_varint, varint

MOST_ERROR = (1 << 15) - 1
_FORMAT = 1
_MIN_TO_FIT = 256
_MOST_SAMPLES = 1 << 29
_MOST_CELL = 16
_N_CHECK_BYTES = 4
# A symbol costs at least log2(65536 / 65535) bits.
_MOST_SAMPLES_PER_BYTE = 1 << 19


def encode_exact(
    samples: AnyArray, cell_shape: tuple[int, int], guide: AnyArray | None, max_error: int = 0
) -> bytes:
    """Code uint16 samples so that each comes back within max_error of what it is; 0 is exactly.

    Samples are (H, W), a mosaic with a cell of cell_shape, (1, 1) for monochrome, or (H, W, 3). The guide,
    uint8 (H, W, 3), shows the same scene on the same grid; the decoder needs the very same one.

    Raises:
        ValueError: the samples are none, or no uint16, or the guide has another size.
    """
    if samples.dtype != np.uint16 or not samples.size or not 0 <= max_error <= MOST_ERROR:
        raise ValueError("samples are uint16, at least one, and errors less than half their range")
    if guide is not None and guide.shape != (*samples.shape[:2], 3):
        raise ValueError(f"the guide has another size: {guide.shape} for {samples.shape}")
    picture = samples if samples.ndim == 3 else samples[..., None]
    cell_shape = cell_shape if samples.ndim == 2 else (1, 1)
    scene = Scene(picture.shape, cell_shape, choose_order(picture, cell_shape), (), guide)
    planes = [exact_grid.cut_plane(picture, site, scene.plane_shape) for site in scene.sites]
    levels = tuple(exact_levels.choose_levels(plane, max_error) for plane in planes)
    scene = replace(scene, levels=levels)
    ranks = list(map(exact_levels.ranks_of, planes, levels))
    return _dumps_scene(scene) + _encode_ranks(scene, ranks) + _check_of(_samples_of(scene, iter(ranks)))


def decode_exact(content: bytes, guide: AnyArray | None) -> AnyArray:
    """Return the samples that were coded, uint16 (H, W) or (H, W, 3).

    Raises:
        DamagedSidecarError: the content is not what was written, or was written beside another guide.
    """
    scene, at = _loads_scene(content, guide)
    coded, check = content[at:-_N_CHECK_BYTES], content[-_N_CHECK_BYTES:]
    samples = _decode_samples(scene, coded)
    if _check_of(samples) != check:
        raise damaged("they are not those that were written, or the base picture is another one")
    return samples if scene.shape[2] == 3 else samples[..., 0]


def _samples_of(scene: Scene, ranks: Iterator[AnyArray]) -> AnyArray:
    """Put planes of ranks together as samples, uint16 (H, W, C)."""
    samples = np.empty(scene.shape, np.uint16)
    for site, levels, plane in zip(scene.sites, scene.levels, ranks, strict=True):
        exact_grid.paste_plane(samples, site, levels[plane])
    return samples


def _check_of(samples: AnyArray) -> bytes:
    """Return the CRC-32 of samples as they come back."""
    return zlib.crc32(np.ascontiguousarray(samples, "<u2").data).to_bytes(_N_CHECK_BYTES, "little")


# Writing.


@dataclass(frozen=True, slots=True)
class _Encoder:
    """Knows the planes in their order, and writes down what the decoder cannot know."""

    scene: Scene
    planes: list[AnyArray]
    writer: Writer
    executor: Executor

    def knots(self, number: int, guide: AnyArray) -> AnyArray:
        """Fit the bends of a plane's guide and write them down."""
        fitted = fit_knots(self.planes[number], guide, N_KNOTS)
        self.writer.add_numbers(fitted)
        return fitted

    def residuals(self, number: int, around: Surroundings, which: Pass) -> tuple[Expectation, AnyArray]:
        """Fit the weights of a pass, and write them and the residuals down."""
        truth, n_levels = self.planes[number][which.slices()], len(self.scene.levels[number])
        expected = expect(around, self._weights(around, truth, n_levels), n_levels, self.executor)
        off = truth - expected.ranks
        self.writer.add(off, expected)
        return expected, off

    def _weights(self, around: Surroundings, truth: AnyArray, n_levels: int) -> Weights:
        if _is_too_small(around):
            return default_weights(len(around.known))
        weights = fit_weights(around, truth, n_levels)
        for numbers in (weights.borders, weights.ranks, weights.sizes):
            self.writer.add_numbers(numbers)
        return weights


def _encode_ranks(scene: Scene, planes: list[AnyArray]) -> bytes:
    """Code planes in their order, int32 (h, w) each."""
    writer = Writer()
    with ThreadPoolExecutor() as executor:
        for _ in walk(scene, _Encoder(scene, planes, writer, executor)):
            pass
    return writer.dumps()


def _is_too_small(around: Surroundings) -> bool:
    """Tell whether a pass has too few samples for weights of its own."""
    return around.shape[0] * around.shape[1] < _MIN_TO_FIT


# Reading.


@dataclass(frozen=True, slots=True)
class _Decoder:
    """Reads what the encoder has written down."""

    scene: Scene
    reader: Reader
    executor: Executor

    def knots(self, number: int, guide: AnyArray) -> AnyArray:
        """Read the bends of the next plane's guide."""
        del number, guide
        return self.reader.take_numbers((3, N_KNOTS))

    def residuals(self, number: int, around: Surroundings, which: Pass) -> tuple[Expectation, AnyArray]:
        """Read the weights and the residuals of the next pass."""
        n_levels = len(self.scene.levels[number])
        expected = expect(around, self._weights(around), n_levels, self.executor)
        off = self.reader.take(expected)
        ranks = expected.ranks + off
        if ranks.min() < 0 or ranks.max() >= n_levels:
            raise damaged(f"a sample of the pass at {which.spacing} lies out of its range")
        return expected, off

    def _weights(self, around: Surroundings) -> Weights:
        n_known, n_sides = len(around.known), n_class_sides(around)
        if _is_too_small(around):
            return default_weights(n_known)
        shapes = (2, n_sides - 1), (n_sides**2, n_known + 1), (N_SIZE_FEATURES,)
        return Weights(*(self.reader.take_numbers(shape) for shape in shapes))


def _decode_samples(scene: Scene, content: bytes) -> AnyArray:
    reader = Reader(content)
    with ThreadPoolExecutor() as executor:
        samples = _samples_of(scene, walk(scene, _Decoder(scene, reader, executor)))
    reader.finish()
    return samples


# The head.


def _dumps_scene(scene: Scene) -> bytes:
    numbers = (*scene.shape, *scene.cell_shape, int(scene.guide is not None), *scene.order)
    levels = [exact_levels.dumps_levels(levels) for levels in scene.levels]
    return bytes([_FORMAT]) + b"".join([*map(varint, numbers), *(varint(len(own)) + own for own in levels)])


def _loads_scene(content: bytes, guide: AnyArray | None) -> tuple[Scene, int]:
    """Return the scene, and where its coded ranks begin."""
    if content[:1] != bytes([_FORMAT]):
        raise damaged("they begin as nothing that is known")
    numbers, at = _read_varints(content, 1, 6)
    height, width, n_channels, n_rows, n_columns, has_guide = numbers
    n_samples = height * width * n_channels
    is_cell = 0 < n_rows <= _MOST_CELL and 0 < n_columns <= _MOST_CELL and n_channels in (1, 3)
    if not 0 < n_samples <= _MOST_SAMPLES or not is_cell:
        raise damaged("their size cannot be")
    if has_guide != (guide is not None) or (guide is not None and guide.shape[:2] != (height, width)):
        raise damaged("they were made beside another base picture")
    order, at = _read_varints(content, at, n_rows * n_columns * n_channels)
    if sorted(order) != list(range(len(order))):
        raise damaged("their planes are in no order")
    levels, at = _read_levels(content, at, len(order))
    if max(map(len, levels)) > 1 and n_samples > len(content) * _MOST_SAMPLES_PER_BYTE:
        raise damaged("they are cut short")
    return Scene((height, width, n_channels), (n_rows, n_columns), tuple(order), levels, guide), at


def _read_levels(content: bytes, at: int, n_planes: int) -> tuple[tuple[AnyArray, ...], int]:
    levels = []
    for _ in range(n_planes):
        n_bytes, at = read_varint(content, at)
        levels.append(exact_levels.loads_levels(content[at : at + n_bytes]))
        at += n_bytes
    return tuple(levels), at


def _read_varints(content: bytes, at: int, n_numbers: int) -> tuple[list[int], int]:
    numbers = []
    for _ in range(n_numbers):
        number, at = read_varint(content, at)
        numbers.append(number)
    return numbers, at
