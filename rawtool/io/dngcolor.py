"""The colour tags of a DNG: matrices with their lights, and the neutral.

Source: DNG 1.7.1, chapter 6 "Mapping Camera Color Space to CIE XYZ Space".
"""

from collections.abc import Sequence

import numpy as np

from rawtool.arrays import Matrix3, Vector3
from rawtool.frames import Illuminated
from rawtool.io.tiffdir import Directory

_ANALOG_BALANCE = 50727
_AS_SHOT_NEUTRAL = 50728
_AS_SHOT_WHITE_XY = 50729
_CAMERA_SIGNATURE, _PROFILE_SIGNATURE = 50931, 50932
# (CalibrationIlluminant, ColorMatrix, ForwardMatrix, CameraCalibration) of the three lights.
_LIGHTS = ((50778, 50721, 50964, 50723), (50779, 50722, 50965, 50724), (52529, 52531, 52532, 52530))
_D65_CCT_K = 6504.0
# EXIF LightSource numbers to kelvin: CIE 15 for the lettered lights, the middle of EXIF 2.3's ranges else.
_CCT_K = {
    1: 5500,
    2: 4150,
    3: 2856,
    4: 5500,
    9: 5500,
    10: 6504,
    11: 7504,
    12: 6400,
    13: 5050,
    14: 4150,
    15: 3525,
    16: 2925,
    17: 2856,
    18: 4874,
    19: 6774,
    20: 5503,
    21: 6504,
    22: 7504,
    23: 5003,
    24: 3200,
}


def read_matrices(main: Directory, picture: Directory) -> tuple[Illuminated, ...]:
    """Return the matrices ordered by colour temperature; empty for one or four colours.

    AnalogBalance and CameraCalibration are multiplied into camera_from_xyz as the DNG model does.
    """
    balance = first_numbers((picture, main), _ANALOG_BALANCE, 3)
    is_calibrated = main.text(_CAMERA_SIGNATURE) == main.text(_PROFILE_SIGNATURE)
    found: dict[float, Illuminated] = {}
    for illuminant, color, forward, calibration in _LIGHTS:
        camera_from_xyz = _matrix((main, picture), color)
        if camera_from_xyz is None:
            continue
        own = _matrix((main, picture), calibration) if is_calibrated else None
        camera_from_xyz = (np.eye(3) if own is None else own) @ camera_from_xyz
        if balance is not None and min(balance) > 0:
            camera_from_xyz = np.diag(balance) @ camera_from_xyz
        code = picture.integer(illuminant, main.integer(illuminant, 21))
        cct_k = float(_CCT_K.get(code, _D65_CCT_K))
        found.setdefault(cct_k, Illuminated(cct_k, camera_from_xyz, _matrix((main, picture), forward)))
    return tuple(found[cct_k] for cct_k in sorted(found))


def read_neutral(main: Directory, picture: Directory, matrices: tuple[Illuminated, ...]) -> Vector3 | None:
    """Return the camera RGB of a grey object with green = 1, None when the file does not say."""
    neutral = first_numbers((picture, main), _AS_SHOT_NEUTRAL, 3)
    if neutral is None:
        white = first_numbers((picture, main), _AS_SHOT_WHITE_XY, 2)
        if white is None or not matrices or white[1] <= 0:
            return None
        neutral = _neutral_of(white[0], white[1], matrices)
    return None if min(neutral) <= 0 else np.asarray(neutral, np.float64) / neutral[1]


def first_numbers(places: Sequence[Directory], code: int, count: int) -> tuple[float, ...] | None:
    """Return a tag's values from the first directory that has exactly so many of them."""
    for place in places:
        values = place.numbers(code)
        if values is not None and len(values) == count:
            return values
    return None


def _matrix(places: Sequence[Directory], code: int) -> Matrix3 | None:
    """Return a 3x3 matrix that can be inverted, or None."""
    values = first_numbers(places, code, 9)
    if values is None:
        return None
    matrix = np.asarray(values, np.float64).reshape(3, 3)
    return matrix if abs(np.linalg.det(matrix)) > 1e-9 else None


def _neutral_of(x: float, y: float, matrices: tuple[Illuminated, ...]) -> tuple[float, ...]:
    """Return the camera RGB of the chromaticity (x, y), matrices mixed by inverse temperature."""
    xyz = np.array([x / y, 1.0, (1.0 - x - y) / y])
    # McCamy, "Correlated color temperature as an explicit function of chromaticity coordinates", 1992.
    n = (x - 0.3320) / (0.1858 - y)
    cct_k = max(1000.0, 449.0 * n**3 + 3525.0 * n**2 + 6823.3 * n + 5520.33)
    mireds = np.array([1e6 / light.cct_k for light in matrices])[::-1]
    stack = np.array([light.camera_from_xyz.ravel() for light in matrices])[::-1]
    mixed = np.array([np.interp(1e6 / cct_k, mireds, stack[:, index]) for index in range(9)])
    return tuple(mixed.reshape(3, 3) @ xyz)
