"""The frame before the networks: levels, defects, noise, the colour of the light."""

from dataclasses import dataclass

import numpy as np

from rawtool.arrays import AnyArray, Layers, Matrix3, Rgb, Vector3
from rawtool.color.matrices import D65_WHITE, SRGB_FROM_XYZ, XYZ_FROM_SRGB, apply_matrix, xyz_from_balanced
from rawtool.color.white_balance import gains_of_neutral, neutral_of_gains, neutral_of_xyz
from rawtool.errors import UsageError
from rawtool.frames import Cfa, Illuminated, RawFrame
from rawtool.pipelines.prepare import balance_samples, demosaic_balanced, restore_condition
from rawtool.pipelines.scratch import release, scratch
from rawtool.runtime.lanes import lane_map
from rawtool.runtime.network import ImageTerms, Network, reader, terms_from_thumbnail
from rawtool.runtime.thumbnails import thumbnail
from rawtool.sensor.cfa import RGGB, pad_to_rggb, rggb_offset
from rawtool.sensor.defects import apply_gain_maps, repair_hot_pixels
from rawtool.sensor.levels import normalise
from rawtool.sensor.noise import NoiseModel, estimate_noise
from rawtool.sensor.strips import Each
from rawtool.vocabulary import SensorKind

CODEC_FLOOR = 0.25
NO_MATRIX = "the file has no colour matrix: sRGB primaries are assumed"
NO_NEUTRAL = "the file has no as-shot white balance: the network's estimate is taken"


@dataclass(frozen=True, slots=True)
class Clean:
    """A frame after levels, gain maps and defects: samples 0 black, 1 white, beginning on a red site.

    origin is the place of the active area's first pixel in samples (a Bayer frame of another phase than
    RGGB has mirrored lines before it).
    """

    samples: AnyArray
    cfa: Cfa | None
    noise: NoiseModel
    origin: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Light:
    """The colour of the light: neutral (green = 1), gains (smallest 1), matrix to XYZ D65, network terms."""

    neutral: Vector3
    gains: Vector3
    xyz_from_balanced: Matrix3
    terms: ImageTerms
    warnings: tuple[str, ...]


def clean_frame(frame: RawFrame, n_lanes: int = 1) -> Clean:
    """Turn counts into clean samples and estimate their noise, in so many lanes."""
    each: Each = lane_map(n_lanes)
    samples = normalise(frame, out=scratch(frame.samples.shape), each=each)
    noise = measure_noise(samples, frame)
    period = _period(frame)
    if frame.kind in (SensorKind.BAYER, SensorKind.MONOCHROME):
        samples = repair_hot_pixels(samples, period, noise, out=samples, each=each)
    samples = apply_gain_maps(samples, frame.gain_maps, out=samples, each=each)
    pattern = frame.cfa.pattern if frame.cfa else None
    if pattern is None:
        return Clean(samples, frame.cfa, noise, (0, 0))
    return Clean(pad_to_rggb(samples, pattern), RGGB, noise, rggb_offset(pattern))


def measure_noise(samples: AnyArray, frame: RawFrame) -> NoiseModel:
    """Estimate the noise of a frame after levels.

    A camera's own codec may have erased the noise in flat places only, which fools the estimate: it is
    held at a quarter of what the file's NoiseProfile states, where there is one.
    """
    found = estimate_noise(samples.reshape(samples.shape[0], -1), _period(frame))
    stated = frame.capture.noise_profile
    if stated is None:
        return found
    return NoiseModel(max(found.shot, CODEC_FLOOR * stated[0]), max(found.read, CODEC_FLOOR * stated[1]))


def _period(frame: RawFrame) -> tuple[int, int]:
    """Give rows and columns after which the samples, channels side by side, repeat their colour."""
    if frame.cfa is not None:
        return len(frame.cfa.cell), len(frame.cfa.cell[0])
    return 1, 3 if frame.samples.ndim == 3 else 1


def find_light(frame: RawFrame, clean: Clean, network: Network, white_balance: str) -> Light:
    """Settle the white balance and do Restore-Net's global pass.

    Raises:
        UsageError: white_balance is not a known word or three gains.
    """
    warnings: list[str] = []
    matrices = frame.capture.matrices or (Illuminated(6504.0, SRGB_FROM_XYZ),)
    is_grey = frame.kind is SensorKind.MONOCHROME
    if not frame.capture.matrices and not is_grey:
        warnings.append(NO_MATRIX)
    small = camera_thumbnail(clean, network.card.thumbnail_size or 64)
    neutral = np.ones(3) if is_grey else _asked_neutral(frame, white_balance)
    if neutral is None:
        if white_balance == "camera":
            warnings.append(NO_NEUTRAL)
        neutral = _estimated_neutral(matrices, small, clean, network)
    matrix = XYZ_FROM_SRGB if is_grey else xyz_from_balanced(matrices, neutral)
    terms = _terms(network, small, neutral, matrix, clean)
    return Light(neutral, gains_of_neutral(neutral), matrix, terms, tuple(warnings))


def balanced_samples(clean: Clean, light: Light, n_lanes: int = 1) -> AnyArray:
    """Balance clean samples, in their own memory; what any channel clipped becomes white."""
    each: Each = lane_map(n_lanes)
    balanced = balance_samples(clean.samples, clean.cfa, light.gains, out=clean.samples, each=each)
    release(balanced)
    return balanced


def camera_thumbnail(clean: Clean, size: int) -> Rgb:
    """Average the samples of each colour down to (size, size, 3), camera RGB in [0, 1]."""
    samples = clean.samples
    if clean.cfa is not None and clean.cfa.pattern is not None:

        def cells(top: int, left: int, height: int, width: int) -> Layers:
            release(samples)
            window = np.s_[2 * top : 2 * (top + height), 2 * left : 2 * (left + width)]
            return _half_size(samples[window])

        return thumbnail(cells, (samples.shape[0] // 2, samples.shape[1] // 2), size)
    rgb = demosaic_balanced(np.minimum(samples, np.float32(1.0)), clean.cfa)
    return thumbnail(reader(rgb), (rgb.shape[0], rgb.shape[1]), size)


def _half_size(mosaic: AnyArray) -> AnyArray:
    """Make one pixel of every RGGB cell, cut at 1; the planes lie one after the other."""
    planes = np.empty((3, mosaic.shape[0] // 2, mosaic.shape[1] // 2), dtype=np.float32)
    for plane, (top, left) in zip(planes, ((0, 0), (0, 1), (1, 1)), strict=True):
        np.minimum(mosaic[top::2, left::2], np.float32(1.0), out=plane)
    planes[1] += np.minimum(mosaic[1::2, 0::2], np.float32(1.0))
    planes[1] *= np.float32(0.5)
    return np.moveaxis(planes, 0, 2)


def _asked_neutral(frame: RawFrame, white_balance: str) -> Vector3 | None:
    """Give the neutral that the words or the camera say; None when it is to be estimated."""
    if white_balance == "camera":
        return frame.capture.as_shot_neutral
    if white_balance == "auto":
        return None
    try:
        gains = np.array([float(part) for part in white_balance.split(",")])
    except ValueError as error:
        raise UsageError(f"white balance {white_balance!r} is not camera, auto or R,G,B gains") from error
    if gains.shape != (3,) or not np.all(np.isfinite(gains)) or gains.min() <= 0:
        raise UsageError(f"white balance {white_balance!r} needs three gains above 0, for example 2.1,1,1.5")
    return neutral_of_gains(gains)


def _estimated_neutral(
    matrices: tuple[Illuminated, ...], small: Rgb, clean: Clean, network: Network
) -> Vector3:
    """Ask the network for the light, seen through the daylight matrix; daylight if it cannot tell."""
    daylight = matrices[-1].camera_from_xyz @ D65_WHITE
    daylight = daylight / daylight[1]
    matrix = xyz_from_balanced(matrices, daylight)
    terms = _terms(network, small, daylight, matrix, clean)
    return daylight if terms.neutral is None else neutral_of_xyz(terms.neutral.astype(np.float64), matrix)


def _terms(network: Network, small: Rgb, neutral: Vector3, matrix: Matrix3, clean: Clean) -> ImageTerms:
    """Run the thumbnail pass: XYZ of the frame before white balance, noise of the balanced channels."""
    condition = restore_condition(clean.noise, gains_of_neutral(neutral), clean.cfa)
    seen = apply_matrix(matrix, small)
    return terms_from_thumbnail(network, seen, condition if network.card.condition_size else None)
