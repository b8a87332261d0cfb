"""The network over a whole picture, and the scale that its light is held to."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rawtool.color.transfer import decode, srgb_decode
from rawtool.errors import VerificationError
from rawtool.pipelines.clock import Clock
from rawtool.pipelines.hdrlight import CLIPPED, FLOOR, find_light, keep_scale
from rawtool.pipelines.ldr import Ldr
from rawtool.pipelines.studio import HdrSettings
from rawtool.vocabulary import Profile
from tests import hdrnets

PLAIN = HdrSettings()
EVERY_CODE = np.arange(256, dtype=np.uint8).reshape(16, 16)


def ramp(dtype=np.uint8, shape=(45, 70)):
    """All colours from black to white, each channel in its own direction."""
    rows, columns = np.linspace(0, 1, shape[0])[:, None], np.linspace(0, 1, shape[1])[None, :]
    planes = np.broadcast_arrays(rows, columns, 1 - rows * columns)
    return np.rint(np.stack(planes, axis=2) * np.iinfo(dtype).max).astype(dtype)


def light_of(ldr, studio, settings=PLAIN, dtype=np.float32):
    return find_light(ldr, studio.network, settings, dtype, Clock())


ALONE = {
    "sRGB to light": hdrnets.studio(srgb_decode),
    "power to power": hdrnets.studio(lambda picture: picture, **hdrnets.BY_POWER),
}


@pytest.mark.parametrize("studio", ALONE.values(), ids=ALONE)
@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_picture_that_is_left_alone_keeps_exactly_its_decoded_light(studio, profile, dtype):
    ldr = Ldr(ramp(dtype), profile)

    light = light_of(ldr, studio)

    expected = decode(ldr.codes.astype(np.float32) / np.float32(np.iinfo(dtype).max), profile)
    np.testing.assert_array_max_ulp(light, expected, maxulp=2)
    np.testing.assert_array_equal(light, ldr.light())


def test_16_bits_are_used_as_16_bits():
    codes = np.arange(60_000, 60_000 + 16 * 16, dtype=np.uint16).reshape(16, 16)
    studio = hdrnets.studio()

    light = light_of(Ldr(codes, Profile.SRGB), studio)

    assert np.unique(studio.network.tile_session.seen[0]).size == 256
    assert np.all(np.diff(light[..., 0].ravel()) > 0)


def test_grey_is_three_equal_channels():
    studio = hdrnets.studio(hdrnets.glowing)

    light = light_of(Ldr(EVERY_CODE, Profile.SRGB), studio)

    assert light.shape == (16, 16, 3)
    np.testing.assert_array_equal(light[..., 0], light[..., 2])
    np.testing.assert_allclose(
        light[..., 1], hdrnets.glowing(EVERY_CODE / np.float32(255)), rtol=1e-5, atol=1e-7
    )


def test_another_curve_is_taken_off_before_the_network_sees_the_values():
    studio = hdrnets.studio(hdrnets.glowing)

    light = light_of(Ldr(EVERY_CODE, Profile.ADOBE_RGB), studio)

    # Adobe RGB (1998), 4.3.4.2, then IEC 61966-2-1: what an sRGB curve makes of the same light.
    plain = (EVERY_CODE / 255.0) ** (563 / 256)
    encoded = np.where(plain <= 0.0031308, 12.92 * plain, 1.055 * plain ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(light[..., 0], plain * hdrnets.gain_of(encoded), rtol=1e-4, atol=1e-7)


def test_the_published_power_is_1_over_2_24():
    seen = hdrnets.studio(lambda picture: picture * 2, **hdrnets.BY_POWER)

    light = light_of(Ldr(EVERY_CODE, Profile.LINEAR_SRGB), seen)

    np.testing.assert_allclose(
        seen.network.tile_session.seen[0][0, 0, :16, :16], (EVERY_CODE / 255.0) ** (1 / 2.24), rtol=1e-5
    )
    np.testing.assert_allclose(light[..., 0], EVERY_CODE / 255.0 * 2**2.24, rtol=1e-4)


def test_the_image_wide_term_is_that_of_the_whole_picture():
    studio = hdrnets.studio_with_vector(
        lambda picture, vector: srgb_decode(picture) + vector[:, :, None, None]
    )
    ldr = Ldr(ramp(shape=(90, 130)) // 2 + np.uint8(60), Profile.SRGB)

    light = light_of(ldr, studio, HdrSettings(tile=16))

    mean = (ldr.codes / 255.0).mean(axis=(0, 1))
    np.testing.assert_allclose(light, ldr.light() + mean, rtol=1e-4)


@pytest.mark.parametrize("tile", [16, 32])
def test_the_size_of_the_tiles_does_not_show(tile):
    def blurred(picture):
        """Light that depends on neighbours up to six pixels away."""
        spread = sum(np.roll(picture, (row, row // 2), axis=(2, 3)) for row in range(-6, 7)) / 13
        return srgb_decode(picture) + spread

    ldr = Ldr(ramp(shape=(85, 151)), Profile.SRGB)

    whole, tiled = (
        light_of(ldr, hdrnets.studio(blurred), HdrSettings(tile=side))[8:-8, 8:-8] for side in (512, tile)
    )

    np.testing.assert_array_equal(tiled, whole)


@pytest.mark.parametrize("shape", [(1, 1), (2, 40_000), (40_000, 2)])
def test_pictures_of_any_shape_are_whole(shape):
    codes = np.broadcast_to(np.uint8(255), (*shape, 3))

    light = light_of(Ldr(codes, Profile.SRGB), hdrnets.studio(hdrnets.glowing))

    assert light.shape == (*shape, 3)
    np.testing.assert_allclose(light, hdrnets.GAIN, rtol=1e-5)


def test_progress_grows_to_its_share():
    told = []

    find_light(
        Ldr(ramp(), Profile.SRGB),
        hdrnets.studio().network,
        HdrSettings(tile=16),
        np.float32,
        Clock(told.append),
    )

    assert told == sorted(told)
    assert told[-1] == pytest.approx(0.8)


def test_half_floats_hold_the_same_light_and_no_infinity():
    ldr = Ldr(ramp(), Profile.SRGB)
    studio = hdrnets.studio(lambda picture: picture * np.float32(1e6))

    half = light_of(ldr, studio, HdrSettings(max_gain_ev=16.0), np.float16)

    assert half.dtype == np.float16
    assert half.max() == 65504


def kept(decoded, found, **said):
    clipped_from = float(srgb_decode(np.array([CLIPPED]))[0])
    return keep_scale(np.float32(decoded), np.float32(found), clipped_from, HdrSettings(**said))


def test_what_was_clipped_never_loses_and_what_was_not_may():
    decoded = np.float32([[[1.0, 0.5, 1.0]]])

    light = kept(decoded, decoded * 0.25)

    np.testing.assert_array_equal(light, [[[1.0, 0.125, 1.0]]])


def test_a_code_of_254_is_not_clipped():
    decoded = srgb_decode(np.float32([[[254, 255, 254]]]) / 255)

    light = kept(decoded, decoded * 0.5)

    assert light[0, 0, 0] < decoded[0, 0, 0]
    assert light[0, 0, 1] == 1.0


@pytest.mark.parametrize(("strength", "ev"), [(100.0, 4.0), (50.0, 2.0), (25.0, 1.0), (0.0, 0.0)])
def test_strength_is_a_share_of_the_gain_in_ev(strength, ev):
    light = kept([[[1.0]]], [[[16.0]]], highlight_strength=strength)

    np.testing.assert_allclose(np.log2(light), ev, atol=2e-4)


def test_no_strength_is_the_decoded_light_exactly():
    decoded = srgb_decode(np.linspace(0, 1, 3000, dtype=np.float32).reshape(10, 100, 3))

    light = kept(decoded, decoded[::-1] * 7, highlight_strength=0.0)

    np.testing.assert_array_equal(light, decoded)


@pytest.mark.parametrize("most_ev", [0.0, 2.0, 8.0])
def test_no_gain_is_above_the_most(most_ev):
    light = kept([[[1.0, 0.5, 0.0]]], [[[1e9, 1e9, 1e9]]], max_gain_ev=most_ev)

    np.testing.assert_allclose(light[0, 0, :2], [2**most_ev, 0.5 * 2**most_ev], rtol=2e-3)
    # Where there was no light at all the gain counts from half a step of 8 bits.
    np.testing.assert_allclose(light[0, 0, 2], FLOOR * (2**most_ev - 1), atol=1e-9)


def test_light_is_never_below_nothing():
    light = kept([[[0.2, 0.0, 1.0]]], [[[-3.0, -1.0, -0.1]]])

    np.testing.assert_array_equal(light, [[[0.0, 0.0, 1.0]]])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_never_written(bad):
    with pytest.raises(VerificationError, match="not finite"):
        kept([[[0.2, 0.3, 0.4]]], [[[0.2, bad, 0.4]]])


UNIT = st.floats(0, 1, width=32)


@given(
    decoded=arrays.arrays(np.float32, (2, 3, 3), elements=UNIT),
    found=arrays.arrays(np.float32, (2, 3, 3), elements=st.floats(-10, 1e4, width=32)),
    strength=st.floats(0, 100),
    most_ev=st.floats(0, 16),
)
def test_the_light_lies_between_the_decoded_and_the_found(decoded, found, strength, most_ev):
    settings = replace(PLAIN, highlight_strength=strength, max_gain_ev=most_ev)

    light = keep_scale(decoded, found, 0.99, settings)

    low, high = np.minimum(decoded, np.maximum(found, 0)), np.maximum(decoded, found)
    slack = 1e-5 * high + 1e-7
    assert np.all(light >= low - slack)
    assert np.all(light <= high + slack)
    assert np.all((light + FLOOR) <= (decoded + FLOOR) * 2**most_ev * (1 + 1e-4))
    assert np.all(light[decoded >= 0.99] >= decoded[decoded >= 0.99])
