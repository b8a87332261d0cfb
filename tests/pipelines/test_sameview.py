"""The picture of a raw is known among others."""

import numpy as np
import PIL.Image
import pytest

from rawtool.color.transfer import srgb_encode
from rawtool.errors import InputError
from rawtool.io.orientation import upright
from rawtool.pipelines.sameview import check_same_view
from rawtool.sensor.noise import NoiseModel
from tests import packs, raws, scenes

ORIENTATIONS = range(1, 9)


def resized(pixels, width, height):
    return np.asarray(PIL.Image.fromarray(pixels).resize((width, height), PIL.Image.Resampling.BOX))


@pytest.mark.parametrize("kind", raws.KINDS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_the_picture_that_was_made_from_a_raw_is_taken(kind, orientation):
    check_same_view(packs.codes(orientation), packs.frame(kind, orientation))


@pytest.mark.parametrize(
    "edit", [lambda x: 255 * (x / 255) ** 9, lambda x: 128 + (x - 128.0) / 4, lambda x: x // 40 * 40]
)
def test_editing_does_not_matter(edit):
    check_same_view(np.clip(edit(packs.codes()), 0, 255).astype(np.uint8), packs.frame())


def test_noise_does_not_matter():
    noisy = raws.photograph(packs.scene(), noise=NoiseModel(0.01, 0.001), crop=packs.CROP)

    check_same_view(packs.codes(), noisy)


@pytest.mark.parametrize("size", [(56, 42), (84, 63), (75, 56), (224, 168)])
def test_scale_does_not_matter_from_half_the_size_on(size):
    check_same_view(resized(packs.codes(), *size), packs.frame())


def test_less_than_half_the_size_is_too_small():
    with pytest.raises(InputError, match="at least half of that size"):
        check_same_view(resized(packs.codes(), 55, 41), packs.frame())


def test_other_proportions_are_refused():
    with pytest.raises(InputError, match="110 x 84 pixels, the raw shows 112 x 84"):
        check_same_view(packs.codes()[:, 2:], packs.frame())


@pytest.mark.parametrize("turn", [2, 3, 4])
def test_a_turned_or_mirrored_picture_is_told(turn):
    with pytest.raises(InputError, match="turned or mirrored"):
        check_same_view(np.ascontiguousarray(upright(packs.codes(), turn)), packs.frame())


@pytest.mark.parametrize("turn", range(2, 9))
def test_of_a_square_picture_every_turn_is_told(turn):
    square = {"crop": (4, 6, 80, 80)}
    pixels = packs.codes()[:80, :80]

    check_same_view(pixels, packs.frame(**square))
    with pytest.raises(InputError, match="turned or mirrored"):
        check_same_view(np.ascontiguousarray(upright(pixels, turn)), packs.frame(**square))


def test_a_mirrored_picture_of_a_scene_that_is_almost_symmetric_is_told():
    def facade(seed):
        half = packs.scene(packs.HEIGHT, packs.WIDTH // 2, seed=1)
        light = np.concatenate([half, half[:, ::-1]], axis=1)
        return 0.6 * light + 0.4 * packs.scene(seed=seed)

    # Centred, so that the axis of symmetry is that of the picture.
    shown = np.s_[4:88, 5:117]
    frame = raws.photograph(facade(2), crop=(4, 5, 84, 112))
    pixels = (srgb_encode(facade(2)[shown].astype(np.float32)) * 255).astype(np.uint8)

    check_same_view(pixels, frame)
    with pytest.raises(InputError, match="turned or mirrored"):
        check_same_view(np.ascontiguousarray(pixels[:, ::-1]), frame)


def test_another_picture_of_the_same_size_is_refused():
    with pytest.raises(InputError, match="does not show what the raw shows"):
        check_same_view(packs.codes(seed=2), packs.frame())


def test_one_lamp_at_the_same_place_makes_no_same_picture():
    def night(seed):
        light = packs.scene(seed=seed) * np.float32(0.02)
        light[36:60, 46:70] = 1.0
        return light

    top, left, height, width = packs.CROP
    frame = raws.photograph(night(1), crop=packs.CROP)
    same, other = (
        (srgb_encode(night(seed)[top : top + height, left : left + width]) * 255).astype(np.uint8)
        for seed in (1, 2)
    )

    check_same_view(same, frame)
    with pytest.raises(InputError, match="does not show what the raw shows"):
        check_same_view(other, frame)


def test_a_picture_that_was_moved_is_refused():
    with pytest.raises(InputError, match="does not show what the raw shows"):
        check_same_view(np.roll(packs.codes(), (8, 8), axis=(0, 1)), packs.frame())


def test_a_flat_picture_proves_nothing():
    flat = raws.photograph(scenes.grey(packs.HEIGHT, packs.WIDTH), crop=packs.CROP)

    with pytest.raises(InputError, match="does not show"):
        check_same_view(packs.codes(), flat)


def test_a_tiny_raw_proves_nothing():
    tiny = raws.photograph(packs.scene(16, 16))

    with pytest.raises(InputError, match="too small to tell"):
        check_same_view(packs.codes()[:16, :16], tiny)
