"""Many raws into JPEGs that carry them: the plan of a ``pack`` run, and the run."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from rawtool.batch.choices import Forecast, NetworkChoice
from rawtool.batch.journey import (
    Request,
    Steps,
    Verb,
    check_source,
    forecast_with,
    may_replace,
    plan_run,
    walk,
)
from rawtool.batch.outputs import PACKED_OF_SUFFIX
from rawtool.batch.plan import Job, Plan, decide
from rawtool.batch.report import Summary
from rawtool.batch.run import Advance, Listener
from rawtool.codec.facts import BaseSource
from rawtool.errors import UsageError
from rawtool.io.packedjpeg import sidecar_of
from rawtool.io.raw import RAW_SUFFIXES
from rawtool.pipelines.clock import JourneyReport
from rawtool.pipelines.pack import RawFile, pack, read_raw_file
from rawtool.pipelines.packroom import PackRoom, PackSettings, open_packroom
from rawtool.runtime.catalog import find_model
from rawtool.vocabulary import Embed, Format, Task

_VERB = Verb("pack", "_packed", Task.PACK, RAW_SUFFIXES, Format.JPEG, PACKED_OF_SUFFIX)
_NO_MODEL = "none"


def plan_pack(request: Request[PackSettings]) -> Plan:
    """Settle inputs, outputs and collisions; nothing is written.

    Raises:
        UsageError: the words do not fit together.
        NoInputError: nothing matched.
    """
    if request.settings.goal.is_exact and request.networks.network is not None:
        raise UsageError(
            "-m names the network for rates, and --lossless and --max-error use none; leave it out"
        )
    plan = plan_run(request, _VERB, lambda _: None)
    _check_base(plan, request.settings.base_file)
    if request.settings.embed is not Embed.SIDECAR:
        return plan
    return replace(plan, jobs=tuple(_with_sidecar(job, plan) for job in plan.jobs))


def run_pack(plan: Plan, request: Request[PackSettings], listener: Listener) -> Summary:
    """Pack every file of a plan; the networks are opened once, and only if a file needs them."""
    overwrite = may_replace(request.policies)

    def make(take: Callable[[], RawFile], job: Job, room: PackRoom, advance: Advance) -> JourneyReport:
        return pack(take, job.target, room, request.settings, overwrite=overwrite, on_progress=advance)

    return walk(plan, request, Steps(_read, partial(_open, request.settings), make), listener)


def forecast_pack(plan: Plan, request: Request[PackSettings]) -> Forecast:
    """Say what a run would use; no network is loaded.

    Raises:
        ModelError: there is no such model.
        DeviceError: there is no device of that name.
    """
    labels = []
    if request.settings.base is BaseSource.DEVELOP:
        labels.append(find_model(None, None, Task.RESTORE).label)
    if not request.settings.goal.is_exact:
        labels.append(find_model(request.networks.network, None, Task.PACK).label)
    return forecast_with(" + ".join(labels) or _NO_MODEL, plan, request)


def _open(settings: PackSettings, choice: NetworkChoice) -> PackRoom:
    return open_packroom(
        settings, choice.network, choice.device, choice.runtime, choice.threads, choice.precision
    )


def _read(source: Path) -> RawFile:
    check_source(source, "raw file", "copy it again from the card")
    return read_raw_file(source)


def _check_base(plan: Plan, base_file: Path | None) -> None:
    """Refuse one base for several raws, and an output in its place."""
    if base_file is None:
        return
    if len(plan.jobs) > 1:
        raise UsageError(f"--base {base_file} is the picture of one raw, but {len(plan.jobs)} are selected")
    if any(os.path.realpath(target) == os.path.realpath(base_file) for target in plan.jobs[0].targets):
        raise UsageError(f"{base_file} is the base and never written over; choose another -o or --name")


def _with_sidecar(job: Job, plan: Plan) -> Job:
    """Add the file beside the picture to the outputs of a job."""
    both = replace(job, also=(sidecar_of(job.target),))
    return replace(both, action=decide(both, plan.policies.exists))
