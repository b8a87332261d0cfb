"""What travels between the rooms."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rawtool.frames import Capture, Cfa, Image, RawFrame
from rawtool.vocabulary import CfaPattern, SensorKind, Space
from tests import strategies


def frame_of(samples):
    capture = Capture("Maker", "Camera", None, ())
    crop = (0, 0, *samples.shape[:2])
    return RawFrame(samples, SensorKind.MONOCHROME, None, (0.0,), 65535.0, crop, capture)


@given(strategies.PATTERNS)
def test_the_phase_of_a_bayer_cell_is_read_row_by_row(pattern):
    assert strategies.cfa_of(pattern).pattern is pattern


def test_red_first_is_rggb():
    assert Cfa(((0, 1), (1, 2))).pattern is CfaPattern.RGGB


@pytest.mark.parametrize(
    "cell",
    [
        ((0, 1), (1, 1)),
        ((0, 1, 1, 2),),
        ((0, 0, 1, 1), (0, 0, 1, 1), (1, 1, 2, 2), (1, 1, 2, 2)),
    ],
    ids=["two reds short of Bayer", "one row", "Quad Bayer"],
)
def test_a_cell_that_is_not_bayer_has_no_phase(cell):
    assert Cfa(cell).pattern is None


@given(strategies.counts())
def test_a_frame_knows_its_size(counts):
    frame = frame_of(counts)

    assert (frame.height, frame.width) == counts.shape


def test_a_frame_cannot_be_changed():
    frame = frame_of(np.zeros((2, 4), np.uint16))

    with pytest.raises(dataclasses.FrozenInstanceError):
        frame.white_level = 1.0


@given(st.sampled_from([np.uint8, np.uint16]).flatmap(lambda dtype: hnp.arrays(dtype, (2, 3, 3))))
def test_codes_as_floats_reach_from_0_to_1(codes):
    pixels = Image(codes, Space.DISPLAY).as_float()

    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels, codes / (2.0 ** (8 * codes.itemsize) - 1), atol=1e-7)


def test_floats_are_left_as_they_are():
    light = np.array([[[0.5, 2.0, -0.1]]], np.float32)

    assert Image(light, Space.SCENE_LINEAR).as_float() is light
