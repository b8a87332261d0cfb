import numpy as np

from rawtool.frames import Illuminated
from rawtool.io.dngmatrices import color_entries, forward_matrix
from rawtool.io.tiffdir import decode_numbers
from tests.io.material import CAMERA_FROM_XYZ, capture


def numbers(entries, code):
    return next(decode_numbers(entry, "<") for entry in entries if entry.code == code)


def test_the_forward_matrix_takes_balanced_white_to_the_white_of_the_connection_space():
    xyz = forward_matrix(Illuminated(6504.0, CAMERA_FROM_XYZ)) @ np.ones(3)

    np.testing.assert_allclose(xyz, [0.9642, 1.0, 0.8249], atol=3e-4)


def test_the_files_own_forward_matrix_is_kept():
    own = np.eye(3) * 0.7

    assert forward_matrix(Illuminated(6504.0, CAMERA_FROM_XYZ, own)) is own


def test_a_single_matrix_is_written_with_its_light():
    entries = color_entries(capture(), "<")

    assert numbers(entries, 50778) == (21.0,)
    np.testing.assert_allclose(numbers(entries, 50721), CAMERA_FROM_XYZ.ravel(), atol=1e-6)


def test_of_three_lights_the_outer_two_are_written():
    lights = tuple(
        Illuminated(cct, CAMERA_FROM_XYZ * scale) for cct, scale in ((2856.0, 1), (5003.0, 2), (6504.0, 3))
    )
    entries = color_entries(capture(matrices=lights), "<")

    assert numbers(entries, 50778) + numbers(entries, 50779) == (17.0, 21.0)
    np.testing.assert_allclose(numbers(entries, 50722), 3 * CAMERA_FROM_XYZ.ravel(), atol=1e-5)


def test_the_neutral_is_written_with_its_largest_channel_one():
    entries = color_entries(capture(as_shot_neutral=np.array([0.5, 1.0, 1.25])), "<")

    np.testing.assert_allclose(numbers(entries, 50728), (0.4, 0.8, 1.0))
