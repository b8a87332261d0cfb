"""What runs of all verbs share: what they are told, their plan, and the walk from file to file."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from rawtool.batch.ahead import ReadAhead
from rawtool.batch.choices import Forecast, NetworkChoice
from rawtool.batch.folders import leaving_no_empty_folders, make_folder
from rawtool.batch.inputs import Selection, find_inputs
from rawtool.batch.outputs import JobWords, Naming, Suffixes, read_destination, split_positionals
from rawtool.batch.plan import Action, Job, Plan, Policies, Wanted, make_plan
from rawtool.batch.report import Outcome, Summary
from rawtool.batch.run import BYTES_A_JOB, Advance, Limits, Listener, choose_jobs, free_memory, run
from rawtool.errors import CorruptFileError, InputError
from rawtool.io.cores import n_cores
from rawtool.pipelines.clock import JourneyReport
from rawtool.runtime.catalog import find_model
from rawtool.runtime.devices import parse_device
from rawtool.vocabulary import ExistsPolicy, Format, Task

Settings = TypeVar("Settings")
Frame = TypeVar("Frame")
Room = TypeVar("Room")

_SHEETS: Suffixes = {".png": Format.PNG}


@dataclass(frozen=True, slots=True)
class Request(Generic[Settings]):
    """All that a run was told. The format of settings is replaced by what the names say."""

    selection: Selection
    naming: Naming
    policies: Policies
    networks: NetworkChoice
    settings: Settings
    n_jobs: int | None = None
    max_failures: int | None = None


@dataclass(frozen=True, slots=True)
class Verb:
    """How a verb finds its inputs and names its outputs.

    readable are the suffixes of files that it takes from folders; name is what ``{task}`` stands for, and
    task what its model must do.
    """

    name: str
    tag: str
    task: Task
    readable: frozenset[str]
    default: Format
    of_suffix: Suffixes


@dataclass(frozen=True, slots=True)
class Steps(Generic[Frame, Room]):
    """The three steps of a verb: read a file, enter the room that has the networks, make the outputs."""

    read: Callable[[Path], Frame]
    enter: Callable[[NetworkChoice], Room]
    make: Callable[[Callable[[], Frame], Job, Room, Advance], JourneyReport]


def plan_run(request: Request[Settings], verb: Verb, check: Callable[[Format], None]) -> Plan:
    """Settle inputs, outputs and collisions; nothing is written. check refuses what a format cannot do.

    Raises:
        UsageError: the words do not fit together.
        NoInputError: nothing matched.
        ModelError: ``{model}`` stands in a name and there is none.
    """
    said = request.naming
    words, output = split_positionals(request.selection.inputs, said.output, verb.readable, verb.of_suffix)
    pictures = read_destination(replace(said, output=output), verb.default, verb.of_suffix)
    sheets = None if said.sheet is None else read_destination(Naming(said.sheet), Format.PNG, _SHEETS)
    check(pictures.format)
    found = find_inputs(replace(request.selection, inputs=words), verb.readable)
    fields = pictures.fields | (sheets.fields if sheets else frozenset())
    network = find_model(request.networks.network, None, verb.task).name if "model" in fields else ""
    wanted = Wanted(pictures, said.also, sheets)
    return make_plan(found, wanted, JobWords(verb.tag, verb.name, network), request.policies)


def walk(plan: Plan, request: Request[Settings], steps: Steps[Frame, Room], listener: Listener) -> Summary:
    """Work on every file of a plan; the networks are opened once, and only if a file needs them."""
    jobs = [job for job in plan.jobs if job.action in {Action.WRITE, Action.REPLACE}]
    with ReadAhead((job.source for job in jobs), steps.read) as ahead:
        # The first file is read meanwhile.
        room = steps.enter(request.networks) if jobs else None

        def work(job: Job, advance: Advance) -> Outcome:
            for target in job.targets:
                make_folder(target.parent)
            entered = room or steps.enter(request.networks)
            return _outcome(steps.make(partial(ahead.take, job.source), job, entered, advance))

        with leaving_no_empty_folders(target.parent for job in jobs for target in job.targets):
            return run(plan, work, Limits(_n_jobs(plan, request), request.max_failures), listener)


def forecast(plan: Plan, request: Request[Settings], task: Task) -> Forecast:
    """Say what a run would use; no network is loaded.

    Raises:
        ModelError: there is no such model.
        DeviceError: there is no device of that name.
    """
    found = find_model(request.networks.network, None, task)
    return forecast_with(found.label, plan, request)


def forecast_with(label: str, plan: Plan, request: Request[Settings]) -> Forecast:
    """Say what a run with a model of this label would use.

    Raises:
        DeviceError: there is no device of that name.
    """
    asked = request.networks.device
    device = asked if asked == "auto" else str(parse_device(asked))
    n_jobs = _n_jobs(plan, request)
    return Forecast(label, device, n_jobs, n_jobs * BYTES_A_JOB)


def may_replace(policies: Policies) -> bool:
    """Whether an output that is due may take the place of one that is there."""
    return policies.exists in {ExistsPolicy.OVERWRITE, ExistsPolicy.NEWER}


def check_source(source: Path, kind: str, remedy: str) -> None:
    """Refuse what is no file with something in it; kind is what it should be.

    Raises:
        InputError: it is missing or no regular file.
        CorruptFileError: it is empty; remedy says what to do.
    """
    if not source.exists():
        raise InputError("no such file; check the name")
    if not source.is_file():
        raise InputError(f"not a regular file; name a {kind} or a folder")
    if source.stat().st_size == 0:
        raise CorruptFileError(f"the file is empty; {remedy}")


def _n_jobs(plan: Plan, request: Request[Settings]) -> int:
    return choose_jobs(request.n_jobs, len(plan.jobs), n_cores=n_cores(), free_bytes=free_memory())


def _outcome(report: JourneyReport) -> Outcome:
    return Outcome(
        seconds=report.seconds,
        device=report.device,
        provider=report.provider,
        network=report.model or None,
        sha256=report.model_sha256 or None,
        tiles=report.tiles,
        warnings=report.warnings,
        metrics=report.metrics,
        said=report.said,
        precision=report.precision,
    )
