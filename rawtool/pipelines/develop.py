"""From a raw to a finished picture: the walk through the house, in order.

decode ─► levels, gain maps, defects, noise ─► the colour of the light ─► XYZ, tile by tile
─► Restore-Net ─► scene-linear ─► exposure ─► Enhance-Net ─► output space ─► encode
"""

from collections.abc import Callable
from pathlib import Path

from rawtool.arrays import Rgb
from rawtool.color.tone import expose_ev
from rawtool.frames import Image, RawFrame
from rawtool.io.dng import write_dng
from rawtool.io.encode import write_image
from rawtool.io.orientation import upright
from rawtool.io.raw import read_raw
from rawtool.pipelines.clock import Clock, JourneyReport
from rawtool.pipelines.darkroom import Darkroom, open_darkroom
from rawtool.pipelines.enhance import Output, enhance
from rawtool.pipelines.light import Clean, Light, balanced_samples, clean_frame, find_light
from rawtool.pipelines.output import (
    encode_options,
    finished_image,
    output_dtype,
    provenance,
    restored_frame,
    restored_image,
)
from rawtool.pipelines.resize import resized
from rawtool.pipelines.restore import restore
from rawtool.pipelines.settings import DevelopSettings
from rawtool.vocabulary import Format, SensorKind, Stage

__all__ = [
    "Darkroom",
    "DevelopSettings",
    "JourneyReport",
    "develop",
    "developed",
    "open_darkroom",
    "restored",
]


def develop(
    source: Path | Callable[[], RawFrame],
    target: Path,
    darkroom: Darkroom,
    settings: DevelopSettings,
    *,
    overwrite: bool = False,
    on_progress: Callable[[float], None] | None = None,
) -> JourneyReport:
    """Develop one raw file, or a frame that is read ahead, into one picture file.

    Raises:
        InputError: the raw cannot be used.
        OutputError: the picture cannot be written, or exists.
        VerificationError: the network gave values that are not finite.
    """
    clock = Clock(on_progress)
    frame = read_raw(source) if isinstance(source, Path) else source()
    clock.lap("decode", 0.1)
    made, light = developed(frame, darkroom, settings, clock)
    _write(made, target, darkroom, settings, overwrite=overwrite)
    clock.lap("encode", 1.0)
    return _report(clock, light, darkroom)


def developed(
    frame: RawFrame, darkroom: Darkroom, settings: DevelopSettings, clock: Clock
) -> tuple[RawFrame | Image, Light]:
    """Develop a frame into what is to be written, and say which light it was taken in.

    Raises:
        VerificationError: the network gave values that are not finite.
    """
    rgb, light = restored(frame, darkroom, settings, clock)
    if settings.stage is Stage.RESTORE:
        return _restored(expose_ev(rgb, settings.exposure_ev), frame, light, darkroom, settings), light
    is_grey = frame.kind is SensorKind.MONOCHROME
    output = Output(settings.profile, output_dtype(settings), settings.look, is_grey)
    pixels = enhance(rgb, darkroom.enhance, settings.exposure_ev, output, settings.tile, clock)
    clock.lap("enhance", 0.9)
    pixels = resized(upright(pixels, frame.capture.orientation), settings.output_size)
    return finished_image(pixels, frame, darkroom, settings), light


def restored(
    frame: RawFrame, darkroom: Darkroom, settings: DevelopSettings, clock: Clock
) -> tuple[Rgb, Light]:
    """Restore what a frame shows: scene-linear RGB (H, W, 3) as the sensor lies; the light it was taken in.

    Raises:
        VerificationError: the network gave values that are not finite.
    """
    n_lanes = darkroom.restore.n_lanes
    clean = clean_frame(frame, n_lanes)
    light = find_light(frame, clean, darkroom.restore, settings.white_balance)
    samples = balanced_samples(clean, light, n_lanes)
    shown, cfa = _shown(frame, clean), clean.cfa
    # What is done with goes at once: a frame of 12 megapixels is 50 MB in every state.
    del clean
    clock.lap("prepare", 0.2)
    rgb = restore(samples, cfa, light, darkroom.restore, settings, clock)[shown]
    clock.lap("restore", 0.7)
    return rgb, light


def _shown(frame: RawFrame, clean: Clean) -> tuple[slice, slice]:
    """Give the part of the samples that the picture shows."""
    top, left, height, width = frame.crop
    top, left = top + clean.origin[0], left + clean.origin[1]
    return slice(top, top + height), slice(left, left + width)


def _restored(
    rgb: Rgb, frame: RawFrame, light: Light, darkroom: Darkroom, settings: DevelopSettings
) -> RawFrame | Image:
    """Wrap restored light: a raw keeps its orientation tag, a picture is turned upright."""
    if settings.format is Format.DNG:
        return restored_frame(rgb, frame, light)
    pixels = resized(upright(rgb, frame.capture.orientation), settings.output_size)
    return restored_image(pixels, frame, darkroom, settings)


def _write(
    made: RawFrame | Image, target: Path, darkroom: Darkroom, settings: DevelopSettings, *, overwrite: bool
) -> None:
    """Write a picture, or a raw as DNG."""
    if isinstance(made, RawFrame):
        write_dng(made, target, provenance=provenance(darkroom, settings), overwrite=overwrite)
    else:
        write_image(made, target, encode_options(settings, made.profile), overwrite=overwrite)


def _report(clock: Clock, light: Light, darkroom: Darkroom) -> JourneyReport:
    """Sum up the journey."""
    return JourneyReport(
        clock.laps,
        clock.tiles,
        light.warnings,
        darkroom.model.label,
        darkroom.sha256,
        darkroom.device,
        darkroom.provider,
        precision=darkroom.precision,
    )
