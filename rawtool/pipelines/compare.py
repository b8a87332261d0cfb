"""How close two finished pictures are."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.color import spaces, transfer
from rawtool.errors import InputError, RawtoolError
from rawtool.frames import Image
from rawtool.io.image import read_image
from rawtool.metrics import fidelity
from rawtool.vocabulary import Profile, Space

_LIGHT = (Space.SCENE_LINEAR, Space.PQ)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far a picture is from its reference.

    psnr and ssim (of luma) are of the encoded pictures, psnr_mu, pu21_psnr (1 = 203 cd/m2) and the mean
    Delta E 2000 of their light. max_error is the largest difference of a channel: of encoded values in
    [0, 1], or of light where both pictures are scene-linear or PQ. Equal pictures have an infinite PSNR;
    ssim is nan for a picture smaller than its window of 11 x 11.
    """

    psnr: float
    psnr_mu: float
    pu21_psnr: float
    ssim: float
    delta_e_2000_mean: float
    max_error: float


def compare(first: Path, second: Path) -> Comparison:
    """Compare the picture in the second file with the one in the first, the reference.

    Raises:
        InputError: one cannot be read, or they cannot be compared.
    """
    reference, picture = _read(first), _read(second)
    try:
        return compare_images(picture, reference)
    except InputError as error:
        raise InputError(f"{second}: {error}") from error


def _read(path: Path) -> Image:
    try:
        return read_image(path)
    except RawtoolError as error:
        raise type(error)(f"{path}: {error}") from error


def compare_images(picture: Image, reference: Image) -> Comparison:
    """Compare two pictures in the reference's primaries, or in Rec.709 ones where one has those.

    Raises:
        InputError: sizes differ, a picture is not display-encoded, scene-linear or PQ, or a value is
            infinite or undefined.
    """
    _require_comparable(picture, reference)
    profile = _common_profile(picture, reference)
    light, truth = _light(picture, profile), _light(reference, profile)
    encoded, target = _encoded(picture, light, profile), _encoded(reference, truth, profile)
    is_scene = picture.space in _LIGHT and reference.space in _LIGHT
    return Comparison(
        psnr=fidelity.psnr(encoded, target),
        psnr_mu=fidelity.psnr_mu(light, truth),
        pu21_psnr=fidelity.pu21_psnr(_nits(light), _nits(truth)),
        ssim=_ssim_of_luma(encoded, target),
        delta_e_2000_mean=fidelity.delta_e_2000_mean(light, truth, profile),
        max_error=float(np.abs(light - truth if is_scene else encoded - target).max()),
    )


def _require_comparable(picture: Image, reference: Image) -> None:
    for image in (picture, reference):
        if image.space not in (Space.DISPLAY, *_LIGHT):
            raise InputError(f"{image.space.value} values are not a picture to compare; develop it first")
        if not np.isfinite(image.pixels).all():
            raise InputError("a picture has infinite or undefined values; nothing can be said of it")
    (height, width), (ref_height, ref_width) = picture.pixels.shape[:2], reference.pixels.shape[:2]
    if (height, width) != (ref_height, ref_width):
        raise InputError(
            f"the sizes differ, {ref_width}x{ref_height} and {width}x{height}; compare pictures of one size"
        )


def _common_profile(picture: Image, reference: Image) -> Profile:
    """Choose where to compare: the profile that both share, else sRGB, whose encoding suits linear light."""
    is_shared = picture.profile is reference.profile is not Profile.LINEAR_SRGB
    return reference.profile if is_shared else Profile.SRGB


def _light(image: Image, profile: Profile) -> AnyArray:
    """Give relative linear light (H, W, 3) of the profile's primaries; one channel becomes grey."""
    pixels = image.as_float()
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if image.space is Space.DISPLAY:
        pixels = transfer.decode(pixels, image.profile)
    elif image.space is Space.PQ:
        pixels = transfer.pq_decode(pixels) / np.float32(transfer.SDR_WHITE_NITS)
    return spaces.convert(pixels, image.profile, profile)


def _encoded(image: Image, light: AnyArray, profile: Profile) -> AnyArray:
    """Give encoded values in [0, 1]: the file's own where it has them in this profile."""
    if image.space is Space.DISPLAY and image.profile is profile and image.pixels.ndim == 3:
        return transfer.clip_display(image.as_float())
    return transfer.encode(light, profile)


def _nits(light: AnyArray) -> AnyArray:
    return light * np.float32(transfer.SDR_WHITE_NITS)


def _ssim_of_luma(encoded: AnyArray, target: AnyArray) -> float:
    is_large = min(target.shape[:2]) >= fidelity.SSIM_WINDOW
    return fidelity.ssim(fidelity.luma(encoded), fidelity.luma(target)) if is_large else math.nan
