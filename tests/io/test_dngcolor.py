import io

import numpy as np
import pytest

from rawtool.io.dngcolor import read_matrices, read_neutral
from rawtool.io.tiffdir import read_directories
from tests.io.material import CAMERA_FROM_XYZ, rational, short, tiff


def directory(*tags):
    return read_directories(io.BytesIO(tiff(list(tags))))[0]


def matrix(code, values):
    return rational(code, *[(round(v * 10000), 10000) for v in np.ravel(values)], kind=10)


def test_matrices_are_ordered_by_temperature_with_their_lights():
    found = directory(
        matrix(50721, CAMERA_FROM_XYZ), short(50778, 21), matrix(50722, np.eye(3)), short(50779, 17)
    )
    first, second = read_matrices(found, found)

    assert (first.cct_k, second.cct_k) == (2856.0, 6504.0)
    np.testing.assert_allclose(second.camera_from_xyz, CAMERA_FROM_XYZ)
    assert first.xyz_d50_from_balanced is None


def test_the_forward_matrix_goes_with_its_light():
    found = directory(matrix(50721, CAMERA_FROM_XYZ), short(50778, 23), matrix(50964, 0.5 * np.eye(3)))
    (light,) = read_matrices(found, found)

    assert light.cct_k == 5003.0
    np.testing.assert_allclose(light.xyz_d50_from_balanced, 0.5 * np.eye(3))


def test_analog_balance_and_calibration_are_multiplied_in():
    found = directory(
        matrix(50721, CAMERA_FROM_XYZ),
        matrix(50723, np.diag([1.1, 1.0, 0.9])),
        rational(50727, (2, 1), (1, 1), (3, 1)),
    )
    (light,) = read_matrices(found, found)

    np.testing.assert_allclose(light.camera_from_xyz, np.diag([2.2, 1.0, 2.7]) @ CAMERA_FROM_XYZ)


def test_a_matrix_without_inverse_is_no_matrix():
    found = directory(matrix(50721, np.ones((3, 3))))

    assert read_matrices(found, found) == ()


def test_the_neutral_has_green_one():
    found = directory(rational(50728, (1, 4), (1, 2), (3, 4)))

    np.testing.assert_allclose(read_neutral(found, found, ()), [0.5, 1.0, 1.5])


def test_the_neutral_follows_from_a_chromaticity_through_the_matrix():
    xy = rational(50729, (31271, 100000), (32902, 100000))
    found = directory(matrix(50721, CAMERA_FROM_XYZ), short(50778, 21), xy)
    expected = CAMERA_FROM_XYZ @ [0.31271 / 0.32902, 1.0, (1 - 0.31271 - 0.32902) / 0.32902]
    found_neutral = read_neutral(found, found, read_matrices(found, found))

    np.testing.assert_allclose(found_neutral, expected / expected[1], rtol=1e-6)


@pytest.mark.parametrize("tags", [(), (rational(50728, (0, 1), (1, 1), (1, 1)),)])
def test_a_silent_file_has_no_neutral(tags):
    found = directory(short(258, 16), *tags)

    assert read_neutral(found, found, ()) is None


def test_between_two_lights_the_matrices_are_mixed_by_inverse_temperature():
    x, y = 0.34567, 0.35850  # D50, 5003 K
    found = directory(
        matrix(50721, np.eye(3)),
        short(50778, 17),
        matrix(50722, np.diag([2.0, 1.0, 1.0])),
        short(50779, 21),
        rational(50729, (34567, 100000), (35850, 100000)),
    )
    share = (1 / 2856 - 1 / 5003) / (1 / 2856 - 1 / 6504)
    red = (1 + share) * x / y

    np.testing.assert_allclose(
        read_neutral(found, found, read_matrices(found, found)), [red, 1.0, (1 - x - y) / y], rtol=1e-3
    )
