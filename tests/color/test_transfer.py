"""Transfer curves against published vectors, independent formulas and their own inverses."""

import math
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.arrays import AnyArray
from rawtool.color import transfer
from rawtool.vocabulary import Profile

NITS = np.array([0.005, 0.01, 0.1, 1, 10, 100, 203, 1000, 4000, 10000])


def test_pq_matches_the_published_vectors() -> None:
    expected = [0.015076, 0.021486, 0.062337, 0.149946, 0.299699]
    expected += [0.508078, 0.580689, 0.751827, 0.902572, 1.0]
    np.testing.assert_allclose(transfer.pq_encode(NITS), expected, atol=5e-7)


def test_pq_of_black_is_not_zero() -> None:
    assert transfer.pq_encode(np.zeros(1))[0] == pytest.approx(7.30956e-7, rel=1e-6)


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        (
            transfer.PU21_BANDING_GLARE,
            [0, 0.3722, 5.7171, 36.5439, 123.6475, 256.3839, 303.8002, 420.0969, 527.4939, 595.3939],
        ),
        (
            transfer.PU21_BANDING,
            [0, 6.3053, 36.0057, 84.4045, 158.5061, 261.7517, 298.7611, 388.1423, 468.4880, 520.4673],
        ),
        (
            transfer.PU21_PEAKS,
            [0, 5.0060, 32.6568, 85.5420, 167.5246, 260.7250, 286.7694, 335.6947, 366.2673, 380.9853],
        ),
        (
            transfer.PU21_PEAKS_GLARE,
            [0, 0.5133, 8.0104, 47.0090, 136.2603, 252.2985, 288.7799, 359.6225, 396.0153, 407.5066],
        ),
    ],
)
def test_pu21_matches_the_published_vectors(curve: transfer.Pu21, expected: list[float]) -> None:
    np.testing.assert_allclose(transfer.pu21_encode(NITS, curve), expected, atol=6e-5)


def test_pu21_peak_is_the_code_of_ten_thousand_nits() -> None:
    assert transfer.pu21_encode(np.array([1e4]))[0] == pytest.approx(transfer.PU21_PEAK, abs=5e-6)


def test_pu21_codes_over_the_peak_match_the_published_vectors() -> None:
    expected = [0, 0.00063, 0.00960, 0.06138, 0.20767, 0.43061, 0.51025, 0.70558, 0.88596, 1]
    np.testing.assert_allclose(transfer.pu21_encode(NITS) / transfer.PU21_PEAK, expected, atol=6e-6)


def test_mu_law_matches_the_published_vectors() -> None:
    relative = np.array([1e-4, 1e-3, 1e-2, 0.1, 0.18, 0.5, 1])
    expected = [0.047604, 0.210365, 0.461623, 0.729872, 0.798778, 0.918643, 1]
    np.testing.assert_allclose(transfer.mu_law_encode(relative), expected, atol=6e-7)


@pytest.mark.parametrize(
    ("encode", "slopes"),
    [
        (transfer.pq_encode, (1.0758, 0.001004)),
        (lambda nits: transfer.pu21_encode(nits) / transfer.PU21_PEAK, (0.1211, 0.001091)),
        (lambda nits: transfer.mu_law_encode(nits / 1e4), (0.0584, 0.001151)),
    ],
)
def test_slopes_match_the_published_ones(
    encode: Callable[[AnyArray], AnyArray], slopes: tuple[float, float]
) -> None:
    nits = np.array([0.01, 100.0])
    step = nits * 1e-5
    slope = (encode(nits + step) - encode(nits - step)) / (2 * step)
    np.testing.assert_allclose(slope, slopes, rtol=9e-4)


def test_srgb_matches_the_standard_at_known_points() -> None:
    # The power written with exp and log; the 8-bit codes are the ones every sRGB table holds.
    linear = np.array([0, 0.001, 0.18, 0.5, 1])
    expected = [0, 0.01292] + [1.055 * math.exp(math.log(x) / 2.4) - 0.055 for x in (0.18, 0.5, 1)]
    np.testing.assert_allclose(transfer.srgb_encode(linear), expected, atol=1e-14)
    assert transfer.quantise(transfer.srgb_encode(linear), 8).tolist() == [0, 3, 118, 188, 255]


def test_adobe_rgb_is_a_pure_power() -> None:
    assert transfer.adobe_rgb_encode(np.array([0.5]))[0] == pytest.approx(2 ** (-256 / 563), abs=1e-15)


def test_rec2020_meets_in_value_and_slope() -> None:
    x = transfer.REC2020_BETA * np.array([1 - 1e-7, 1 + 1e-7])
    below, above = transfer.rec2020_encode(x)
    assert (above - below) / (x[1] - x[0]) == pytest.approx(4.5, rel=1e-5)
    assert transfer.rec2020_encode(np.ones(1))[0] == pytest.approx(1, abs=1e-15)


def test_hlg_matches_the_standard_at_its_landmarks() -> None:
    np.testing.assert_allclose(transfer.hlg_encode(np.array([0, 1 / 12, 1])), [0, 0.5, 1], atol=2e-8)


RELATIVE = [
    (transfer.srgb_encode, transfer.srgb_decode),
    (transfer.adobe_rgb_encode, transfer.adobe_rgb_decode),
    (transfer.rec2020_encode, transfer.rec2020_decode),
    (transfer.mu_law_encode, transfer.mu_law_decode),
    (transfer.hlg_encode, transfer.hlg_decode),
]


@pytest.mark.parametrize(("encode", "decode"), RELATIVE)
@given(light=st.floats(-4, 4))
def test_relative_curves_are_inverted_and_odd(
    encode: Callable[[AnyArray], AnyArray], decode: Callable[[AnyArray], AnyArray], light: float
) -> None:
    values = np.array([light])
    # sRGB's published breakpoints leave a gap of 3e-8 at the joint.
    np.testing.assert_allclose(decode(encode(values)), values, rtol=1e-7, atol=4e-9)
    np.testing.assert_array_equal(encode(-values), -encode(values))


@pytest.mark.parametrize(
    ("encode", "decode"),
    [(transfer.pq_encode, transfer.pq_decode), (transfer.pu21_encode, transfer.pu21_decode)],
)
@given(nits=st.floats(0.005, 10000))
def test_absolute_curves_are_inverted(
    encode: Callable[[AnyArray], AnyArray], decode: Callable[[AnyArray], AnyArray], nits: float
) -> None:
    np.testing.assert_allclose(decode(encode(np.array([nits]))), nits, rtol=1e-10, atol=1e-10)


def test_absolute_curves_clamp_to_their_range() -> None:
    outside = np.array([-5.0, 2e4])
    np.testing.assert_array_equal(transfer.pq_encode(outside), transfer.pq_encode(np.array([0.0, 1e4])))
    np.testing.assert_array_equal(transfer.pu21_encode(outside), transfer.pu21_encode(np.array([0.0, 1e4])))


@pytest.mark.parametrize("profile", Profile)
def test_encode_clips_and_decode_inverts_it(profile: Profile) -> None:
    linear = np.array([[-0.2, 0.0, 0.003], [0.25, 1.0, 3.0]], np.float32)
    encoded = transfer.encode(linear, profile)
    assert encoded.dtype == np.float32
    assert (encoded.min(), encoded.max()) == (0, 1)
    np.testing.assert_allclose(transfer.decode(encoded, profile), np.clip(linear, 0, 1), atol=2e-7)


def test_results_share_nothing_with_their_argument() -> None:
    values = np.array([2.0, -1.0], np.float32)
    transfer.encode(values, Profile.LINEAR_SRGB)[:] = 0
    transfer.decode(values, Profile.LINEAR_SRGB)[:] = 0
    np.testing.assert_array_equal(values, [2, -1])


def test_profiles_differ_where_their_curves_differ() -> None:
    grey = np.array([0.18])
    codes = {p: round(float(transfer.encode(grey, p)[0]), 4) for p in Profile}
    assert codes[Profile.SRGB] == codes[Profile.DISPLAY_P3] == 0.4614
    assert codes[Profile.ADOBE_RGB] == 0.4585
    assert codes[Profile.REC2020] == 0.4088
    assert codes[Profile.LINEAR_SRGB] == 0.18


@pytest.mark.parametrize(("bit_depth", "dtype"), [(8, np.uint8), (10, np.uint16), (16, np.uint16)])
def test_quantise_inverts_every_code(bit_depth: int, dtype: type) -> None:
    top = 2**bit_depth - 1
    codes = np.arange(top + 1)
    quantised = transfer.quantise((codes / top).astype(np.float32), bit_depth)
    assert quantised.dtype == dtype
    np.testing.assert_array_equal(quantised, codes)


def test_quantise_rounds_to_the_nearest_and_clips() -> None:
    values = np.array([-1, 0.49 / 255, 0.51 / 255, 254.6 / 255, 7])
    assert transfer.quantise(values, 8).tolist() == [0, 0, 1, 255, 255]


def test_quantise_refuses_depths_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match="bit_depth"):
        transfer.quantise(np.zeros(1), 32)


def test_blocks_join_without_a_seam() -> None:
    linear = np.linspace(0, 1, 3 * 50_000, dtype=np.float32).reshape(-1, 3)
    pieces = [transfer.srgb_encode(row) for row in np.array_split(linear, 7)]
    np.testing.assert_array_equal(transfer.srgb_encode(linear), np.concatenate(pieces))


def test_twelve_megapixels_encode_in_a_moment() -> None:
    linear = np.full((1000, 1000, 3), 0.3, np.float32)
    start = time.process_time()
    transfer.quantise(transfer.encode(linear, Profile.SRGB), 8)
    assert (time.process_time() - start) * 12 < 4
