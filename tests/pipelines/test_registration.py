"""A picture is laid on its raw's light to the pixel, or refused."""

import numpy as np
import PIL.Image
import pytest

from rawtool.color.transfer import srgb_encode
from rawtool.errors import InputError
from rawtool.pipelines.registration import REACH, common_area, measure, place


def light(seed=0, height=600, width=800):
    """Textured luminance, as a scene has it: blobs of many sizes."""
    random = np.random.default_rng(seed)
    found = np.zeros((height, width), np.float32)
    for scale in (2, 4, 8, 32):
        small = random.random((height // scale + 2, width // scale + 2)).astype(np.float32)
        found += np.kron(small, np.ones((scale, scale), np.float32))[:height, :width]
    return (found / 4) ** 3


def turned(picture, degrees):
    picture = PIL.Image.fromarray(picture).rotate(degrees, PIL.Image.Resampling.BICUBIC)
    return np.asarray(picture)


def stretched(picture):
    """Enlarged by 2 per cent and cut to its size again, as a lens correction does."""
    height, width = picture.shape
    size = (round(width * 1.02), round(height * 1.02))
    large = np.asarray(PIL.Image.fromarray(picture).resize(size, PIL.Image.Resampling.BICUBIC))
    return np.ascontiguousarray(large[6 : 6 + height, 8 : 8 + width])


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (3, 8), (20, 1), (17, 30)])
def test_a_shift_is_found_to_the_pixel(rows, columns):
    whole = light()
    picture = srgb_encode(whole[rows : 600 - 24 + rows, columns : 800 - 30 + columns][:570, :760])

    found = place(picture, whole)

    assert (found.rows, found.columns, found.bend) == (rows, columns, 0.0)
    cut, under = common_area(found, picture, whole)
    np.testing.assert_array_equal(cut, srgb_encode(under))


def test_a_picture_that_is_larger_than_the_light_is_cut():
    whole = light()

    found = place(srgb_encode(whole), whole[4:590, 6:])

    assert (found.rows, found.columns) == (-4, -6)
    assert common_area(found, whole, whole[4:590, 6:])[0].shape == (586, 794)


@pytest.mark.parametrize("edit", [lambda x: x**5, lambda x: 1 - (1 - x) ** 3, lambda x: np.rint(x * 12) / 12])
def test_tone_does_not_matter(edit):
    whole = light()

    found = place(edit(srgb_encode(whole[5:, 7:])).astype(np.float32), whole)

    assert (found.rows, found.columns) == (5, 7)


def test_noise_does_not_matter():
    whole = light()
    noise = np.random.default_rng(3).normal(0, 0.03, whole.shape).astype(np.float32)

    assert (place(srgb_encode(whole)[2:], whole + noise)).rows == 2


def test_another_picture_is_refused():
    with pytest.raises(InputError, match=r"does not lie on the raw \(likeness 0\.0"):
        place(srgb_encode(light(1)), light(2))


@pytest.mark.parametrize("bent", [lambda x: turned(x, 1.0), stretched])
def test_what_is_turned_or_stretched_is_refused(bent):
    whole = light()

    with pytest.raises(InputError, match=r"moved by|does not lie"):
        place(bent(srgb_encode(whole)), whole)


@pytest.mark.parametrize("share", [0.99, 1.015])
def test_a_stretch_is_measured(share):
    whole = light()
    size = (round(800 * share), round(600 * share))
    picture = PIL.Image.fromarray(srgb_encode(whole)).resize(size, PIL.Image.Resampling.BICUBIC)

    found = measure(np.asarray(picture), whole)

    assert 1.0 + found.stretch == pytest.approx(1.0 / share, abs=2e-3)
    assert found.likeness > 0.5


def test_other_sizes_and_tiny_pictures_are_refused():
    with pytest.raises(InputError, match="export the whole picture, not cropped"):
        place(srgb_encode(light())[: 600 - 2 * REACH - 1], light())
    with pytest.raises(InputError, match="smaller than 48 pixels"):
        place(light(height=40, width=60), light(height=40, width=60))


def test_a_picture_without_detail_is_refused():
    with pytest.raises(InputError, match="does not lie on the raw"):
        place(np.full((600, 800), 0.5, np.float32), light())
