"""How close a picture is to the truth.

Pictures are (H, W) or (H, W, C) floats of one shape; sums are kept in float64, strip by strip. A mean
over pixels that meet a condition is nan when none does.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rawtool.arrays import AnyArray, Rgb8
from rawtool.color import spaces, transfer
from rawtool.color.matrices import D65_WHITE, apply_matrix
from rawtool.vocabulary import Profile

LUMA_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])
"""ITU-R BT.709-6, item 3.2."""

_STRIP = 256


def _strips(height: int) -> Iterator[slice]:
    """Cut rows into strips, so that float64 temporaries of a large picture stay small."""
    return (slice(top, min(top + _STRIP, height)) for top in range(0, height, _STRIP))


def _require_same_shape(picture: AnyArray, truth: AnyArray) -> None:
    if picture.shape != truth.shape:
        raise ValueError(f"pictures differ in shape: {picture.shape} and {truth.shape}")


def luma(picture: AnyArray) -> AnyArray:
    """Weigh the channels of (H, W, 3) as BT.709 does, in float64."""
    return picture.astype(np.float64) @ LUMA_WEIGHTS


# Peak signal-to-noise ratio.


def psnr(picture: AnyArray, truth: AnyArray, peak: float = 1.0) -> float:
    """Compute 10 log10(peak^2 / mean square error) over all values; infinite for equal pictures."""
    _require_same_shape(picture, truth)
    total = sum(
        float(np.square(picture[rows].astype(np.float64) - truth[rows]).sum()) for rows in _strips(len(truth))
    )
    return 10 * math.log10(peak**2 * truth.size / total) if total else math.inf


def psnr_l(scene_linear: AnyArray, truth: AnyArray) -> float:
    """Compute PSNR-L (NTIRE 2021): negatives to 0, both divided by the largest value of the truth."""
    peak = float(truth.max())
    return psnr(np.maximum(scene_linear, 0) / peak, np.maximum(truth, 0) / peak)


def psnr_mu(scene_linear: AnyArray, truth: AnyArray) -> float:
    """Compute PSNR-mu (NTIRE 2021) of linear pictures, relative to the 99th percentile of the truth.

    The challenge's own scripts start from gamma-encoded values and raise them to 2.24 first, which
    gives figures some 14 dB higher; here the pictures are linear already.
    """
    norm = max(float(np.percentile(np.maximum(truth, 0), 99)), 1e-9)
    compressed, reference = (
        transfer.mu_law_encode(np.tanh(np.maximum(light, 0) / norm)) for light in (scene_linear, truth)
    )
    return psnr(compressed, reference)


# Structural similarity (Wang et al. 2004), with an 11 x 11 Gaussian window and population covariance.

SSIM_WINDOW = 11
_SSIM_SIGMA = 1.5
_SSIM_K1, _SSIM_K2 = 0.01, 0.03


def ssim(picture: AnyArray, truth: AnyArray, peak: float = 1.0, *, replicate_borders: bool = False) -> float:
    """Compute SSIM as TensorFlow does: windows inside the picture only, mean over channels.

    With replicate_borders as MATLAB's ``ssim`` does: one window per pixel, border pixels repeated.

    Raises:
        ValueError: a side is shorter than the window.
    """
    _require_same_shape(picture, truth)
    if replicate_borders:
        margin = SSIM_WINDOW // 2
        padding = ((margin, margin), (margin, margin), (0, 0))[: truth.ndim]
        picture, truth = (np.pad(pixels, padding, mode="edge") for pixels in (picture, truth))
    if min(truth.shape[:2]) < SSIM_WINDOW:
        raise ValueError(f"a picture of {truth.shape[:2]} is smaller than the SSIM window")
    channels = zip(_channels(picture), _channels(truth), strict=True)
    return float(np.mean([_plane_ssim(a, b, peak) for a, b in channels]))


def _channels(picture: AnyArray) -> AnyArray:
    return np.moveaxis(np.atleast_3d(picture), -1, 0)


def _plane_ssim(a: AnyArray, b: AnyArray, peak: float) -> float:
    height, width = a.shape[0] - SSIM_WINDOW + 1, a.shape[1] - SSIM_WINDOW + 1
    total = 0.0
    for rows in _strips(height):
        covered = slice(rows.start, rows.stop + SSIM_WINDOW - 1)
        total += float(_ssim_map(a[covered].astype(np.float64), b[covered].astype(np.float64), peak).sum())
    return total / (height * width)


def _ssim_map(a: AnyArray, b: AnyArray, peak: float) -> AnyArray:
    c1, c2 = (_SSIM_K1 * peak) ** 2, (_SSIM_K2 * peak) ** 2
    mean_a, mean_b = _blur(a), _blur(b)
    variances = _blur(a * a + b * b) - mean_a**2 - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    luminance_part = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return luminance_part * (2 * covariance + c2) / (variances + c2)


def _blur(plane: AnyArray) -> AnyArray:
    """Convolve with the window where it fits."""
    return _blur_down(_blur_down(plane).T).T


def _blur_down(plane: AnyArray) -> AnyArray:
    """Convolve the columns: a band matrix times blocks, which numpy does fastest.

    The blocks are small enough for BLAS to stay on one thread; on a busy machine its threads cost
    twenty times what they gain here.
    """
    n_rows, n_columns = 16, 512
    band = _band(n_rows)
    height, width = plane.shape[0] - SSIM_WINDOW + 1, plane.shape[1]
    result = np.empty((height, width))
    for top, left in itertools.product(range(0, height, n_rows), range(0, width, n_columns)):
        kept = min(n_rows, height - top)
        covered = kept + SSIM_WINDOW - 1
        columns = slice(left, left + n_columns)
        result[top : top + kept, columns] = band[:kept, :covered] @ plane[top : top + covered, columns]
    return result


def _band(size: int) -> AnyArray:
    """Build the matrix (size, size + 10) whose every row is the window, one column further each."""
    offsets = np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2
    window = np.exp(-0.5 * (offsets / _SSIM_SIGMA) ** 2)
    padded = np.concatenate([window / window.sum(), np.zeros(size)])
    return np.resize(padded, (size, size + SSIM_WINDOW - 1))


# PU21 metrics (Mantiuk and Azimi 2021): absolute light, cd/m2, in perceptually uniform units.

PU21_METRIC_PEAK = 256.0
"""The published code's peak: the code of 100 cd/m2, not that of the brightest light."""
LUMINANCE_WEIGHTS = np.array([0.212656, 0.715158, 0.072186])
"""The published code's."""


def pu21_psnr(nits: AnyArray, truth_nits: AnyArray) -> float:
    """Compute PU21-PSNR over the channels of absolute RGB."""
    return psnr(transfer.pu21_encode(nits), transfer.pu21_encode(truth_nits), PU21_METRIC_PEAK)


def pu21_psnr_y(nits: AnyArray, truth_nits: AnyArray) -> float:
    """Compute PU21-PSNRY: of the luminance of absolute RGB."""
    return psnr(_pu21_luminance(nits), _pu21_luminance(truth_nits), PU21_METRIC_PEAK)


def pu21_ssim(nits: AnyArray, truth_nits: AnyArray, *, replicate_borders: bool = True) -> float:
    """Compute PU21-SSIM of the luminance of absolute RGB, with MATLAB's borders as published."""
    encoded, reference = _pu21_luminance(nits), _pu21_luminance(truth_nits)
    return ssim(encoded, reference, PU21_METRIC_PEAK, replicate_borders=replicate_borders)


def _pu21_luminance(nits: AnyArray) -> AnyArray:
    return transfer.pu21_encode(nits @ LUMINANCE_WEIGHTS.astype(nits.dtype))


# Colour.


def color_angle(picture: AnyArray, truth: AnyArray) -> float:
    """Compute CameraNet's colour error: the mean angle in degrees between RGB vectors.

    Over the pixels whose luma in the truth lies in (0.05, 0.95), of the values as they are given. A
    black pixel is 90 degrees from any colour.
    """
    _require_same_shape(picture, truth)
    luminance_part = luma(truth)
    counted = (luminance_part > 0.05) & (luminance_part < 0.95)
    a, b = picture[counted].astype(np.float64), truth[counted].astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosines = (a * b).sum(axis=1) / np.maximum(lengths, 1e-12)
    return float(np.degrees(np.arccos(np.clip(cosines, -1, 1))).mean()) if counted.any() else math.nan


def lab_from_rgb(scene_linear: AnyArray, profile: Profile) -> AnyArray:
    """Convert relative linear light (H, W, 3) float32 of the profile's primaries to CIELAB under D65."""
    return lab_from_xyz(apply_matrix(spaces.xyz_from_rgb(profile), scene_linear))


def lab_from_xyz(xyz: AnyArray) -> AnyArray:
    """Convert XYZ (..., 3), relative to D65 with white Y = 1, to CIELAB in float64 (CIE 15:2018, 8.2.1)."""
    ratio = xyz.astype(np.float64) / D65_WHITE
    joint = 6 / 29
    root = np.where(ratio > joint**3, np.cbrt(ratio), ratio / (3 * joint**2) + 4 / 29)
    fx, fy, fz = np.moveaxis(root, -1, 0)
    return np.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], axis=-1)


def delta_e_2000(lab: AnyArray, other: AnyArray) -> AnyArray:
    """Compute CIEDE2000 of CIELAB colours (..., 3), with kL = kC = kH = 1.

    After Sharma, Wu and Dalal 2005, whose conditions for hues that differ by 180 degrees are kept.
    """
    (light_1, a_1, b_1), (light_2, a_2, b_2) = (
        np.moveaxis(x.astype(np.float64), -1, 0) for x in (lab, other)
    )
    stretch = 1.5 - 0.5 * _saturation((np.hypot(a_1, b_1) + np.hypot(a_2, b_2)) / 2)
    chroma_1, chroma_2 = np.hypot(stretch * a_1, b_1), np.hypot(stretch * a_2, b_2)
    hue_1, hue_2 = (np.degrees(np.arctan2(b, stretch * a)) % 360 for a, b in ((a_1, b_1), (a_2, b_2)))
    turn, mean_hue = _hue_turn(hue_1, hue_2)
    light = (light_1 + light_2) / 2 - 50
    chroma = (chroma_1 + chroma_2) / 2
    d_light = (light_2 - light_1) / (1 + 0.015 * light**2 / np.sqrt(20 + light**2))
    d_chroma = (chroma_2 - chroma_1) / (1 + 0.045 * chroma)
    d_hue = 2 * np.sqrt(chroma_1 * chroma_2) * np.sin(np.radians(turn) / 2)
    d_hue /= 1 + 0.015 * chroma * _hue_weight(mean_hue)
    rotation = np.sin(np.radians(60 * np.exp(-(((mean_hue - 275) / 25) ** 2)))) * -2 * _saturation(chroma)
    return np.sqrt(np.maximum(d_light**2 + d_chroma**2 + d_hue**2 + rotation * d_chroma * d_hue, 0))


def delta_e_2000_mean(scene_linear: AnyArray, truth: AnyArray, profile: Profile) -> float:
    """Compute the mean CIEDE2000 of relative linear pictures (H, W, 3) float32 of the profile's primaries."""
    _require_same_shape(scene_linear, truth)
    total = sum(
        float(delta_e_2000(lab_from_rgb(found, profile), lab_from_rgb(wanted, profile)).sum())
        for found, wanted in ((scene_linear[rows], truth[rows]) for rows in _strips(len(truth)))
    )
    return total / (truth.size / 3)


def _saturation(chroma: AnyArray) -> AnyArray:
    return np.sqrt(chroma**7 / (chroma**7 + 25.0**7))


def _hue_turn(hue_1: AnyArray, hue_2: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Give the turn from one hue to the other and their mean, in degrees.

    A grey has no hue, but neither does its mean matter: without chroma there is no hue difference.
    """
    turn = hue_2 - hue_1
    wraps = np.abs(turn) > 180
    total = hue_1 + hue_2
    mean = (total + np.where(wraps, np.where(total < 360, 360, -360), 0)) / 2
    return turn - 360 * np.sign(turn) * wraps, mean


def _hue_weight(hue: AnyArray) -> AnyArray:
    harmonics = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    return 1 + sum(gain * np.cos(np.radians(n * hue + phase)) for gain, n, phase in harmonics)


def highlight_error(scene_linear: AnyArray, truth: AnyArray, ldr_codes: Rgb8, threshold: int = 254) -> float:
    """Compute the mean luminance error in stops where the LDR picture was clipped.

    Clipped is a pixel whose largest 8-bit code is at or above threshold: 254, or 250 after JPEG.
    """
    _require_same_shape(scene_linear, truth)
    clipped = ldr_codes.max(axis=2) >= threshold
    ev, reference = (
        np.log2(np.maximum(light[clipped].astype(np.float64) @ LUMINANCE_WEIGHTS, 1e-4))
        for light in (scene_linear, truth)
    )
    return float(np.abs(ev - reference).mean()) if clipped.any() else math.nan


# Scores of whole journeys.


@dataclass(frozen=True, slots=True)
class Score:
    """PSNR in dB, SSIM, mean colour angle in degrees."""

    psnr: float
    ssim: float
    angle: float


def exposure_fit(scene_linear: AnyArray, truth: AnyArray) -> float:
    """Find the factor that brings a scene-linear result (H, W, 3) nearest to the truth.

    Least squares over the pixels whose truth is under 0.9 in every channel.
    """
    _require_same_shape(scene_linear, truth)
    counted = truth.max(axis=2) < 0.9
    result, target = scene_linear[counted].astype(np.float64), truth[counted].astype(np.float64)
    energy = float(np.square(result).sum())
    return float((result * target).sum()) / energy if energy > 0 else 1.0


SCORE_BORDER = 8
"""Pixels left out on every side: tools differ in what they invent there."""


def restoration_score(scene_linear: AnyArray, truth: AnyArray) -> Score:
    """Score a scene-linear result against a truth in [0, 1], both (H, W, 3) with Rec.709 primaries.

    One exposure factor is fitted; then clip, drop the border, encode as sRGB: PSNR, SSIM of the luma
    and colour angle are all of the encoded pictures.
    """
    exposed = scene_linear * np.asarray(exposure_fit(scene_linear, truth), scene_linear.dtype)
    inside = slice(SCORE_BORDER, -SCORE_BORDER)
    encoded, target = (transfer.encode(light[inside, inside], Profile.SRGB) for light in (exposed, truth))
    return Score(psnr(encoded, target), ssim(luma(encoded), luma(target)), color_angle(encoded, target))


def finishing_score(encoded: AnyArray, truth: AnyArray) -> Score:
    """Score a display-encoded picture, clipped to [0, 1], as CameraNet does: SSIM over the channels."""
    result = transfer.clip_display(encoded)
    return Score(psnr(result, truth), ssim(result, truth), color_angle(result, truth))
