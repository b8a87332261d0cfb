"""From a finished picture to its light: the walk of an LDR picture through the house, in order.

read ─► values as the network wants them, tile by tile ─► the thumbnail's terms ─► the network
─► light on the scale of the picture ─► primaries, PQ or gain map ─► files
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from rawtool.io.encodeoptions import depth_of
from rawtool.pipelines.clock import Clock, JourneyReport
from rawtool.pipelines.hdrlight import find_light
from rawtool.pipelines.hdroutput import Reconstruction, options_for, provenance, write_light
from rawtool.pipelines.hdrsheet import write_sheet
from rawtool.pipelines.ldr import Ldr, read_ldr
from rawtool.pipelines.studio import HdrSettings, HdrTargets, Studio, open_studio
from rawtool.vocabulary import Format

__all__ = ["HdrSettings", "HdrTargets", "JourneyReport", "Studio", "open_studio", "reconstruct"]

_HALF = (16, True)


def reconstruct(
    source: Path | Callable[[], Ldr],
    targets: HdrTargets,
    studio: Studio,
    settings: HdrSettings,
    *,
    overwrite: bool = False,
    on_progress: Callable[[float], None] | None = None,
) -> JourneyReport:
    """Give the light back to one picture, a file or what was read ahead, and write all that is asked for.

    Either all targets are written or none that was not there before.

    Raises:
        InputError: the picture cannot be used.
        OutputError: a target cannot be written, or exists.
        VerificationError: the network gave values that are not finite.
    """
    clock = Clock(on_progress)
    ldr = _read(source, targets, settings) if isinstance(source, Path) else source()
    clock.lap("decode", 0.1)
    light = find_light(ldr, studio.network, settings, _dtype(targets, settings), clock)
    clock.lap("reconstruct", 0.8)
    made = Reconstruction(ldr, light, provenance(studio, settings))
    warnings = ldr.warnings + _write(made, targets, settings, overwrite=overwrite)
    clock.lap("encode", 1.0)
    return JourneyReport(
        clock.laps, clock.tiles, warnings, studio.model.label, studio.sha256, studio.device, studio.provider
    )


def _read(source: Path, targets: HdrTargets, settings: HdrSettings) -> Ldr:
    return read_ldr(source, settings.input_space, keeps_jpeg=Format.UHDR in targets.formats)


def _write(
    made: Reconstruction, targets: HdrTargets, settings: HdrSettings, *, overwrite: bool
) -> tuple[str, ...]:
    """Write all targets and give warnings."""
    warnings: tuple[str, ...] = ()
    with _all_or_none(overwrite=overwrite) as written:
        for kind, path in targets.pictures:
            warnings += write_light(made, settings, kind, path, overwrite=overwrite)
            written.append(path)
        if targets.sheet is not None:
            before, profile = made.ldr.light(), made.ldr.profile
            write_sheet(before, made.light, profile, targets.sheet, overwrite=overwrite)
    return warnings


def _dtype(targets: HdrTargets, settings: HdrSettings) -> DTypeLike:
    """Take half of the memory where half floats are all that is written."""
    is_exr = targets.formats == {Format.EXR}
    is_half = is_exr and depth_of(options_for(Format.EXR, settings)) == _HALF
    return np.float16 if is_half else np.float32


@contextmanager
def _all_or_none(*, overwrite: bool) -> Iterator[list[Path]]:
    """Give a list for what is written: when something fails it goes again, unless it replaced a file."""
    written: list[Path] = []
    try:
        yield written
    except BaseException:
        for path in () if overwrite else written:
            with suppress(OSError):
                path.unlink()
        raise
