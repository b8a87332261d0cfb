"""Gain maps: their light comes back, by an independent formula, within what eight bits hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.color.gain_map import apply_gain_map, gain_map_of
from rawtool.color.spaces import luminance
from rawtool.frames import GainRange, HdrGainMap
from rawtool.vocabulary import Profile

ROWS, COLUMNS = np.mgrid[0:48, 0:64].astype(np.float32)
BASE = np.stack([COLUMNS / 63, ROWS / 47, (COLUMNS + ROWS) / 110], axis=2)


def brighter(most_ev=6.0):
    """Light that gains smoothly from nothing to most_ev, each channel otherwise."""
    shares = np.stack([COLUMNS / 63, (COLUMNS / 63) ** 2, ROWS / 47], axis=2)
    return BASE * 2 ** (most_ev * shares)


def by_formula(base, gain_map, weight=1.0):
    """ISO 21496-1 pixel by pixel, in plain floats, for a map of full size."""
    codes = gain_map.codes if gain_map.codes.ndim == 3 else np.repeat(gain_map.codes[..., None], 3, axis=2)
    ranges = gain_map.ranges if len(gain_map.ranges) == 3 else gain_map.ranges * 3
    hdr = np.empty(base.shape)
    for channel, one in enumerate(ranges):
        share = (codes[..., channel].astype(float) / 255) ** (1 / one.exponent)
        gain_ev = one.least_ev * (1 - share) + one.most_ev * share
        lifted = base[..., channel].astype(float) + one.base_offset
        hdr[..., channel] = lifted * 2 ** (gain_ev * weight) - one.hdr_offset
    return hdr


@pytest.mark.parametrize("most_ev", [0.5, 3.0, 6.0])
def test_three_channels_at_full_size_give_the_light_back_within_half_a_code(most_ev):
    hdr = brighter(most_ev)
    found = apply_gain_map(BASE, gain_map_of(BASE, hdr))
    error_ev = np.log2((found + 1 / 64) / (hdr + 1 / 64))

    assert np.abs(error_ev).max() <= 0.502 * most_ev / 254
    assert np.abs(error_ev).max() > 0.2 * most_ev / 255


def test_it_is_applied_as_the_standard_says():
    gain_map = gain_map_of(BASE, brighter())

    np.testing.assert_allclose(
        apply_gain_map(BASE, gain_map), by_formula(BASE, gain_map), rtol=2e-5, atol=1e-6
    )


def test_a_map_of_others_with_exponents_and_offsets_of_its_own_is_applied_as_the_standard_says():
    ranges = (
        GainRange(-0.5, 4.0, 0.7, 0.01, 0.02),
        GainRange(0.0, 2.0, 1.0, 1 / 64, 1 / 64),
        GainRange(-1.0, 1.0, 2.2, 0.1, 0.0),
    )
    codes = np.random.default_rng(1).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    gain_map = HdrGainMap(codes, ranges, 4.0)

    np.testing.assert_allclose(
        apply_gain_map(BASE, gain_map), by_formula(BASE, gain_map), rtol=5e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    ("display_ev", "weight"), [(0.0, 0.0), (2.0, 0.25), (5.0, 1.0), (9.0, 1.0), (-1.0, 0.0)]
)
def test_a_display_shows_the_share_of_the_gain_that_it_can(display_ev, weight):
    gain_map = HdrGainMap(np.full((48, 64), 200, np.uint8), (GainRange(0.0, 5.0),), 5.0, 1.0)

    np.testing.assert_allclose(
        apply_gain_map(BASE, gain_map, display_ev), by_formula(BASE, gain_map, weight), rtol=1e-5, atol=1e-6
    )


def test_where_there_is_no_gain_the_base_stays_to_the_rounding_of_floats():
    hdr = np.where(COLUMNS[..., None] > 40, BASE * 11.3, BASE)
    hdr[:5] = BASE[:5] * 0.7
    found = apply_gain_map(BASE, gain_map_of(BASE, hdr.astype(np.float32)))

    np.testing.assert_allclose(found[5:, :41], BASE[5:, :41], rtol=1e-6, atol=1e-7)


def test_one_channel_keeps_the_luminance():
    gain_map = gain_map_of(BASE, brighter(), n_channels=1)
    found, expected = (
        luminance(light, Profile.SRGB) for light in (apply_gain_map(BASE, gain_map), brighter())
    )

    assert gain_map.codes.shape == (48, 64)
    np.testing.assert_allclose(found + 1 / 64, expected + 1 / 64, rtol=0.009)


def test_luminance_is_that_of_the_primaries():
    hdr = BASE.copy()
    hdr[..., 0] += 5
    red, wide_red = (
        gain_map_of(BASE, hdr, n_channels=1, profile=profile).ranges[0].most_ev
        for profile in (Profile.SRGB, Profile.REC2020)
    )

    assert wide_red > red + 0.1


@pytest.mark.parametrize(("scale", "shape"), [(1, (48, 64)), (2, (24, 32)), (4, (12, 16)), (5, (10, 13))])
def test_a_smaller_map_has_the_mean_gain_of_its_cells(scale, shape):
    gains_ev = np.random.default_rng(2).uniform(0, 3, (48, 64, 1)).astype(np.float32)
    hdr = (BASE + 1 / 64) * 2**gains_ev - 1 / 64
    gain_map = gain_map_of(BASE, hdr.astype(np.float32), scale=scale, n_channels=3)
    (one, *_) = gain_map.ranges
    found = one.least_ev + (one.most_ev - one.least_ev) * gain_map.codes[..., 0] / 255

    assert gain_map.codes.shape[:2] == shape
    if 48 % scale == 64 % scale == 0:
        cells = gains_ev[..., 0].reshape(shape[0], scale, shape[1], scale).mean(axis=(1, 3))
        np.testing.assert_allclose(found, cells, atol=3 / 254)


@pytest.mark.parametrize("size", [(48, 64), (47, 61), (1, 1), (3, 500)])
@pytest.mark.parametrize("scale", [2, 4])
def test_a_smooth_gain_survives_a_smaller_map_of_any_size(size, scale):
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    gains_ev = 2 * (rows + columns + 1) / (sum(size) - 1)
    base = np.full((*size, 3), 0.5, np.float32)
    hdr = ((base + 1 / 64) * 2 ** gains_ev[..., None] - 1 / 64).astype(np.float32)
    found = apply_gain_map(base, gain_map_of(base, hdr, scale=scale))
    slope_ev = 2 / (sum(size) - 1)

    assert np.abs(np.log2((found + 1 / 64) / (hdr + 1 / 64))).max() <= 2 / 254 + 2 * slope_ev * scale


@pytest.mark.parametrize("scale", [2, 4])
def test_a_smaller_map_lies_over_the_picture_without_a_shift(scale):
    gains_ev = (3 * COLUMNS / 63)[..., None]
    base = np.full((48, 64, 3), 0.5, np.float32)
    hdr = ((base + 1 / 64) * 2**gains_ev - 1 / 64).astype(np.float32)
    found = apply_gain_map(base, gain_map_of(base, hdr, scale=scale))
    error_ev = np.log2((found + 1 / 64) / (hdr + 1 / 64))

    assert np.abs(error_ev[:, scale:-scale]).max() <= 0.51 * 3 / 254


def test_the_headroom_is_the_largest_gain():
    gain_map = gain_map_of(BASE, brighter(6.0))

    assert gain_map.hdr_headroom_ev == max(one.most_ev for one in gain_map.ranges)
    assert 5.8 < gain_map.hdr_headroom_ev < 6.1
    assert gain_map.base_headroom_ev == 0


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_picture_without_any_gain_makes_a_map_that_changes_nothing(value):
    base = np.full((6, 7, 3), value, np.float32)
    gain_map = gain_map_of(base, base)

    np.testing.assert_allclose(apply_gain_map(base, gain_map), base, atol=1e-7)
    assert gain_map.hdr_headroom_ev > gain_map.base_headroom_ev
    assert all(one.most_ev > one.least_ev for one in gain_map.ranges)


def test_light_below_zero_counts_as_black():
    hdr = BASE.copy()
    hdr[0, 0] = -9

    assert np.isfinite([one.least_ev for one in gain_map_of(BASE, hdr).ranges]).all()


@given(st.integers(1, 5), st.sampled_from([1, 3]), st.floats(0.0, 6.0), st.integers(0, 99))
def test_every_gain_lies_in_the_stated_range(scale, n_channels, most_ev, seed):
    rng = np.random.default_rng(seed)
    base = rng.random((9, 11, 3), np.float32)
    hdr = (base * 2 ** rng.uniform(-1, most_ev, (9, 11, 3))).astype(np.float32)
    gain_map = gain_map_of(base, hdr, scale=scale, n_channels=n_channels)

    assert len(gain_map.ranges) == n_channels
    for one in gain_map.ranges:
        zero = -one.least_ev / (one.most_ev - one.least_ev) * 255
        assert one.least_ev <= 0 <= one.most_ev
        assert zero == pytest.approx(round(zero), abs=1e-6)


def test_the_pictures_given_are_not_changed():
    base, hdr = BASE.copy(), brighter()
    apply_gain_map(base, gain_map_of(base, hdr, scale=2))

    np.testing.assert_array_equal(base, BASE)
    np.testing.assert_array_equal(hdr, brighter())


def test_large_pictures_are_measured_in_parts_with_the_same_result(monkeypatch):
    whole = gain_map_of(BASE, brighter(), scale=4)
    monkeypatch.setattr("rawtool.color.gain_map._MOST_VALUES", 1000)
    parts = gain_map_of(BASE, brighter(), scale=4)

    np.testing.assert_array_equal(parts.codes, whole.codes)


@pytest.mark.parametrize("wrong", [{"scale": 0}, {"n_channels": 2}])
def test_what_makes_no_map_is_refused(wrong):
    with pytest.raises(ValueError, match="gain map"):
        gain_map_of(BASE, BASE, **wrong)
