"""Finishing of a whole picture: exposure, tiles, profiles and the type of the pixels."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.color.look import apply_look  # noqa: E402 - after the checks
from rawtool.color.spaces import convert  # noqa: E402
from rawtool.color.transfer import decode, srgb_decode  # noqa: E402
from rawtool.errors import ModelContractError  # noqa: E402
from rawtool.pipelines.clock import Clock  # noqa: E402
from rawtool.pipelines.enhance import Output, enhance  # noqa: E402
from rawtool.training.export import module_network  # noqa: E402
from rawtool.training.small_card import small_card  # noqa: E402
from rawtool.vocabulary import Encoding, Look, Profile, Task  # noqa: E402
from tests import scenes  # noqa: E402

FLOAT = Output(Profile.SRGB, np.float32)
PICTURE = scenes.zone_plate(70, 101) * np.array([0.5, 0.35, 0.2], np.float32)


class Plain(torch.nn.Module):
    """Gives its input back, shifted by a tenth of the thumbnail's mean."""

    def global_vector(self, thumbnail):
        return thumbnail.mean(dim=(2, 3))

    def forward(self, picture, vector):
        return picture + 0.1 * vector[:, :, None, None]


@pytest.fixture(scope="module")
def plain():
    card = replace(small_card(Task.ENHANCE, ""), vector_size=3, has_kept_input=False)
    return module_network(Plain(), card)


def test_exposure_reaches_the_tiles_but_not_the_automatic_exposure(plain):
    usual, brighter = (enhance(PICTURE, plain, ev, FLOAT, None, Clock()) for ev in (0.0, 1.0))

    mean = PICTURE.mean(axis=(0, 1))
    np.testing.assert_allclose(usual, PICTURE + 0.1 * mean, atol=1e-5)
    np.testing.assert_allclose(brighter, np.clip(2 * PICTURE + 0.1 * mean, 0, 1), atol=1e-5)


@pytest.mark.parametrize("profile", list(Profile))
def test_a_sensor_without_colours_gives_pictures_without_colours(plain, profile):
    grey = np.repeat(PICTURE[..., 1:2], 3, axis=2)
    tinted = replace(plain, tile_session=Tinted())

    found = enhance(grey, tinted, 0.0, Output(profile, np.uint8, is_grey=True), None, Clock())

    assert np.ptp(found.astype(int), axis=2).max() == 0
    usual = enhance(grey, tinted, 0.0, Output(profile, np.uint8), None, Clock())
    assert np.ptp(usual.astype(int), axis=2).max() > 3


class Tinted:
    """A session that gives its picture back, warmer."""

    device, provider, card_text = "cpu", "none", None

    def run(self, inputs):
        return {"finished": inputs["picture"] * np.array([1.05, 1.0, 0.95], np.float32)[:, None, None]}


def test_tiles_equal_the_whole(plain):
    whole, tiled = (enhance(PICTURE, plain, 0.3, FLOAT, tile, Clock()) for tile in (256, 32))

    np.testing.assert_allclose(tiled, whole, atol=1e-6)


def test_a_real_network_in_tiles_equals_the_whole(darkroom):
    whole, tiled = (enhance(PICTURE, darkroom.enhance, 0.3, FLOAT, tile, Clock()) for tile in (256, 32))

    np.testing.assert_allclose(tiled, whole, atol=1e-4)


@pytest.mark.parametrize(("dtype", "highest"), [(np.uint8, 255), (np.uint16, 65535)])
def test_codes_are_the_rounded_values(dtype, highest, plain):
    values = enhance(PICTURE, plain, 0.0, FLOAT, None, Clock())

    codes = enhance(PICTURE, plain, 0.0, Output(Profile.SRGB, dtype), None, Clock())

    assert codes.dtype == dtype
    assert np.abs(codes - values.astype(np.float64) * highest).max() <= 0.51


def test_what_is_outside_of_the_range_is_cut(plain):
    bright = enhance(scenes.stars(40, 40), plain, 3.0, FLOAT, None, Clock())

    assert (bright.min() >= 0.0, bright.max()) == (True, 1.0)


@pytest.mark.parametrize("profile", list(Profile))
def test_another_profile_holds_the_same_light(profile, plain):
    srgb = enhance(PICTURE, plain, 0.0, FLOAT, None, Clock())

    found = enhance(PICTURE, plain, 0.0, Output(profile, np.float32), None, Clock())

    light = convert(decode(found, profile), profile, Profile.SRGB)
    np.testing.assert_allclose(light, srgb_decode(srgb), atol=2e-4)


def test_a_card_that_asks_for_gamma_gets_gamma(plain):
    card = plain.card
    other = replace(plain, card=replace(card, input=replace(card.input, encoding=Encoding.GAMMA)))

    found = enhance(scenes.grey(32, 32, 0.25), other, 0.0, FLOAT, None, Clock())

    np.testing.assert_allclose(found, 1.1 * 0.25 ** (1 / 2.2), atol=1e-5)


def test_progress_grows_to_its_share(plain):
    seen = []

    enhance(PICTURE, plain, 0.0, FLOAT, 32, Clock(seen.append))

    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(0.9)


def test_a_network_for_another_task_is_refused(darkroom):
    with pytest.raises(ModelContractError, match="does not finish"):
        enhance(PICTURE, darkroom.restore, 0.0, FLOAT, None, Clock())


def test_a_look_comes_after_the_network(plain):
    natural, vivid = (
        enhance(PICTURE, plain, 0.0, Output(Profile.SRGB, np.float32, look), 32, Clock())
        for look in (Look.NATURAL, Look.VIVID)
    )

    np.testing.assert_allclose(vivid, apply_look(natural, Look.VIVID), atol=1e-6)
    assert np.abs(vivid - natural).max() > 0.02
