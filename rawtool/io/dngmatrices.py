"""The colour tags of the DNGs that are written. Source: DNG 1.7.1, chapter 6."""

import numpy as np

from rawtool.arrays import Matrix3, Vector3
from rawtool.frames import Capture, Illuminated
from rawtool.io.exif import short_entry
from rawtool.io.tiffdir import Entry
from rawtool.io.tiffwriter import rational_entry

# Chromaticities of CIE 15 and the EXIF LightSource number, by colour temperature in kelvin.
_LIGHTS = {
    2856.0: (17, 0.44757, 0.40745),
    5003.0: (23, 0.34567, 0.35850),
    5503.0: (20, 0.33242, 0.34743),
    6504.0: (21, 0.31271, 0.32902),
    7504.0: (22, 0.29902, 0.31485),
}
_XYZ_D50 = np.array([0.34567 / 0.35850, 1.0, (1 - 0.34567 - 0.35850) / 0.35850])
# Lam, "Metamerism and Colour Constancy", 1985, as in ICC.1:2022, annex E.
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
# The tags CalibrationIlluminant, ColorMatrix and ForwardMatrix of the two lights.
_TAGS = ((50778, 50721, 50964), (50779, 50722, 50965))


def color_entries(capture: Capture, order: str) -> list[Entry]:
    """Return matrices and neutral; of more than two lights the coolest and the warmest."""
    lights = (
        capture.matrices[:1] if len(capture.matrices) == 1 else (capture.matrices[0], capture.matrices[-1])
    )
    entries: list[Entry] = []
    for light, (illuminant, color, forward) in zip(lights, _TAGS, strict=False):
        entries.append(short_entry(order, illuminant, _nearest(light.cct_k)[0]))
        entries.append(rational_entry(order, color, light.camera_from_xyz.ravel().tolist(), is_signed=True))
        matrix = forward_matrix(light)
        entries.append(rational_entry(order, forward, matrix.ravel().tolist(), is_signed=True))
    if capture.as_shot_neutral is not None:
        neutral = capture.as_shot_neutral / capture.as_shot_neutral.max()
        entries.append(rational_entry(order, 50728, neutral.tolist(), is_signed=False))
    return entries


def forward_matrix(light: Illuminated) -> Matrix3:
    """Return the file's own ForwardMatrix, or the one that follows from the ColorMatrix and its light."""
    if light.xyz_d50_from_balanced is not None:
        return light.xyz_d50_from_balanced
    _, x, y = _nearest(light.cct_k)
    white = np.array([x / y, 1.0, (1 - x - y) / y])
    balanced = np.diag(light.camera_from_xyz @ white)
    return _adaptation(white, _XYZ_D50) @ np.linalg.inv(light.camera_from_xyz) @ balanced


def _nearest(cct_k: float) -> tuple[int, float, float]:
    """Return the standard light nearest in mired: its EXIF number and chromaticity."""
    return _LIGHTS[min(_LIGHTS, key=lambda known: abs(1e6 / known - 1e6 / cct_k))]


def _adaptation(source: Vector3, target: Vector3) -> Matrix3:
    """Return the Bradford matrix that takes XYZ under one white to XYZ under another."""
    gains = (_BRADFORD @ target) / (_BRADFORD @ source)
    matrix: Matrix3 = np.linalg.inv(_BRADFORD) @ np.diag(gains) @ _BRADFORD
    return matrix
