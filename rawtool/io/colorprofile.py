"""Pixels to a named space by their embedded ICC profile; what no name fits is converted in 16 bits."""

from dataclasses import replace

import imagecodecs
import numpy as np

from rawtool.arrays import AnyArray
from rawtool.frames import Image
from rawtool.io.iccprofile import (
    codes_of,
    curve_named,
    curve_of,
    is_grey,
    is_light,
    nearest_primaries,
    primaries_of,
    profile_of,
)
from rawtool.io.primaries import stated_by
from rawtool.vocabulary import Profile, Space

DAMAGED = "the embedded colour profile cannot be read; sRGB is assumed"
_STEPS = np.linspace(0.0, 1.0, 4096)


def managed(pixels: AnyArray, icc: bytes | None) -> Image:
    """Return pixels (H, W) or (H, W, 3) as a picture in a named space, as their profile says.

    Without a profile they are sRGB. One that is no named space is converted to the one with the nearest
    primaries, whole codes in 16 bits, and the picture's warnings say so. Floating-point pixels whose
    profile is linear are scene-linear light. icc of the result describes the pixels that it holds.
    """
    if icc is None:
        return Image(pixels, Space.DISPLAY)
    if is_light(icc) and pixels.dtype.kind == "f":
        return _light(pixels, icc)
    profile = profile_of(icc)
    if profile is not None:
        return Image(pixels, Space.DISPLAY, profile, icc=icc)
    return _grey(pixels, icc) if is_grey(icc) else _converted(pixels, icc)


def icc_of(profile: Profile, *, is_scene: bool = False) -> bytes:
    """Return an ICC profile of a named space, or of linear light in its primaries."""
    if profile is Profile.SRGB and not is_scene:
        return bytes(imagecodecs.cms_profile("srgb"))
    *primaries, white_x, white_y = stated_by(profile)
    flat = [value for x, y in zip(primaries[::2], primaries[1::2], strict=True) for value in (x, y, 1.0)]
    white = (white_x, white_y, 1.0)
    if is_scene:
        return bytes(imagecodecs.cms_profile("rgb", whitepoint=white, primaries=flat, gamma=1.0))
    steps = curve_named(profile)(_STEPS).astype(np.float32)
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=white, primaries=flat, transferfunction=steps))


def _light(pixels: AnyArray, icc: bytes) -> Image:
    """Return scene-linear light in the primaries that the profile has, or in the nearest named ones."""
    is_known = is_grey(icc) or primaries_of(icc) is not None
    found = Image(pixels, Space.DISPLAY, nearest_primaries(icc), icc=icc)
    image = found if is_known else _converted(pixels, icc, is_scene=True)
    named = Profile.LINEAR_SRGB if image.profile is Profile.SRGB else image.profile
    return replace(image, space=Space.SCENE_LINEAR, profile=named)


def _grey(pixels: AnyArray, icc: bytes) -> Image:
    """Return one channel with the sRGB curve; colour pixels with a grey profile count as sRGB."""
    srgb = icc_of(Profile.SRGB)
    curve = curve_of(icc, b"kTRC")
    if pixels.ndim == 3 or curve is None:
        return Image(pixels, Space.DISPLAY, icc=srgb, warnings=(DAMAGED,))
    known = curve_named(Profile.SRGB)
    if pixels.dtype.kind == "f":
        codes = codes_of(curve(np.clip(pixels, 0, 1)), known).astype(np.float32)
        return Image(codes, Space.DISPLAY, icc=srgb)
    steps = np.linspace(0.0, 1.0, int(np.iinfo(pixels.dtype).max) + 1)
    table = codes_of(curve(steps), known)
    if np.abs(table - steps).max() < 0.5 / 255:
        return Image(pixels, Space.DISPLAY, icc=srgb)
    return Image(np.rint(table * 65535).astype(np.uint16)[pixels], Space.DISPLAY, icc=srgb)


def _converted(pixels: AnyArray, icc: bytes, *, is_scene: bool = False) -> Image:
    """Return pixels of another profile in the named space nearest to it, through littleCMS."""
    profile = nearest_primaries(icc)
    target = icc_of(profile, is_scene=is_scene)
    rgb = np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels
    deep = rgb.astype(np.uint16) * np.uint16(257) if rgb.dtype == np.uint8 else rgb
    try:
        found = imagecodecs.cms_transform(
            np.ascontiguousarray(deep), icc, target, colorspace="rgb", outcolorspace="rgb"
        )
    except (RuntimeError, ValueError):
        return Image(pixels, Space.DISPLAY, warnings=(DAMAGED,))
    said = f"its colour profile is none that has a name here; converted to {profile.value}"
    return Image(np.asarray(found), Space.DISPLAY, profile, icc=target, warnings=(said,))
