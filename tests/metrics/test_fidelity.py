"""Metrics against published values, measured golden values and independent formulas."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.arrays import AnyArray
from rawtool.color import transfer
from rawtool.metrics import fidelity
from rawtool.vocabulary import Profile

ROWS, COLUMNS, CHANNELS = np.mgrid[0:32, 0:48, 0:3]
WAVE = np.sin(0.3 * COLUMNS + 0.2 * ROWS + CHANNELS)


def _pair_1() -> tuple[AnyArray, AnyArray]:
    truth = 0.5 + 0.5 * WAVE
    return 0.9 * truth + 0.03, truth


def _pair_2() -> tuple[AnyArray, AnyArray]:
    truth = 1.5 + 1.5 * WAVE
    return 0.95 * truth + 0.02, truth


def _pair_3() -> tuple[AnyArray, AnyArray]:
    truth = 100 * (1.001 + WAVE)
    return 0.95 * truth + 2, truth


def test_psnr_has_its_golden_values() -> None:
    assert fidelity.psnr(*_pair_1()) == pytest.approx(27.817655, abs=1e-6)
    assert fidelity.psnr(*_pair_2()) == pytest.approx(22.329097, abs=1e-6)


def test_psnr_of_equal_pictures_is_infinite() -> None:
    assert fidelity.psnr(_pair_1()[1], _pair_1()[1]) == math.inf


def test_psnr_of_a_tall_picture_counts_every_strip() -> None:
    truth = np.zeros((600, 2), np.float32)
    picture = truth.copy()
    picture[-1] = 1
    assert fidelity.psnr(picture, truth) == pytest.approx(10 * math.log10(600))


def test_pictures_of_different_shape_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shape"):
        fidelity.psnr(np.zeros((2, 3)), np.zeros((3, 2)))


def test_ssim_inside_the_picture_has_its_golden_value() -> None:
    assert fidelity.ssim(*_pair_1()) == pytest.approx(0.989028938, abs=1e-9)


def test_ssim_with_repeated_borders_has_its_golden_value() -> None:
    assert fidelity.ssim(*_pair_1(), replicate_borders=True) == pytest.approx(0.988225951, abs=1e-9)


@given(height=st.integers(11, 90), width=st.integers(11, 40), seed=st.integers(0, 99))
def test_ssim_equals_the_formula_window_by_window(height: int, width: int, seed: int) -> None:
    truth = np.random.default_rng(seed).random((height, width))
    picture = 0.8 * truth + 0.1 * np.random.default_rng(seed + 1).random((height, width))
    profile = np.exp(-((np.arange(11) - 5) ** 2) / 4.5)
    window = np.outer(profile, profile) / profile.sum() ** 2
    a, b = (np.lib.stride_tricks.sliding_window_view(x, (11, 11)) for x in (picture, truth))
    mean_a, mean_b = (np.einsum("hwij,ij", x, window) for x in (a, b))
    squares_a, squares_b, products = (np.einsum("hwij,ij", x, window) for x in (a * a, b * b, a * b))
    numerator = (2 * mean_a * mean_b + 1e-4) * (2 * (products - mean_a * mean_b) + 9e-4)
    spread = squares_a - mean_a**2 + squares_b - mean_b**2
    expected = (numerator / ((mean_a**2 + mean_b**2 + 1e-4) * (spread + 9e-4))).mean()
    assert fidelity.ssim(picture, truth) == pytest.approx(expected, abs=1e-10)


def test_ssim_does_not_depend_on_how_the_rows_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fidelity.ssim(*_pair_1())
    monkeypatch.setattr(fidelity, "_STRIP", 5)
    assert fidelity.ssim(*_pair_1()) == pytest.approx(whole, abs=1e-13)


def test_ssim_refuses_a_picture_smaller_than_its_window() -> None:
    with pytest.raises(ValueError, match="window"):
        fidelity.ssim(np.zeros((8, 20)), np.zeros((8, 20)))


def test_psnr_l_has_its_golden_value() -> None:
    assert fidelity.psnr_l(*_pair_2()) == pytest.approx(31.870622, abs=1e-6)


def test_psnr_mu_of_linear_pictures_has_its_golden_value() -> None:
    assert fidelity.psnr_mu(*_pair_2()) == pytest.approx(24.819777, abs=1e-6)


def test_psnr_mu_of_gamma_encoded_pictures_has_its_golden_value() -> None:
    picture, truth = _pair_2()
    assert fidelity.psnr_mu(picture**2.24, truth**2.24) == pytest.approx(38.496689, abs=1e-6)


def test_pu21_metrics_have_their_golden_values() -> None:
    assert fidelity.pu21_psnr(*_pair_3()) == pytest.approx(27.160391, abs=1e-6)
    assert fidelity.pu21_psnr_y(*_pair_3()) == pytest.approx(40.018054, abs=1e-6)
    assert fidelity.pu21_ssim(*_pair_3()) == pytest.approx(0.99892533, abs=1e-8)
    inside = fidelity.pu21_ssim(*_pair_3(), replicate_borders=False)
    assert inside == pytest.approx(0.99896375, abs=1e-8)


def test_pq_psnr_has_its_golden_value() -> None:
    encoded, truth = (transfer.pq_encode(nits) for nits in _pair_3())
    assert fidelity.psnr(encoded, truth) == pytest.approx(32.658467, abs=1e-6)


@pytest.mark.parametrize(
    ("encode", "expected"),
    [
        (transfer.pq_encode, 0.009954269),
        (lambda nits: transfer.pu21_encode(nits) / 595.3939, 0.009237299),
        (lambda nits: transfer.mu_law_encode(nits / 1e4), 0.009599189),
        (lambda nits: nits / 1e4, 0.000378290),
    ],
)
def test_absolute_errors_of_encoded_light_have_their_golden_values(encode, expected: float) -> None:
    picture, truth = _pair_3()
    assert np.abs(encode(picture) - encode(truth)).mean() == pytest.approx(expected, abs=6e-10)


def test_color_angle_has_its_golden_value() -> None:
    truth = _pair_1()[1]
    picture = truth * [0.9, 0.95, 0.85] + [0.03, 0.01, 0.05]
    assert fidelity.color_angle(picture, truth) == pytest.approx(2.538480, abs=1e-6)


def test_color_angle_ignores_brightness_and_counts_mid_tones_only() -> None:
    truth = np.array([[[0.2, 0.4, 0.6], [0.01, 0.02, 0.01], [1, 1, 0.99]]])
    picture = truth * [[[2.0], [1.0], [1.0]]]
    picture[0, 1:] = [0.5, 0, 0]
    assert fidelity.color_angle(picture, truth) == pytest.approx(0, abs=1e-5)


def test_color_angle_of_red_to_green_is_a_right_angle() -> None:
    red, green = np.array([[[0.5, 0, 0]]]), np.array([[[0, 0.5, 0]]])
    assert fidelity.color_angle(red, green) == pytest.approx(90)


def test_color_angle_without_mid_tones_is_not_a_number() -> None:
    assert math.isnan(fidelity.color_angle(np.zeros((2, 2, 3)), np.zeros((2, 2, 3))))


# Sharma, Wu and Dalal 2005, table 1.
SHARMA = [
    (50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425),
    (50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615),
    (50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412),
    (50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000),
    (50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669),
    (50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195),
    (50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045),
    (50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461),
    (50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065),
    (50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492),
    (50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977),
    (50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030),
    (50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000),
    (50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000),
    (60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644),
    (63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630),
    (61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731),
    (35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645),
    (22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373),
    (36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146),
    (90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441),
    (90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381),
    (6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377),
    (2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082),
]


@pytest.mark.parametrize("row", SHARMA)
def test_delta_e_2000_matches_the_published_pairs(row: tuple[float, ...]) -> None:
    first, second = np.array([row[:3]]), np.array([row[3:6]])
    assert fidelity.delta_e_2000(first, second)[0] == pytest.approx(row[6], abs=5.1e-5)
    assert fidelity.delta_e_2000(second, first)[0] == pytest.approx(row[6], abs=5.1e-5)


def test_lab_of_greys_has_the_lightness_of_the_standard() -> None:
    grey = np.array([[[0, 0, 0], [0.18, 0.18, 0.18], [1, 1, 1]]], np.float32)
    lab = fidelity.lab_from_rgb(grey, Profile.DISPLAY_P3)[0]
    np.testing.assert_allclose(lab[:, 0], [0, 116 * 0.18 ** (1 / 3) - 16, 100], atol=1e-4)
    np.testing.assert_allclose(lab[:, 1:], 0, atol=1e-4)


def test_lab_of_the_red_of_srgb_is_the_known_one() -> None:
    red = np.array([[[1, 0, 0]]], np.float32)
    # Widely tabulated for D65: 53.24, 80.09, 67.20.
    np.testing.assert_allclose(
        fidelity.lab_from_rgb(red, Profile.SRGB)[0, 0], [53.24, 80.09, 67.20], atol=0.006
    )


@pytest.mark.parametrize(("threshold", "expected"), [(254, 0.037920350), (250, 0.037548942)])
def test_highlight_error_has_its_golden_values(threshold: int, expected: float) -> None:
    truth = 0.7 + 0.7 * WAVE
    codes = transfer.quantise(transfer.encode(truth, Profile.SRGB), 8)
    error = fidelity.highlight_error(0.95 * truth + 0.02, truth, codes, threshold)
    assert error == pytest.approx(expected, abs=1e-9)


def test_highlight_error_without_highlights_is_not_a_number() -> None:
    dark = np.zeros((2, 2, 3))
    assert math.isnan(fidelity.highlight_error(dark, dark, np.zeros((2, 2, 3), np.uint8)))


def test_exposure_fit_ignores_what_is_nearly_white() -> None:
    truth = np.full((4, 4, 3), 0.3)
    truth[0, 0] = [0.1, 0.95, 0.1]
    result = truth / 1.7
    result[0, 0] = 40
    assert fidelity.exposure_fit(result, truth) == pytest.approx(1.7)


def test_exposure_fit_minimises_the_squared_error() -> None:
    result, truth = 0.6 * _pair_1()[0], 0.85 * _pair_1()[1]
    factor = fidelity.exposure_fit(result, truth)
    errors = [np.square(result * f - truth).sum() for f in (factor * 0.999, factor, factor * 1.001)]
    assert errors[1] < min(errors[0], errors[2])


def test_exposure_fit_of_a_black_result_changes_nothing() -> None:
    assert fidelity.exposure_fit(np.zeros((2, 2, 3)), np.full((2, 2, 3), 0.5)) == 1


def test_restoration_score_forgives_exposure_and_borders() -> None:
    truth = 0.85 * _pair_1()[1]
    result = truth / 3
    result[:8], result[-8:], result[:, :8], result[:, -8:] = 0, 0, 0, 0
    # A border as black as this does not move the fit: zero times any factor is zero.
    score = fidelity.restoration_score(result, truth)
    assert score.psnr > 250
    assert score.ssim == pytest.approx(1)
    assert score.angle == pytest.approx(0, abs=1e-5)


def test_restoration_score_follows_the_written_procedure() -> None:
    result, truth = _pair_1()
    low = truth.max(axis=2) < 0.9
    factor = (result[low] * truth[low]).sum() / (result[low] ** 2).sum()
    a, b = np.clip(result * factor, 0, 1)[8:24, 8:40], truth[8:24, 8:40]
    curve = [np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.abs(x) ** (1 / 2.4) - 0.055) for x in (a, b)]
    score = fidelity.restoration_score(result, truth)
    assert score.psnr == pytest.approx(-10 * math.log10(((curve[0] - curve[1]) ** 2).mean()), abs=1e-9)
    weights = np.array([0.2126, 0.7152, 0.0722])
    assert score.ssim == pytest.approx(fidelity.ssim(curve[0] @ weights, curve[1] @ weights), abs=1e-12)
    assert score.angle == pytest.approx(fidelity.color_angle(*curve), abs=1e-9)


def test_finishing_score_clips_the_result() -> None:
    truth = _pair_1()[1]
    score = fidelity.finishing_score(np.where(truth > 0.999, 1.4, truth), truth)
    expected = np.where(truth > 0.999, 1.0, truth)
    assert score.psnr == pytest.approx(fidelity.psnr(expected, truth))


def test_finishing_score_is_psnr_ssim_and_angle_of_the_values_as_they_are() -> None:
    result, truth = _pair_1()
    score = fidelity.finishing_score(result, truth)
    assert (score.psnr, score.ssim) == pytest.approx((27.817655, 0.989028938), abs=1e-6)
    assert score.angle == pytest.approx(fidelity.color_angle(result, truth))


def test_metrics_leave_their_arguments_alone() -> None:
    result, truth = _pair_1()
    copies = result.copy(), truth.copy()
    fidelity.restoration_score(result, truth)
    fidelity.finishing_score(result, truth)
    np.testing.assert_array_equal((result, truth), copies)
