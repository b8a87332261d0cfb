"""Exposure and the finishing procedure: what Enhance-Net learns to do.

``finish`` turns a restored scene-linear picture into a finished one in five documented steps:

1. *exposure*: most of the way from the scene's own middle grey to 18 %, so that night stays darker than noon;
   a scene whose lights then stay far below white (snow, fog, a sheet of paper) goes half of the way up to it;
2. *local tone*: the large-scale part of log luminance (a guided filter) is compressed towards the pivot,
   which opens shadows and holds highlights; what remains, the detail, is kept and slightly raised;
3. *contrast*: a log-logistic curve that keeps 18 % where it is and reaches white at what the sensor clipped,
   at the scene's brightest if it clipped nothing, or at 60 % where nothing is as bright; what was clipped
   becomes white however dark it was exposed;
4. *colour*: hue-keeping (the ratio of the channels) mixed with the curve per channel, which lets
   highlights go to white as film does; a moderate gain of saturation that spares what is saturated already;
5. *gamut*: what still exceeds white is drawn towards its own luminance; then the sRGB curve.
"""

import numpy as np

from rawtool.arrays import AnyArray, Plane, Rgb
from rawtool.color.transfer import srgb_encode

LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""Rec.709 luminance weights."""

MIDDLE_GREY = 0.18
GREY_TARGET = 0.135
"""Where the geometric mean of luminance is sent; it lies below middle grey because shadows outweigh."""
ADAPTATION = 0.78
"""The share of the way to the target, in EV, that exposure goes."""
EXPOSURE_RANGE_EV = (-1.0, 5.0)
LIGHTS_PERCENTILE, LIGHTS_TARGET = 98.0, 0.75
"""What counts as the lights of a scene, and the luminance that they may well have."""
LIGHTS_SHARE, MOST_LIGHTS_EV = 0.5, 0.8
"""The share of the way, in EV, that dark lights are raised, and how far at most."""
LEAST_WHITE, WHITE_PERCENTILE = 0.6, 99.7
"""Light above which the curve always reaches white, and what counts as the brightest of a picture."""
CLIPPED, CLIPPED_AREA = 0.98, 0.02
"""Light that a sensor clipped, and the share of a picture from which it must become white."""
CLIPPED_PERCENTILE = 25.0
"""Of the clipped area, as local tone leaves it, the light that becomes white, and all above."""
COMPRESSION = 0.70
"""Slope of the large-scale log luminance after local tone mapping."""
DETAIL = 1.12
CONTRAST = 1.45
"""Exponent of the log-logistic curve."""
HUE_KEEPING = 0.6
SATURATION = 1.12
_LIFT_STEP = 3
_LEAST_TOP = 0.25
_FILTER_SCALE = 4
_FILTER_RADIUS = 10
_FILTER_EPSILON_EV2 = 0.25
_BLACK = 2.0**-12


def expose_ev(rgb: Rgb, ev: float) -> Rgb:
    """Multiply scene-linear light by 2 ** ev."""
    return rgb * np.float32(2.0**ev) if ev else rgb


def luminance(rgb: Rgb) -> Plane:
    """Give the Rec.709 luminance of linear RGB."""
    return rgb @ LUMA


def brightest(rgb: Rgb) -> Plane:
    """Give the largest channel of every pixel."""
    return np.maximum(np.maximum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])


def auto_exposure_ev(luma: Plane) -> float:
    """Choose the exposure of a scene from the middle 98 % of its log luminance, and from its lights."""
    level = np.log2(np.maximum(luma, np.float32(_BLACK)))
    low, high = np.percentile(level[::3, ::3], (1.0, 99.0))
    middle = float(np.clip(level, low, high).mean())
    ev = float(np.clip(ADAPTATION * (np.log2(GREY_TARGET) - middle), *EXPOSURE_RANGE_EV))
    missing_ev = np.log2(LIGHTS_TARGET) - float(np.percentile(level[::3, ::3], LIGHTS_PERCENTILE)) - ev
    raised = ev + float(np.clip(LIGHTS_SHARE * missing_ev, 0.0, MOST_LIGHTS_EV))
    return min(raised, EXPOSURE_RANGE_EV[1])


def finish(rgb: Rgb, correction_ev: float = 0.0) -> Rgb:
    """Finish a restored picture: scene-linear Rec.709 in [0, 1] to display-encoded sRGB in [0, 1].

    correction_ev is the photographer's own, on top of the automatic exposure.
    """
    rgb = np.maximum(rgb, np.float32(0.0))
    ev = auto_exposure_ev(luminance(rgb))
    lift, is_clipped = white_lift(rgb, ev), brightest(rgb) >= CLIPPED
    rgb = expose_ev(rgb, ev + correction_ev)
    rgb = compress_locally(rgb)
    rgb = add_contrast(rgb, is_clipped) * np.float32(lift)
    rgb = saturate(rgb)
    return srgb_encode(fit_gamut(rgb))


def compress_locally(rgb: Rgb) -> Rgb:
    """Compress large-scale luminance differences around middle grey; keep colour and detail."""
    level = np.log2(np.maximum(luminance(rgb), np.float32(_BLACK)))
    base = _guided_base(level)
    pivot = np.float32(np.log2(MIDDLE_GREY))
    wanted = pivot + COMPRESSION * (base - pivot) + DETAIL * (level - base)
    return rgb * np.exp2(wanted - level).astype(np.float32)[..., None]


def add_contrast(rgb: Rgb, is_clipped: AnyArray) -> Rgb:
    """Apply the log-logistic curve, partly to luminance and partly to each channel."""
    luma = np.maximum(luminance(rgb), np.float32(_BLACK))
    white = max(LEAST_WHITE, white_of(rgb[::3, ::3], is_clipped[::3, ::3]))
    by_channel = logistic_curve(rgb, white)
    by_ratio = rgb * (logistic_curve(luma, white) / luma)[..., None]
    return HUE_KEEPING * by_ratio + np.float32(1.0 - HUE_KEEPING) * by_channel


def white_lift(rgb: Rgb, ev: float) -> float:
    """Tell how much a picture is raised so that what the sensor clipped is white after an exposure.

    It is found without the photographer's correction, which it must not take back.
    """
    small = np.ascontiguousarray(rgb[::_LIFT_STEP, ::_LIFT_STEP])
    is_clipped = brightest(small) >= CLIPPED
    demand = _demand(is_clipped)
    if demand == 0.0:
        return 1.0
    toned = add_contrast(compress_locally(expose_ev(small, ev)), is_clipped)
    top = float(np.percentile(brightest(toned)[is_clipped], CLIPPED_PERCENTILE))
    return float(np.clip(top, _LEAST_TOP, 1.0)) ** -demand


def white_of(rgb: Rgb, is_clipped: AnyArray) -> float:
    """Choose the light that becomes white: the brightest, or what was clipped, the more of that there is."""
    top = brightest(rgb)
    found = max(float(np.percentile(top, WHITE_PERCENTILE)), _BLACK)
    demand = _demand(is_clipped)
    if demand == 0.0:
        return found
    return float(
        found * (max(float(np.percentile(top[is_clipped], CLIPPED_PERCENTILE)), _BLACK) / found) ** demand
    )


def _demand(is_clipped: AnyArray) -> float:
    """Tell in [0, 1] how much a clipped area demands to be white."""
    return min(1.0, float(np.mean(is_clipped)) / CLIPPED_AREA)


def logistic_curve(x: AnyArray, white: float) -> AnyArray:
    """Map light by x^c / (x^c + q), scaled so that middle grey stays and ``white`` becomes 1."""
    c, grey = CONTRAST, MIDDLE_GREY
    q = (1.0 - grey) * grey**c / (grey - (grey / white) ** c)
    powered = np.power(np.maximum(x, np.float32(0.0)), np.float32(c))
    return powered * np.float32(1.0 + q / white**c) / (powered + np.float32(q))


def saturate(rgb: Rgb) -> Rgb:
    """Raise saturation, less where it is high already and where light is near white."""
    luma = luminance(rgb)[..., None]
    top, bottom = brightest(rgb)[..., None], -brightest(-rgb)[..., None]
    relative = (top - bottom) / np.maximum(top, np.float32(1e-4))
    room = (1.0 - np.clip(relative, 0.0, 1.0)) * (1.0 - np.clip(luma, 0.0, 1.0))
    raised = luma + (rgb - luma) * (1.0 + np.float32(2.0 * (SATURATION - 1.0)) * room)
    return np.maximum(raised, np.float32(0.0))


def fit_gamut(rgb: Rgb) -> Rgb:
    """Draw colours above white towards their luminance until they fit in [0, 1]; hue is kept."""
    luma = np.minimum(luminance(rgb), np.float32(1.0))[..., None]
    top = brightest(rgb)[..., None]
    share = np.where(top > 1.0, (1.0 - luma) / np.maximum(top - luma, np.float32(1e-6)), np.float32(1.0))
    return np.clip(luma + (rgb - luma) * share, 0.0, 1.0).astype(np.float32)


def _guided_base(level: Plane) -> Plane:
    """Smooth log luminance but keep large edges (guided filter, He et al. 2013), at a quarter of its size."""
    small = _shrink(level, _FILTER_SCALE)
    mean = _box(small, _FILTER_RADIUS)
    variance = np.maximum(_box(small * small, _FILTER_RADIUS) - mean * mean, np.float32(0.0))
    slope = variance / (variance + np.float32(_FILTER_EPSILON_EV2))
    offset = mean - slope * mean
    slope, offset = _box(slope, _FILTER_RADIUS), _box(offset, _FILTER_RADIUS)
    return _grow(slope, level.shape) * level + _grow(offset, level.shape)


def _shrink(plane: Plane, factor: int) -> AnyArray:
    """Average squares of pixels; the last ones repeat where the sides do not divide."""
    rows, columns = (-plane.shape[0]) % factor, (-plane.shape[1]) % factor
    padded = np.pad(plane, ((0, rows), (0, columns)), mode="edge")
    h, w = padded.shape[0] // factor, padded.shape[1] // factor
    return padded.reshape(h, factor, w, factor).mean(axis=(1, 3), dtype=np.float32)


def _grow(plane: AnyArray, shape: tuple[int, ...]) -> AnyArray:
    """Enlarge a shrunk plane bilinearly to ``shape``."""
    for axis in (0, 1):
        at = (np.arange(shape[axis], dtype=np.float32) + np.float32(0.5)) / _FILTER_SCALE - np.float32(0.5)
        low = np.clip(np.floor(at).astype(int), 0, plane.shape[axis] - 1)
        high = np.minimum(low + 1, plane.shape[axis] - 1)
        share = np.clip(at - low, 0.0, 1.0).astype(np.float32)
        share = share[:, None] if axis == 0 else share[None, :]
        plane = np.take(plane, low, axis=axis) * (1 - share) + np.take(plane, high, axis=axis) * share
    return plane


def _box(plane: Plane, radius: int) -> Plane:
    """Average a square window, smaller at the borders."""
    for axis in (0, 1):
        length = plane.shape[axis]
        sums = np.cumsum(plane, axis=axis, dtype=np.float64)
        sums = np.concatenate([np.zeros_like(np.take(sums, [0], axis=axis)), sums], axis=axis)
        low = np.maximum(np.arange(length) - radius, 0)
        high = np.minimum(np.arange(length) + radius + 1, length)
        count = (high - low).astype(np.float64)
        count = count[:, None] if axis == 0 else count[None, :]
        plane = ((np.take(sums, high, axis=axis) - np.take(sums, low, axis=axis)) / count).astype(np.float32)
    return plane
