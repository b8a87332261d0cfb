"""The finishing procedure: exposure, local tone, contrast, colour, and never a value outside of [0, 1]."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rawtool.color import tone
from rawtool.color.transfer import srgb_decode
from tests import scenes

PICTURES = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)),
    elements=st.floats(-0.0625, 1.0, width=32),
)


def landscape():
    """Dark colours on the left, a bright sky on the right, fine rings over both."""
    rings = scenes.zone_plate(60, 88) * np.float32(0.3) + np.float32(0.7)
    ground = np.tile(scenes.patches(8)[:1], (60, 1, 1))
    ground[:, 44:] += np.float32(0.5)
    return np.clip(ground * rings, 0.0, 1.0)


def test_one_ev_is_twice_the_light():
    light = scenes.stars(8, 8)

    np.testing.assert_array_equal(tone.expose_ev(light, 1.0), 2 * light)
    np.testing.assert_array_equal(tone.expose_ev(light, -3.0), light / 8)
    np.testing.assert_array_equal(tone.expose_ev(light, 0.0), light)


@given(PICTURES, st.floats(-6, 6))
def test_whatever_comes_in_what_goes_out_is_a_picture(rgb, ev):
    finished = tone.finish(rgb, ev)

    assert finished.shape == rgb.shape
    assert finished.dtype == np.float32
    assert np.isfinite(finished).all()
    assert finished.min() >= 0.0
    assert finished.max() <= 1.0


@pytest.mark.parametrize("light", [0.0, 1e-9, 1.0])
def test_a_frame_of_one_value_is_finished_to_one_value(light):
    finished = tone.finish(scenes.grey(33, 20, light))

    assert np.isfinite(finished).all()
    assert np.ptp(finished) < 1e-5


def test_black_stays_black():
    assert tone.finish(scenes.grey(16, 16, 0.0)).max() < 0.02


@pytest.mark.parametrize(
    "picture", [scenes.grey_ramp(40, 96), scenes.zone_plate(48, 50)], ids=["ramp", "rings"]
)
def test_grey_stays_grey(picture):
    finished = tone.finish(picture)

    np.testing.assert_allclose(np.ptp(finished, axis=2), 0.0, atol=2e-6)


def test_more_exposure_never_darkens_a_pixel_below_white():
    steps = [tone.finish(scenes.grey_ramp(24, 128, (-9.0, -1.0)), ev) for ev in (-2.0, -1.0, 0.0, 1.0, 2.0)]

    for darker, brighter in pairwise(steps):
        assert (brighter - darker).min() > -1e-3
        assert brighter.mean() > darker.mean() + 0.02


def test_a_brighter_grey_is_not_finished_darker():
    finished = tone.finish(scenes.grey_ramp(40, 200))[20, :, 1]

    assert np.diff(finished).min() > -1e-4
    assert np.ptp(finished) > 0.6


def with_lights(ev):
    """A picture of one luminance with a white corner, so that its lights need no raising."""
    luma = np.full((100, 100), 2.0**ev, np.float32)
    luma[:15, :20] = 1.0
    return luma


def test_exposure_goes_most_of_the_way_to_the_target_within_its_range():
    target = np.log2(tone.GREY_TARGET)

    for ev in (-5.0, -4.0, -3.0):
        luma = with_lights(ev)
        middle = np.log2(luma).mean()
        expected = np.clip(tone.ADAPTATION * (target - middle), *tone.EXPOSURE_RANGE_EV)
        assert tone.auto_exposure_ev(luma) == pytest.approx(expected, abs=1e-5)
    assert tone.auto_exposure_ev(np.zeros((4, 4), np.float32)) == tone.EXPOSURE_RANGE_EV[1]


def test_lights_that_stay_dark_are_raised_half_of_the_way_and_not_too_far():
    snow = np.full((50, 50), 0.3, np.float32)
    snow[::2] = 0.25
    plain = tone.ADAPTATION * (np.log2(tone.GREY_TARGET) - np.log2(snow).mean())
    lights = np.log2(0.3) + plain

    raised = tone.auto_exposure_ev(snow) - plain

    expected = tone.LIGHTS_SHARE * (np.log2(tone.LIGHTS_TARGET) - lights)
    assert raised == pytest.approx(min(expected, tone.MOST_LIGHTS_EV), abs=1e-4)
    assert 0.3 < raised <= tone.MOST_LIGHTS_EV


def test_the_curve_reaches_white_at_the_brightest_and_leaves_dark_pictures_dark():
    ramp = np.linspace(0.0, 1.0, 200, dtype=np.float32)[None, :, None].repeat(3, axis=2).repeat(4, axis=0)

    for top, white in ((1.0, 1.0), (0.7, 1.0), (0.3, None)):
        found = tone.add_contrast(ramp * np.float32(top), np.zeros(ramp.shape[:2], bool)).max()
        assert found == pytest.approx(1.0, abs=0.02) if white else found < 0.5


def overexposed(share=0.6):
    """A picture whose upper part the sensor clipped; below it a dark ramp."""
    picture = scenes.grey_ramp(90, 120, (-6.0, -1.0))
    picture[: round(90 * share)] = 1.0
    return picture


def test_what_the_sensor_clipped_is_white_however_dark_it_is_exposed():
    finished = tone.finish(overexposed())

    assert tone.auto_exposure_ev(tone.luminance(overexposed())) < -0.5
    assert finished[10, 60].min() > 0.99
    assert tone.white_lift(overexposed(), -1.0) > 1.0
    assert tone.white_lift(overexposed() * np.float32(0.9), -1.0) == 1.0


def test_a_lift_does_not_take_a_correction_back():
    darker, usual = (tone.finish(overexposed(), ev)[80].mean() for ev in (-1.0, 0.0))

    assert darker < 0.85 * usual


def test_a_few_clipped_pixels_demand_little():
    lifts = [tone.white_lift(overexposed(share), -1.0) for share in (0.0, 0.02, 0.3)]

    assert lifts[0] == 1.0
    assert lifts == sorted(lifts)


def test_local_tone_brings_large_areas_together_and_raises_detail():
    fine = np.exp2(np.float32(0.1) * np.random.default_rng(2).standard_normal((24, 400), dtype=np.float32))
    areas = np.where(np.arange(400) < 200, np.float32(0.02), np.float32(0.5))
    picture = np.repeat((areas * fine)[..., None], 3, axis=2)

    level, found = (np.log2(tone.luminance(rgb)) for rgb in (picture, tone.compress_locally(picture)))

    left, right = (slice(None), slice(0, 90)), (slice(None), slice(310, None))
    gap = found[right].mean() - found[left].mean()
    assert gap == pytest.approx(tone.COMPRESSION * (level[right].mean() - level[left].mean()), rel=0.01)
    assert found[right].std() == pytest.approx(tone.DETAIL * level[right].std(), rel=0.05)


def test_local_tone_keeps_the_ratios_of_the_channels():
    picture = landscape()

    change = tone.compress_locally(picture) / picture

    np.testing.assert_allclose(change, change[..., :1] * np.ones(3), rtol=1e-4)


@pytest.mark.parametrize("white", [1.0, 2.5, 16.0])
def test_contrast_keeps_middle_grey_and_sends_white_to_one(white):
    x = np.array([[0.0, tone.MIDDLE_GREY, white]], np.float32)

    np.testing.assert_allclose(tone.logistic_curve(x, white)[0], [0.0, tone.MIDDLE_GREY, 1.0], atol=1e-6)


def test_contrast_is_steeper_than_one_at_middle_grey():
    near = np.array([[0.17, 0.19]], np.float32)
    low, high = tone.logistic_curve(near, 4.0)[0]

    assert np.log(high / low) / np.log(0.19 / 0.17) > 1.1


def test_saturation_grows_for_muted_colours_and_spares_the_strong():
    muted, strong = np.array([[[0.3, 0.25, 0.2]]], np.float32), np.array([[[0.5, 0.0, 0.0]]], np.float32)

    def spread(rgb):
        return float(np.ptp(rgb) / rgb.max())

    assert spread(tone.saturate(muted)) > 1.1 * spread(muted)
    np.testing.assert_allclose(tone.saturate(strong), strong, atol=1e-6)


@given(PICTURES)
def test_gamut_keeps_what_fits_and_the_luminance_of_what_does_not(rgb):
    light = np.maximum(rgb, 0.0) * np.float32(1.6)

    found = tone.fit_gamut(light)

    fits = light.max(axis=2) <= 1.0
    np.testing.assert_allclose(found[fits], light[fits], atol=1e-6)
    expected = np.minimum(tone.luminance(light), 1.0)
    np.testing.assert_allclose(tone.luminance(found), expected, atol=1e-4)


def test_a_dark_scene_is_lifted_but_stays_darker_than_a_bright_one():
    night, noon = (tone.finish(landscape() * np.float32(k)) for k in (0.02, 0.6))

    assert 0.03 < srgb_decode(night).mean() < srgb_decode(noon).mean()


def test_nothing_is_written_into_what_was_given():
    picture = landscape()
    kept = picture.copy()

    tone.finish(picture, 0.5)

    np.testing.assert_array_equal(picture, kept)


def test_a_clipped_area_is_white_though_details_in_it_shine_brighter():
    """Local tone leaves the middle of a large clipped area darker than its edges."""
    picture = scenes.grey_ramp(96, 128, (-6.0, -1.0))
    picture[16:80, 40:120] = 1.0
    clipped = tone.brightest(picture) >= tone.CLIPPED

    finished = tone.finish(picture)

    assert np.percentile(finished[clipped], 20.0) > 0.98
    toned = tone.compress_locally(picture)
    white, brightest = tone.white_of(toned, clipped), tone.white_of(toned, np.zeros_like(clipped))
    assert white < brightest


def test_the_white_of_a_picture_moves_to_what_was_clipped_as_that_grows():
    rng = np.random.default_rng(2)
    picture = rng.random((100, 100, 3), dtype=np.float32)

    found = [tone.white_of(picture, np.arange(10000).reshape(100, 100) < n) for n in (0, 50, 100, 200, 5000)]

    assert found[0] == pytest.approx(np.percentile(tone.brightest(picture), tone.WHITE_PERCENTILE))
    assert found[:4] == sorted(found[:4], reverse=True)
    assert found[4] == pytest.approx(0.63, abs=0.03)  # A quarter of the largest of three: 0.25 ** (1 / 3).
