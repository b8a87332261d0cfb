"""Scores of LDR to HDR against their golden values and independent formulas."""

import math

import numpy as np
import pytest

from rawtool.color import transfer
from rawtool.metrics import fidelity, hdr
from rawtool.vocabulary import Profile

ROWS, COLUMNS, CHANNELS = np.mgrid[0:32, 0:48, 0:3]
WAVE = np.sin(0.3 * COLUMNS + 0.2 * ROWS + CHANNELS)


def golden_light():
    """The pair of the golden values: light, truth and the LDR codes of the truth."""
    truth = 0.7 + 0.7 * WAVE
    return 0.95 * truth + 0.02, truth, transfer.quantise(transfer.encode(truth, Profile.SRGB), 8)


def test_the_exposure_factor_has_its_golden_value():
    light, truth, codes = golden_light()

    assert hdr.exposure_factor(light, truth, codes) == pytest.approx(0.899092032, abs=6e-10)
    level = codes.max(axis=2) / 255
    assert int(((level > 0.1) & (level < 0.9)).sum()) == 342


def test_the_challenges_scores_have_their_golden_values():
    truth = 1.5 + 1.5 * WAVE

    score = hdr.challenge_score(0.95 * truth + 0.02, truth)

    assert score.psnr_l == pytest.approx(31.870622, abs=6e-7)
    assert score.psnr_mu == pytest.approx(38.496689, abs=6e-7)


def test_the_challenge_takes_negatives_as_black():
    truth = np.maximum(1.5 * WAVE, 0)
    found = np.where(truth > 0, 0.95 * truth, -0.4)

    assert hdr.challenge_score(found, truth) == hdr.challenge_score(np.maximum(found, 0), truth)
    assert hdr.challenge_score(found, truth).psnr_mu < 100


def test_the_score_follows_the_written_procedure():
    light, truth, codes = golden_light()
    factor = 0.899092032
    codes_pu21 = [transfer.pu21_encode(203 * values) for values in (factor * light, truth)]
    psnr = 10 * math.log10(256**2 / np.square(codes_pu21[0] - codes_pu21[1]).mean())
    weights = [0.212656, 0.715158, 0.072186]
    luminances = [transfer.pu21_encode(203 * (values @ weights)) for values in (factor * light, truth)]
    clipped = codes.max(axis=2) >= 250
    ev = np.abs(np.log2((factor * light @ weights) / (truth @ weights)))[clipped].mean()

    score = hdr.hdr_score(light, truth, codes)

    assert score.psnr == pytest.approx(psnr, abs=1e-6)
    assert score.ssim == pytest.approx(fidelity.ssim(*luminances, 256.0, replicate_borders=True), abs=1e-9)
    assert score.highlight_ev == pytest.approx(ev, abs=1e-8)
    assert clipped.mean() == pytest.approx(0.699870, abs=6e-7)


def test_the_score_forgives_exposure():
    _, truth, codes = golden_light()

    score = hdr.hdr_score((truth / 5).astype(np.float32), truth.astype(np.float32), codes)

    assert score.psnr > 100
    assert score.ssim == pytest.approx(1)
    assert score.highlight_ev == pytest.approx(0, abs=1e-5)


def test_a_clipped_highlight_costs_its_stops():
    truth = np.full((16, 16, 3), 0.3)
    truth[:, 8:] = 8.0
    codes = transfer.quantise(transfer.encode(truth, Profile.SRGB), 8)

    score = hdr.hdr_score(np.minimum(truth, 1.0), truth, codes)

    assert score.highlight_ev == pytest.approx(3.0)


def test_exposure_is_not_read_where_the_ldr_picture_is_dark_or_clipped():
    truth = np.full((16, 16, 3), 0.3)
    truth[:6] = 0.001
    truth[12:] = 4.0
    light = truth / 2
    light[:6], light[12:] = 1.0, 0.01
    codes = transfer.quantise(transfer.encode(truth, Profile.SRGB), 8)

    assert hdr.exposure_factor(light, truth, codes) == pytest.approx(2.0)


def test_black_light_and_pictures_without_well_exposed_pixels_have_a_score():
    truth = np.full((16, 16, 3), 0.3)
    grey, white = np.full((16, 16, 3), 150, np.uint8), np.full((16, 16, 3), 255, np.uint8)

    assert math.isfinite(hdr.hdr_score(np.zeros_like(truth), truth, grey).psnr)
    assert math.isnan(hdr.hdr_score(truth, truth, grey).highlight_ev)
    assert hdr.exposure_factor(truth / 7, truth, white) == 1.0


def test_scores_leave_their_arguments_alone():
    light, truth, codes = golden_light()
    copies = light.copy(), truth.copy()
    hdr.hdr_score(light, truth, codes)
    hdr.challenge_score(light, truth)

    np.testing.assert_array_equal((light, truth), copies)
