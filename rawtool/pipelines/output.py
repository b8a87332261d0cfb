"""What is written at the end of a journey: images with their profiles, or a restored raw."""

from dataclasses import replace

import numpy as np
from numpy.typing import DTypeLike

from rawtool import __version__
from rawtool.arrays import AnyArray, Rgb
from rawtool.color.matrices import D50_WHITE, D65_WHITE, XYZ_FROM_SRGB, adapt_white, apply_matrix
from rawtool.color.spaces import chromaticities, convert, icc_profile
from rawtool.color.transfer import decode
from rawtool.errors import UsageError
from rawtool.frames import Image, Provenance, RawFrame
from rawtool.io.encodeoptions import EncodeOptions
from rawtool.pipelines.darkroom import Darkroom
from rawtool.pipelines.light import Light
from rawtool.pipelines.settings import DevelopSettings
from rawtool.vocabulary import Format, Look, Profile, SensorKind, Space

WHITE = 65535


def output_dtype(settings: DevelopSettings) -> DTypeLike:
    """Give the type of the finished pixels: what the format will hold.

    Raises:
        UsageError: the format does not hold that depth.
    """
    allowed = {Format.JPEG: ("8",), Format.PNG: ("8", "16"), Format.TIFF: ("8", "16", "16f", "32f")}
    default = {Format.JPEG: "8", Format.PNG: "8", Format.TIFF: "16"}
    if settings.format not in allowed:
        return np.float32
    depth = (
        f"{settings.bit_depth}{'f' if settings.is_float else ''}"
        if settings.bit_depth
        else default[settings.format]
    )
    if depth not in allowed[settings.format]:
        known = ", ".join(allowed[settings.format])
        raise UsageError(f"{settings.format.value} has no --bit-depth {depth}; it takes {known}")
    return {"8": np.uint8, "16": np.uint16}.get(depth, np.float32)


def encode_options(settings: DevelopSettings, profile: Profile) -> EncodeOptions:
    """Turn settings into what the encoder needs."""
    return EncodeOptions(
        format=settings.format,
        quality=settings.quality,
        bit_depth=settings.bit_depth,
        is_float=settings.is_float,
        subsampling=settings.subsampling,
        compression=settings.compression,
        chromaticities=chromaticities(profile),
    )


def finished_image(pixels: AnyArray, frame: RawFrame, darkroom: Darkroom, settings: DevelopSettings) -> Image:
    """Wrap finished pixels: an EXR holds their light, every other format the display codes."""
    space, profile = Space.DISPLAY, settings.profile
    if profile is Profile.LINEAR_SRGB:
        space = Space.SCENE_LINEAR
    elif settings.format is Format.EXR:
        space, pixels = Space.SCENE_LINEAR, decode(pixels, profile)
    return Image(pixels, space, profile, frame.capture, provenance(darkroom, settings), icc_profile(profile))


def restored_image(rgb: Rgb, frame: RawFrame, darkroom: Darkroom, settings: DevelopSettings) -> Image:
    """Wrap restored light in the primaries of the profile; whole-number formats hold it linear in [0, 1]."""
    profile = settings.profile
    if settings.format is Format.EXR:
        rgb = convert(rgb, Profile.SRGB, profile)
    else:
        profile = Profile.LINEAR_SRGB
    return Image(
        rgb,
        Space.SCENE_LINEAR,
        profile,
        frame.capture,
        provenance(darkroom, settings),
        icc_profile(Profile.LINEAR_SRGB),
    )


def restored_frame(rgb: Rgb, frame: RawFrame, light: Light) -> RawFrame:
    """Turn restored light back into camera RGB: a LinearRaw that any raw developer opens.

    Its ForwardMatrix is the matrix that was used, so that the same colours come out of it again.
    """
    camera_from_rgb = np.diag(light.neutral) @ np.linalg.inv(light.xyz_from_balanced) @ XYZ_FROM_SRGB
    camera = np.clip(apply_matrix(camera_from_rgb / light.neutral.max(), rgb), 0.0, 1.0)
    samples = np.rint(camera * np.float32(WHITE)).astype(np.uint16)
    height, width = samples.shape[:2]
    forward = adapt_white(D65_WHITE, D50_WHITE) @ light.xyz_from_balanced
    matrices = tuple(replace(known, xyz_d50_from_balanced=forward) for known in frame.capture.matrices)
    return replace(
        frame,
        samples=samples,
        kind=SensorKind.LINEAR,
        cfa=None,
        black_level=(0.0, 0.0, 0.0),
        white_level=float(WHITE),
        crop=(0, 0, height, width),
        gain_maps=(),
        capture=replace(frame.capture, as_shot_neutral=light.neutral, matrices=matrices, noise_profile=None),
    )


def provenance(darkroom: Darkroom, settings: DevelopSettings) -> Provenance:
    """Say who made the picture, with which networks and settings."""
    note = (
        f"stage={settings.stage.value} wb={settings.white_balance} exposure={settings.exposure_ev:+g} EV "
        f"strength={settings.strength:g}"
    )
    if settings.look is not Look.NATURAL:
        note += f" look={settings.look.value}"
    return Provenance(f"rawtool {__version__}", ((darkroom.model.label, darkroom.sha256),), note)
