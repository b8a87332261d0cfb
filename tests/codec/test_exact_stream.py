"""What a Writer wrote comes back from a Reader."""

import numpy as np
import pytest

from rawtool.codec.exact_model import Expectation
from rawtool.codec.exact_stream import Reader, Writer
from rawtool.codec.exact_tables import N_CONTEXTS
from rawtool.errors import DamagedSidecarError


def drawn(seed: int, shape: tuple[int, int] = (40, 30)) -> tuple[np.ndarray, Expectation]:
    source = np.random.default_rng(seed)
    contexts = source.integers(0, N_CONTEXTS, shape).astype(np.uint8)
    residuals = np.rint(source.normal(size=shape) * 2.0 ** ((contexts - 60.0) / 4 - 3)).astype(np.int32)
    return residuals, Expectation(np.zeros(shape, np.int32), contexts, source.random(shape) < 0.5)


def written() -> bytes:
    writer = Writer()
    writer.add_numbers(np.array([[5, -9], [70_000, 0]], np.int32))
    for seed in range(3):
        writer.add(*drawn(seed))
    writer.add_numbers(np.array([-1], np.int32))
    return writer.dumps()


def read(content: bytes) -> bool:
    """Whether everything comes back."""
    reader = Reader(content)
    is_same = reader.take_numbers((2, 2)).tolist() == [[5, -9], [70_000, 0]]
    for seed in range(3):
        residuals, expected = drawn(seed)
        is_same &= np.array_equal(reader.take(expected), residuals)
    is_same &= reader.take_numbers((1,)).tolist() == [-1]
    reader.finish()
    return bool(is_same)


def test_numbers_and_residuals_come_back():
    assert read(written())


def test_residuals_out_of_reach_come_back():
    residuals = np.array([[65535, -65535, 0, 300]], np.int32)
    expected = Expectation(residuals, np.array([[0, 70, 90, 123]], np.uint8), np.zeros((1, 4), bool))
    writer = Writer()
    writer.add(residuals, expected)

    assert np.array_equal(Reader(writer.dumps()).take(expected), residuals)


def test_cut_and_flipped_bytes_are_noticed():
    content = written()
    for length in (*range(0, len(content), 301), len(content) - 1):
        with pytest.raises(DamagedSidecarError):
            read(content[:length])
    for at in range(0, len(content), 211):
        try:
            assert not read(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        except DamagedSidecarError:
            continue


def test_what_is_left_over_is_noticed():
    reader = Reader(written())
    reader.take_numbers((5,))

    with pytest.raises(DamagedSidecarError):
        reader.finish()
    with pytest.raises(DamagedSidecarError, match="too few weights"):
        reader.take_numbers((1,))
