"""Camera RGB to XYZ and on: the only place that composes and turns matrices.

Matrices are named target_from_source and act on columns, so products chain.
"""

import numpy as np

from rawtool.arrays import AnyArray, Layers, Matrix3, Rgb, Vector3, lies_in_planes
from rawtool.frames import Illuminated

SRGB_FROM_XYZ: Matrix3 = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)
"""XYZ (D65) to linear Rec.709 primaries, as CameraNet's published code has it."""

XYZ_FROM_SRGB: Matrix3 = np.linalg.inv(SRGB_FROM_XYZ)

D65_WHITE: Vector3 = XYZ_FROM_SRGB.sum(axis=1)
"""XYZ of white in those primaries, Y = 1."""

D50_WHITE: Vector3 = np.array([0.96422, 1.0, 0.82521])
"""ICC profile connection space white (ICC.1:2022)."""

_BRADFORD: Matrix3 = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
"""Lam 1985, as the DNG specification uses it."""


def apply_matrix(matrix: Matrix3, picture: Layers, *, out: AnyArray | None = None) -> Rgb:
    """Multiply every pixel (H, W, 3) by a 3x3 matrix, in float32.

    The result lies in memory as the picture does, planes one after the other or pixel by pixel, or in out,
    which is (3, H, W) and contiguous.
    """
    factors = matrix.astype(np.float32)
    if out is not None or lies_in_planes(picture):
        planes = np.ascontiguousarray(np.moveaxis(picture, 2, 0), dtype=np.float32)
        made = np.empty_like(planes) if out is None else out
        np.matmul(factors, planes.reshape(3, -1), out=made.reshape(3, -1))
        return np.moveaxis(made, 0, 2)
    return np.ascontiguousarray(picture.reshape(-1, 3) @ factors.T).reshape(picture.shape)


def adapt_white(source: Vector3, target: Vector3) -> Matrix3:
    """Map XYZ under one white to XYZ under another (Bradford)."""
    cones = (_BRADFORD @ target) / (_BRADFORD @ source)
    return np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD


def xyz_of_xy(xy: tuple[float, float]) -> Vector3:
    """Give the XYZ of a chromaticity with Y = 1."""
    x, y = xy
    return np.array([x / y, 1.0, (1.0 - x - y) / y])


def cct_of_xyz(white: Vector3) -> float:
    """Estimate the correlated colour temperature in kelvin (McCamy 1992), within 1500 to 25000."""
    x, y = white[0] / white.sum(), white[1] / white.sum()
    n = (x - 0.3320) / (0.1858 - y)
    return float(np.clip(449.0 * n**3 + 3525.0 * n**2 + 6823.3 * n + 5520.33, 1500.0, 25000.0))


def planckian_xy(cct_k: float) -> tuple[float, float]:
    """Give the chromaticity of a black body (Kim et al. 2002 cubic fit), 1667 to 25000 K."""
    t = 1000.0 / cct_k
    if cct_k <= 4000.0:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if cct_k <= 2222.0:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif cct_k <= 4000.0:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    return x, y


def interpolate_matrices(matrices: tuple[Illuminated, ...], cct_k: float) -> Illuminated:
    """Blend two calibrations by reciprocal temperature, held at the ends (DNG specification, chapter 6)."""
    if not matrices:
        raise ValueError("a camera without matrices has nothing to interpolate")
    cool, warm = matrices[-1], matrices[0]
    if len(matrices) == 1 or cool.cct_k == warm.cct_k:
        return cool
    t = float(np.clip((1 / cct_k - 1 / cool.cct_k) / (1 / warm.cct_k - 1 / cool.cct_k), 0.0, 1.0))
    forward = None
    if cool.xyz_d50_from_balanced is not None and warm.xyz_d50_from_balanced is not None:
        forward = t * warm.xyz_d50_from_balanced + (1 - t) * cool.xyz_d50_from_balanced
    return Illuminated(cct_k, t * warm.camera_from_xyz + (1 - t) * cool.camera_from_xyz, forward)


def white_of_neutral(matrices: tuple[Illuminated, ...], neutral: Vector3) -> Vector3:
    """Find the XYZ (Y = 1) of the light that gives this neutral: the DNG specification's iteration."""
    white = D65_WHITE
    for _ in range(30):
        matrix = interpolate_matrices(matrices, cct_of_xyz(white)).camera_from_xyz
        found = np.linalg.solve(matrix, neutral)
        # A neutral that no light gives (a wrong tag) must not send the iteration astray.
        found = np.maximum(found / max(float(found[1]), 1e-6), 1e-3)
        if np.abs(found - white).max() < 1e-7:
            break
        white = found
    return white


def xyz_from_balanced(matrices: tuple[Illuminated, ...], neutral: Vector3) -> Matrix3:
    """Map white-balanced camera RGB (white = 1, 1, 1) to XYZ D65 (white = D65_WHITE).

    With two calibrations the matrix is interpolated for the light of ``neutral`` and its white
    adapted to D65; ForwardMatrix is used where the file has it. With one calibration the matrix
    is normalised so that its own D65 white is grey, which is what LibRaw does.
    """
    if len(matrices) == 1 and matrices[0].xyz_d50_from_balanced is None:
        camera_from_xyz = matrices[0].camera_from_xyz
        balanced_from_xyz = camera_from_xyz / (camera_from_xyz @ D65_WHITE)[:, None]
        return np.linalg.inv(balanced_from_xyz)
    white = white_of_neutral(matrices, neutral)
    found = interpolate_matrices(matrices, cct_of_xyz(white))
    if found.xyz_d50_from_balanced is not None:
        forward = found.xyz_d50_from_balanced
        # ForwardMatrix sends (1, 1, 1) to D50 up to rounding of the tag.
        forward = np.diag(D50_WHITE / forward.sum(axis=1)) @ forward
        return adapt_white(D50_WHITE, D65_WHITE) @ forward
    xyz_from_camera = np.linalg.inv(found.camera_from_xyz)
    to_d65 = adapt_white(xyz_from_camera @ neutral, D65_WHITE)
    return to_d65 @ xyz_from_camera @ np.diag(neutral)
