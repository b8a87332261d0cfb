"""Frequency tables: shipped ones against their formula, fitted ones against what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rawtool.codec import tables
from rawtool.codec.tables import TOTAL, fitted_tables, gaussian_tables
from rawtool.errors import DamagedSidecarError

COUNTS = arrays(np.int64, st.tuples(st.integers(1, 4), st.integers(1, 40)), elements=st.integers(0, 10**9))


def frequencies(table: tables.Tables) -> np.ndarray:
    return np.diff(table.cumulative.astype(np.int64), axis=1)


def test_the_shipped_tables_are_the_formula_to_one_share():
    shipped, made = gaussian_tables(), tables.make_gaussian_tables()

    assert shipped.lowest == made.lowest
    assert np.abs(frequencies(shipped) - frequencies(made)).max() <= 1


def test_the_shipped_tables_belong_to_the_decoder_and_never_change():
    content = gaussian_tables().cumulative

    assert content.shape == (64, 325)
    assert content.dtype == np.uint32
    assert content[40, 150:176:5].tolist() == [0, 7, 12196, 64308, 65533, 65535]


def test_every_gaussian_adds_up_and_reaches_five_scales():
    shares = frequencies(gaussian_tables())
    numbers = np.arange(shares.shape[1] - 1) + gaussian_tables().lowest
    is_near = np.abs(numbers) <= 5 * tables.gaussian_scales()[:, None]

    assert (shares.sum(axis=1) == TOTAL).all()
    assert (shares[:, :-1][is_near] >= 1).all()
    assert (shares[:, -1] >= 1).all()


def test_a_gaussian_costs_hardly_more_than_its_entropy():
    scales = tables.gaussian_scales()
    for row in (0, 20, 40, 63):
        numbers = np.rint(np.random.default_rng(row).normal(size=100_000) * scales[row]).astype(int)
        shares = np.bincount(numbers - gaussian_tables().lowest, minlength=324)
        mine = 16 - np.log2(np.maximum(frequencies(gaussian_tables())[row], 1))
        best = -np.log2(np.maximum(shares, 1) / shares.sum())
        assert (shares * (mine - best)).sum() / shares.sum() < 0.005


@given(COUNTS)
def test_fitted_tables_add_up_and_leave_out_what_was_never_seen(counts):
    shares = frequencies(fitted_tables(-3, counts))

    assert (shares.sum(axis=1) == TOTAL).all()
    assert ((shares[:, :-1] > 0) >= (counts[:, :-1] > 0)).all()
    assert (shares[:, -1] > 0).all()
    is_used = counts.sum(axis=1) > 0
    assert (shares[is_used, :-1][counts[is_used, :-1] == 0] == 0).all()


def test_fitted_tables_follow_the_counts():
    shares = frequencies(fitted_tables(0, np.array([[750, 250, 0], [0, 0, 0]])))

    assert shares[0] / TOTAL == pytest.approx([0.75, 0.25, 0], abs=0.01)
    assert shares[1].tolist() == [0, 0, TOTAL]


@given(COUNTS, st.integers(-(2**31), 2**31 - 1))
def test_tables_come_back_from_their_bytes(counts, lowest):
    made = fitted_tables(lowest, counts)
    back = tables.loads(tables.dumps(lowest, counts))

    assert back.lowest == lowest
    assert back.cumulative.dtype == np.uint32
    assert np.array_equal(back.cumulative, made.cumulative)


def test_damaged_tables_are_refused_or_at_least_tables():
    content = tables.dumps(-2, np.array([[5, 90, 7, 0], [5, 5, 4000, 2]]))

    for length in range(len(content)):
        with pytest.raises(DamagedSidecarError, match="damaged"):
            tables.loads(content[:length])
    for at, bit in np.ndindex(len(content), 8):
        assert is_refused_or_sound(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])


def is_refused_or_sound(content: bytes) -> bool:
    try:
        shares = frequencies(tables.loads(content))
    except DamagedSidecarError:
        return True
    return (shares.sum(axis=1) == TOTAL).all() and (shares >= 0).all() and (shares[:, -1] > 0).all()
