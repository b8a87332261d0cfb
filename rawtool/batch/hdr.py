"""Many pictures to HDR: the plan of an ``hdr`` run, and the run."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from rawtool.batch.choices import NetworkChoice
from rawtool.batch.journey import Request, Steps, Verb, check_source, may_replace, plan_run, walk
from rawtool.batch.outputs import HDR_OF_SUFFIX
from rawtool.batch.plan import Job, Plan, due
from rawtool.batch.report import Summary
from rawtool.batch.run import Advance, Listener
from rawtool.errors import UsageError
from rawtool.pipelines.clock import JourneyReport
from rawtool.pipelines.hdr import reconstruct
from rawtool.pipelines.hdroutput import check_settings
from rawtool.pipelines.ldr import Ldr, read_ldr
from rawtool.pipelines.studio import HdrSettings, HdrTargets, Studio, open_studio
from rawtool.vocabulary import Format, Profile, Task

READABLE = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"})
"""Suffixes of pictures that are taken from folders and patterns."""

_VERB = Verb("hdr", "_hdr", Task.HDR, READABLE, Format.EXR, HDR_OF_SUFFIX)


def plan_hdr(request: Request[HdrSettings]) -> Plan:
    """Settle inputs, outputs and collisions; nothing is written.

    Raises:
        UsageError: the words do not fit together.
        NoInputError: nothing matched.
    """
    return plan_run(request, _VERB, partial(_check_formats, request))


def run_hdr(plan: Plan, request: Request[HdrSettings], listener: Listener) -> Summary:
    """Reconstruct every file of a plan; the network is opened once, and only if a file needs it."""
    settings = replace(request.settings, format=plan.format)
    overwrite = may_replace(request.policies)

    def make(take: Callable[[], Ldr], job: Job, studio: Studio, advance: Advance) -> JourneyReport:
        targets = _targets(job, plan)
        return reconstruct(take, targets, studio, settings, overwrite=overwrite, on_progress=advance)

    keeps_jpeg = Format.UHDR in (plan.format, *plan.also)
    read = partial(_read, input_space=settings.input_space, keeps_jpeg=keeps_jpeg)
    return walk(plan, request, Steps(read, _open, make), listener)


def _targets(job: Job, plan: Plan) -> HdrTargets:
    """Say which of a job's outputs are to be written now."""
    wanted = due(job, plan.policies.exists)
    pictures = zip((plan.format, *plan.also), (job.target, *job.also), strict=True)
    sheet = job.sheet if job.sheet in wanted else None
    return HdrTargets(tuple((kind, path) for kind, path in pictures if path in wanted), sheet)


def _read(source: Path, input_space: Profile | None, *, keeps_jpeg: bool) -> Ldr:
    check_source(source, "picture", "export it again")
    return read_ldr(source, input_space, keeps_jpeg=keeps_jpeg)


def _open(choice: NetworkChoice) -> Studio:
    return open_studio(choice.network, None, choice.device, choice.runtime, choice.threads)


def _check_formats(request: Request[HdrSettings], kind: Format) -> None:
    """Refuse before any work what does not fit together or what a format cannot do."""
    if kind in request.naming.also:
        raise UsageError(f"--also {kind.value} is what is written already; name another format")
    check_settings(replace(request.settings, format=kind))
