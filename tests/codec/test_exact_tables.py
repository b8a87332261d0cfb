"""Bins, contexts and noise digits against their definitions."""

import math

import numpy as np

from rawtool.codec import exact_tables


def test_there_are_four_bins_to_a_doubling():
    bins = exact_tables.bin_of_size()

    assert bins.shape == (exact_tables.N_SIZES,)
    for size in (1, 2, 3, 16, 17, 100, 1023, 1024, 40_000, 65_535):
        assert bins[size] == math.floor(4 * math.log2(size))
    assert bins[0] == 0


def test_every_bin_and_phase_has_a_context_of_its_own():
    bins, phases = np.meshgrid(np.arange(64, dtype=np.uint8), np.arange(4))
    contexts = exact_tables.contexts_of(bins, phases)

    assert set(contexts[:, :20].ravel()) == set(range(80))
    assert (contexts[:, 20:] == np.arange(80, exact_tables.N_CONTEXTS)).all()


def test_large_residuals_leave_four_to_eight_symbols_to_their_size():
    for size in (200, 3000, 60_000):
        context = exact_tables.contexts_of(exact_tables.bin_of_size()[[size]], np.array([0]))
        assert 4 <= size / 16 / 2 ** exact_tables.n_noise_digits()[context][0] < 8
    assert exact_tables.n_noise_digits()[:80].max() == 0
