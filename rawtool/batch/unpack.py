"""Many packed pictures to raws: the plan of an ``unpack`` run, and the run."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from rawtool.batch.choices import Forecast, NetworkChoice
from rawtool.batch.inputs import Selection, find_inputs
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
from rawtool.batch.outputs import UNPACKED_OF_SUFFIX
from rawtool.batch.plan import Job, Plan
from rawtool.batch.report import Summary
from rawtool.batch.run import Advance, Listener
from rawtool.pipelines.clock import JourneyReport
from rawtool.pipelines.packroom import UnpackRoom, UnpackSettings, open_unpackroom
from rawtool.pipelines.unpack import PackedFile, read_packed_file, unpack
from rawtool.vocabulary import Format, Task

READABLE = frozenset({".jpg", ".jpeg"})
"""Suffixes of pictures that are taken from folders and patterns."""

_VERB = Verb("unpack", "_raw", Task.PACK, READABLE, Format.DNG, UNPACKED_OF_SUFFIX)


def plan_unpack(request: Request[UnpackSettings]) -> Plan:
    """Settle inputs, outputs and collisions; nothing is written.

    Raises:
        UsageError: the words do not fit together.
        NoInputError: nothing matched.
    """
    return plan_run(request, _VERB, lambda _: None)


def run_unpack(plan: Plan, request: Request[UnpackSettings], listener: Listener) -> Summary:
    """Unpack every file of a plan; the learned coder is opened when the first file asks for it."""
    settings = replace(request.settings, format=plan.format)
    overwrite = may_replace(request.policies)

    def make(take: Callable[[], PackedFile], job: Job, room: UnpackRoom, advance: Advance) -> JourneyReport:
        return unpack(take, job.target, room, settings, overwrite=overwrite, on_progress=advance)

    read = partial(_read, allows_newer=settings.allows_newer)
    return walk(plan, request, Steps(read, open_room, make), listener)


def forecast_unpack(plan: Plan, request: Request[UnpackSettings]) -> Forecast:
    """Say what a run would use: which model a file needs is known when it is read.

    Raises:
        DeviceError: there is no device of that name.
    """
    return forecast_with(request.networks.network or "as each file says", plan, request)


def files_to_check(selection: Selection) -> tuple[Path, ...]:
    """List the files that are to be checked only.

    Raises:
        NoInputError: nothing matched.
    """
    return tuple(found.path for found in find_inputs(selection, READABLE))


def open_room(choice: NetworkChoice) -> UnpackRoom:
    """Prepare for unpacking; nothing is loaded yet."""
    return open_unpackroom(choice.network, choice.device, choice.runtime, choice.threads)


def _read(source: Path, *, allows_newer: bool) -> PackedFile:
    check_source(source, "packed JPEG", "take another copy of it")
    return read_packed_file(source, allows_newer=allows_newer)
