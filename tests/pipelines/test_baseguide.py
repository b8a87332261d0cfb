"""Where the pixels of a base lie on the sensor."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.io.orientation import upright
from rawtool.pipelines.baseguide import Placing, lay_guide, lay_rggb_guide, placing_of, turn_to_sensor
from rawtool.sensor.cfa import pad_to_rggb
from rawtool.vocabulary import CfaPattern
from tests import packs

ORIENTATIONS = st.integers(1, 8)


def numbered(height, width):
    """Pixels that are all different."""
    flat = np.arange(height * width)
    return np.stack([flat // 256, flat % 256, flat % 7], axis=-1).astype(np.uint8).reshape(height, width, 3)


@given(frame=ORIENTATIONS)
def test_an_upright_base_is_turned_back_by_the_inverse_of_the_frames_orientation(frame):
    sensor = numbered(5, 7)

    np.testing.assert_array_equal(upright(upright(sensor, frame), turn_to_sensor(1, frame)), sensor)


@given(frame=ORIENTATIONS)
def test_a_base_with_the_frames_own_orientation_lies_as_the_sensor_does(frame):
    assert turn_to_sensor(frame, frame) == 1


@given(base=ORIENTATIONS, frame=ORIENTATIONS)
def test_any_two_orientations_of_one_picture_lead_to_the_sensor(base, frame):
    sensor = numbered(4, 6)
    back = {6: 8, 8: 6}.get(base, base)
    stored = upright(upright(sensor, frame), back)

    np.testing.assert_array_equal(upright(stored, turn_to_sensor(base, frame)), sensor)


@given(orientation=ORIENTATIONS)
def test_the_guide_lies_at_the_crop_whatever_the_orientation(orientation):
    frame = packs.frame(orientation=orientation)
    shown = numbered(*packs.CROP[2:])

    guide = lay_guide(upright(shown, orientation), placing_of(frame, 1), frame.samples.shape)

    top, left, height, width = packs.CROP
    np.testing.assert_array_equal(guide[top : top + height, left : left + width], shown)


def test_outside_of_the_crop_the_nearest_pixel_of_the_edge_is_repeated():
    shown = numbered(2, 3)

    guide = lay_guide(shown, Placing(1, (1, 2, 2, 3)), (4, 7))

    np.testing.assert_array_equal(guide, np.pad(shown, ((1, 1), (2, 2), (0, 0)), mode="edge"))


def test_a_smaller_base_gives_each_site_the_pixel_that_its_middle_lies_in():
    column = np.arange(3, dtype=np.uint8)[None, :, None].repeat(3, axis=2)

    guide = lay_guide(column, Placing(1, (0, 0, 1, 7)), (1, 7))

    # Middles at 0.5/7 ... 6.5/7 of the width, pixels end at 1/3 and 2/3.
    assert guide[0, :, 0].tolist() == [0, 0, 1, 1, 1, 2, 2]


def test_a_base_of_twice_the_size_gives_the_lower_right_of_its_four_pixels():
    guide = lay_guide(numbered(8, 12), Placing(1, (0, 0, 4, 6)), (4, 6))

    np.testing.assert_array_equal(guide, numbered(8, 12)[1::2, 1::2])


@pytest.mark.parametrize("pattern", CfaPattern)
@pytest.mark.parametrize("shape", [(6, 8), (7, 8), (6, 9), (7, 9)])
def test_the_guide_of_planes_lies_on_the_padded_mosaic(pattern, shape):
    shown = numbered(*shape)
    counts = shown[..., 1].astype(np.uint16)

    guide = lay_rggb_guide(shown, Placing(1, (0, 0, *shape)), shape, pattern)

    padded = pad_to_rggb(counts, pattern)
    top = int(pattern in {CfaPattern.GBRG, CfaPattern.BGGR})
    left = int(pattern in {CfaPattern.GRBG, CfaPattern.BGGR})
    inside = np.s_[top : top + shape[0], left : left + shape[1]]
    assert guide.shape == (*padded.shape, 3)
    np.testing.assert_array_equal(guide[inside][..., 1], padded[inside])


def test_a_guide_is_whole_numbers_and_in_one_piece():
    guide = lay_guide(numbered(4, 6), Placing(6, (0, 0, 6, 4)), (6, 4))

    assert (guide.dtype, guide.flags.c_contiguous) == (np.uint8, True)
