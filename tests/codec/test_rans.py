"""Entropy coding: what is written comes back, costs what it should, and damage is noticed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.codec import rans
from rawtool.codec.tables import Tables, fitted_tables, gaussian_scales, gaussian_tables
from rawtool.errors import DamagedSidecarError

INT32 = st.integers(-(2**31), 2**31 - 1)
SMALL = fitted_tables(-2, np.array([[10, 70, 0, 20, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]]))


def drawn(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Symbols of all Gaussians and their rows."""
    source = np.random.default_rng(seed)
    rows = source.integers(0, 64, n)
    return np.rint(source.normal(size=n) * gaussian_scales()[rows]).astype(np.int32), rows


def n_ideal_bytes(symbols: np.ndarray, rows: np.ndarray, tables: Tables) -> float:
    shares = np.diff(tables.cumulative.astype(np.int64), axis=1)[rows, symbols - tables.lowest]
    return float((16 - np.log2(shares)).sum() / 8)


@given(st.lists(st.tuples(st.integers(-6, 6) | INT32, st.integers(0, 2)), max_size=80))
def test_any_number_comes_back(pairs):
    symbols = np.array([symbol for symbol, _ in pairs], np.int64)
    rows = np.array([row for _, row in pairs], np.int64)

    back = rans.decode(rans.encode(symbols, rows, SMALL), rows, SMALL)

    assert back.dtype == np.int32
    assert np.array_equal(back, symbols)


@pytest.mark.parametrize("n", [0, 1, 1000, 4097, 300_001])
def test_streams_of_all_lengths_come_back_at_the_cost_of_their_entropy(n):
    symbols, rows = drawn(n)
    content = rans.encode(symbols, rows, gaussian_tables())

    assert np.array_equal(rans.decode(content, rows, gaussian_tables()), symbols)
    assert len(content) <= 1.008 * n_ideal_bytes(symbols, rows, gaussian_tables()) + 8


def test_parts_may_depend_on_each_other():
    symbols, rows = drawn(5000, 1)
    parts = np.split(symbols, [0, 7, 2000]), np.split(rows, [0, 7, 2000])
    decoder = rans.Decoder(rans.encode_parts(*parts, gaussian_tables()), gaussian_tables())

    for part, row in zip(*parts, strict=True):
        assert np.array_equal(decoder.take(row), part)
    decoder.finish()


def test_many_symbols_take_many_lanes():
    streams = [rans.encode(*drawn(n), gaussian_tables()) for n in (10, 40_000, 2_000_000)]

    assert [1 << stream[0] for stream in streams] == [1, 16, 1024]


def test_the_same_symbols_give_the_same_bytes_as_ever():
    symbols, rows = drawn(40, 5)
    golden = "000000902f0e0065c3bb1f0f08ed3dba0d"

    assert rans.encode(symbols, rows, gaussian_tables()).hex() == golden


def test_every_cut_and_every_flipped_bit_is_noticed():
    symbols, rows = drawn(400, 2)
    symbols[[10, 70]] = 1000, -70_000
    content = rans.encode(symbols, rows, gaussian_tables())
    flips = [(at, bit) for at in (*range(24), len(content) // 2, len(content) - 1) for bit in (0, 3, 7)]
    flipped = [content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :] for at, bit in flips]
    cut = [content[:length] for length in (*range(12), len(content) - 2, len(content) - 1)]

    for damaged in [*cut, content + b"00", content + b"0"]:
        with pytest.raises(DamagedSidecarError):
            rans.decode(damaged, rows, gaussian_tables())
    # A number in the list of escapes has no check of its own: the container's CRC guards it.
    for damaged in flipped:
        assert is_refused_or_differs(damaged, rows, symbols)


def is_refused_or_differs(content: bytes, rows: np.ndarray, symbols: np.ndarray) -> bool:
    try:
        return not np.array_equal(rans.decode(content, rows, gaussian_tables()), symbols)
    except DamagedSidecarError:
        return True


@given(st.binary(max_size=300))
def test_noise_is_refused_without_a_crash(content):
    with pytest.raises(DamagedSidecarError):
        rans.decode(content, np.zeros(10_000, np.int64), gaussian_tables())


def test_rows_other_than_the_writers_are_noticed():
    symbols, rows = drawn(2000, 3)
    content = rans.encode(symbols, rows, gaussian_tables())

    for others in (rows[:-1], rows[::-1], np.append(rows, 0)):
        with pytest.raises(DamagedSidecarError):
            rans.decode(content, others, gaussian_tables())
