"""What is written of reconstructed light: scene-linear files, PQ files, an Ultra HDR JPEG."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rawtool import __version__
from rawtool.arrays import AnyArray
from rawtool.color.gain_map import gain_map_of
from rawtool.color.spaces import convert, icc_profile
from rawtool.color.transfer import PQ_PEAK_NITS, encode, pq_encode
from rawtool.errors import UsageError
from rawtool.frames import ContentLight, Image, Provenance
from rawtool.io.encode import encode_jpeg, write_image
from rawtool.io.encodeoptions import EncodeOptions, depth_of
from rawtool.io.jpeg import decode_jpeg
from rawtool.io.ultrahdr import write_ultra_hdr
from rawtool.pipelines.ldr import Ldr
from rawtool.pipelines.studio import HdrSettings, Scale, Studio
from rawtool.vocabulary import Format, Profile, Space

PQ_FORMATS = frozenset({Format.AVIF, Format.JXL, Format.PNG})
"""Formats that hold absolute luminance: PQ codes of Rec.2020 primaries."""

ENCODED_ANEW = (
    "the file cannot stay as it is under a gain map (no JPEG, turned, grey, or of a profile without a name): "
    "the base was encoded anew; --quality says how well"
)
_LEAST_DEPTHS = {Format.TIFF: (32, True), Format.PNG: (16, False)}
"""Bits of a channel, and whether they are floating point, where a format can hold less than HDR needs."""
_STRIP_ROWS = 256


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """A picture and its light (H, W, 3), relative, in the picture's primaries; and who made it."""

    ldr: Ldr
    light: AnyArray
    provenance: Provenance


def check_settings(settings: HdrSettings) -> None:
    """Refuse what the first format cannot do.

    Raises:
        UsageError: it cannot.
    """
    kind = settings.format
    if settings.scale != Scale() and kind in PQ_FORMATS | {Format.UHDR}:
        raise UsageError(f"{kind.value} holds luminance in cd/m2; --scale is for exr, hdr and tiff")
    if kind is Format.UHDR and not (settings.bit_depth is None and settings.compression is None):
        raise UsageError("Ultra HDR is a JPEG of 8 bits; leave --bit-depth and --compression out")
    depth = depth_of(options_for(kind, settings))
    least = _LEAST_DEPTHS.get(kind)
    if least is not None and depth != least:
        word = f"{least[0]}{'f' if least[1] else ''}"
        raise UsageError(f"{kind.value} holds no HDR in {depth[0]} bits; use --bit-depth {word}")


def options_for(kind: Format, settings: HdrSettings) -> EncodeOptions:
    """Say how a format is written: the first by all settings, the others by their own defaults."""
    options = EncodeOptions(kind) if settings.quality is None else EncodeOptions(kind, settings.quality)
    bits, is_float = _LEAST_DEPTHS.get(kind, (None, False))
    if kind is not settings.format:
        return replace(options, bit_depth=bits, is_float=is_float)
    if settings.bit_depth is not None:
        bits, is_float = settings.bit_depth, settings.is_float
    return replace(options, bit_depth=bits, is_float=is_float, compression=settings.compression)


def write_light(
    made: Reconstruction, settings: HdrSettings, kind: Format, path: Path, *, overwrite: bool
) -> tuple[str, ...]:
    """Write light in one format and give warnings.

    Raises:
        UsageError: the format cannot hold what the settings ask for.
        OutputError: the file cannot be written, or exists.
    """
    if kind is Format.UHDR:
        return _write_ultra_hdr(made, settings, path, overwrite=overwrite)
    image = pq_image(made, settings) if kind in PQ_FORMATS else light_image(made, kind, settings)
    write_image(image, path, options_for(kind, settings), overwrite=overwrite)
    return ()


def light_image(made: Reconstruction, kind: Format, settings: HdrSettings) -> Image:
    """Wrap light for a scene-linear format: in EXR in the picture's primaries, else in Rec.709 ones."""
    factor = scale_factor(made.light, settings.scale)
    light, profile = made.light if factor == 1.0 else made.light * np.float32(factor), made.ldr.profile
    if kind is not Format.EXR:
        # Most programs take every float TIFF and every Radiance picture for Rec.709.
        light, profile = convert(light, profile, Profile.LINEAR_SRGB), Profile.LINEAR_SRGB
    if profile is Profile.SRGB:
        profile = Profile.LINEAR_SRGB
    icc = icc_profile(profile) if kind is Format.TIFF else None
    return Image(
        light,
        Space.SCENE_LINEAR,
        profile,
        made.ldr.capture,
        made.provenance,
        icc,
        white_nits=settings.white_nits / factor,
    )


def scale_factor(light: AnyArray, scale: Scale) -> float:
    """Give what light (H, W, 3) is multiplied by so that 1.0 means what the scale says; black stays black."""
    found = wanted = 1.0
    if scale.highest is not None:
        found, wanted = float(light.max()), scale.highest
    elif scale.percentile is not None:
        found = float(np.percentile(light.max(axis=2).astype(np.float32), scale.percentile))
    return wanted / found if found > 0.0 else 1.0


def pq_image(made: Reconstruction, settings: HdrSettings) -> Image:
    """Turn relative light into PQ codes of Rec.2020 primaries, and say how bright they get.

    A pixel above the peak, the settings' or PQ's own, is dimmed as a whole, so that its colour stays.
    """
    light = made.light
    codes = np.empty(light.shape, np.float32)
    peak = np.float32(min(settings.peak_nits or PQ_PEAK_NITS, PQ_PEAK_NITS))
    most, total = 0.0, 0.0
    for top in range(0, light.shape[0], _STRIP_ROWS):
        strip = slice(top, top + _STRIP_ROWS)
        wide = convert(light[strip], made.ldr.profile, Profile.REC2020)
        luminance_nits = np.maximum(wide * np.float32(settings.white_nits), np.float32(0.0))
        highest = luminance_nits.max(axis=2, keepdims=True)
        codes[strip] = pq_encode(luminance_nits * (peak / np.maximum(highest, peak)))
        shown = np.minimum(highest, peak)
        most, total = max(most, float(shown.max())), total + float(shown.sum(dtype=np.float64))
    content_light = ContentLight(most, total / (light.shape[0] * light.shape[1]))
    return Image(
        codes,
        Space.PQ,
        Profile.REC2020,
        made.ldr.capture,
        made.provenance,
        white_nits=settings.white_nits,
        content_light=content_light,
    )


def provenance(studio: Studio, settings: HdrSettings) -> Provenance:
    """Say who made the picture, with which network and settings."""
    note = (
        f"strength={settings.highlight_strength:g} most={settings.max_gain_ev:g} EV "
        f"white={settings.white_nits:g} cd/m2"
    )
    return Provenance(f"rawtool {__version__}", ((studio.model.label, studio.sha256),), note)


def _write_ultra_hdr(
    made: Reconstruction, settings: HdrSettings, path: Path, *, overwrite: bool
) -> tuple[str, ...]:
    """Write the file's own JPEG, or one made of the picture, with a gain map."""
    is_own = made.ldr.jpeg is not None
    shown = made.ldr if is_own else _encoded(made, options_for(Format.UHDR, settings))
    gain_map = gain_map_of(
        convert(shown.light(), shown.profile, made.ldr.profile),
        made.light,
        scale=settings.gain_map_scale,
        n_channels=settings.gain_map_channels,
        profile=made.ldr.profile,
    )
    left_out = write_ultra_hdr(
        shown.jpeg or b"",
        gain_map,
        path,
        quality=settings.gain_map_quality,
        overwrite=overwrite,
        provenance=made.provenance,
    )
    return left_out if is_own else (ENCODED_ANEW, *left_out)


def _encoded(made: Reconstruction, options: EncodeOptions) -> Ldr:
    """Encode the picture as a JPEG and take what that shows."""
    codes, profile = made.ldr.codes, made.ldr.profile
    if profile is Profile.LINEAR_SRGB:
        codes, profile = encode(made.ldr.light(), Profile.SRGB), Profile.SRGB
    image = Image(codes, Space.DISPLAY, profile, made.ldr.capture, icc=icc_profile(profile))
    jpeg = encode_jpeg(image, replace(options, bit_depth=None, compression=None))
    return replace(made.ldr, codes=decode_jpeg(jpeg).pixels, profile=profile, jpeg=jpeg)
