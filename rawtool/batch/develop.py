"""Many raws to pictures: the plan of a ``develop`` run, and the run."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rawtool.batch.choices import NetworkChoice
from rawtool.batch.journey import Request, Steps, Verb, check_source, may_replace, plan_run, walk
from rawtool.batch.outputs import FORMAT_OF_SUFFIX
from rawtool.batch.plan import Job, Plan
from rawtool.batch.report import Summary
from rawtool.batch.run import Advance, Listener
from rawtool.errors import UsageError
from rawtool.frames import RawFrame
from rawtool.io.encodeoptions import EncodeOptions, depth_of
from rawtool.io.raw import RAW_SUFFIXES, read_raw
from rawtool.pipelines.clock import JourneyReport
from rawtool.pipelines.settings import DevelopSettings
from rawtool.vocabulary import Format, Stage, Task

if TYPE_CHECKING:
    from rawtool.pipelines.darkroom import Darkroom

_FORMATS = {
    Stage.FULL: (Format.JPEG, Format.TIFF, Format.PNG, Format.EXR),
    Stage.RESTORE: (Format.DNG, Format.TIFF, Format.EXR),
}
_DNG_BITS = 16
_TAGS = {Stage.FULL: "_dev", Stage.RESTORE: "_nr"}
_NAMES = {Stage.FULL: "develop", Stage.RESTORE: "restore"}


def plan_develop(request: Request[DevelopSettings]) -> Plan:
    """Settle inputs, outputs and collisions; nothing is written.

    Raises:
        UsageError: the words do not fit together.
        NoInputError: nothing matched.
    """
    stage = request.settings.stage
    default = _FORMATS[stage][0]
    verb = Verb(_NAMES[stage], _TAGS[stage], Task.RESTORE, RAW_SUFFIXES, default, FORMAT_OF_SUFFIX)
    return plan_run(request, verb, partial(_check_format, request.settings))


def run_develop(plan: Plan, request: Request[DevelopSettings], listener: Listener) -> Summary:
    """Develop every file of a plan; the networks are opened once, and only if a file needs them.

    What they need is imported after the first file has begun to be read: a fifth of a second is won.
    """
    settings = replace(request.settings, format=plan.format)
    overwrite = may_replace(request.policies)

    def make(take: Callable[[], RawFrame], job: Job, darkroom: "Darkroom", advance: Advance) -> JourneyReport:
        from rawtool.pipelines.develop import develop

        return develop(take, job.target, darkroom, settings, overwrite=overwrite, on_progress=advance)

    return walk(plan, request, Steps(_read, _open, make), listener)


def _open(choice: NetworkChoice) -> "Darkroom":
    from rawtool.pipelines.develop import open_darkroom

    return open_darkroom(
        choice.network, None, choice.device, choice.runtime, choice.threads, choice.precision
    )


def _read(source: Path) -> RawFrame:
    check_source(source, "raw file", "copy it again from the card")
    return read_raw(source)


def _check_format(settings: DevelopSettings, kind: Format) -> None:
    """Refuse before any work what the stage or the format cannot do."""
    allowed = _FORMATS[settings.stage]
    if kind not in allowed:
        names = ", ".join(each.value for each in allowed)
        stage = settings.stage.value
        raise UsageError(f"--stage {stage} writes {names}, not {kind.value}; choose one of these")
    if kind is not Format.DNG:
        depth_of(EncodeOptions(kind, bit_depth=settings.bit_depth, is_float=settings.is_float))
    elif settings.bit_depth not in {None, _DNG_BITS} or settings.is_float or settings.compression is not None:
        raise UsageError("a DNG holds 16 bits as lossless JPEG; leave --bit-depth and --compression out")
