"""Many raws to pictures: the plan of a ``develop`` run, and the run."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rawtool.batch.ahead import ReadAhead
from rawtool.batch.choices import Forecast, NetworkChoice
from rawtool.batch.folders import leaving_no_empty_folders, make_folder
from rawtool.batch.inputs import Selection, find_inputs
from rawtool.batch.outputs import JobWords, Naming, read_destination, split_positionals
from rawtool.batch.plan import Action, Job, Plan, Policies, make_plan
from rawtool.batch.report import Outcome, Summary
from rawtool.batch.run import BYTES_A_JOB, Advance, Limits, Listener, choose_jobs, free_memory, run
from rawtool.errors import CorruptFileError, InputError, UsageError
from rawtool.frames import RawFrame
from rawtool.io.encode import EncodeOptions, depth_of
from rawtool.io.raw import RAW_SUFFIXES, read_raw
from rawtool.pipelines.darkroom import Darkroom, DevelopSettings, open_darkroom
from rawtool.pipelines.develop import DevelopReport, develop
from rawtool.runtime.catalog import find_model
from rawtool.runtime.devices import n_cores, parse_device
from rawtool.vocabulary import ExistsPolicy, Format, Stage

_FORMATS = {
    Stage.FULL: (Format.JPEG, Format.TIFF, Format.PNG, Format.EXR),
    Stage.RESTORE: (Format.DNG, Format.TIFF, Format.EXR),
}
_DNG_BITS = 16
_TAGS = {Stage.FULL: "_dev", Stage.RESTORE: "_nr"}
_TASKS = {Stage.FULL: "develop", Stage.RESTORE: "restore"}


@dataclass(frozen=True, slots=True)
class DevelopRequest:
    """All that a ``develop`` run was told. settings.format is replaced by what the names say."""

    selection: Selection
    naming: Naming
    policies: Policies
    networks: NetworkChoice
    settings: DevelopSettings
    n_jobs: int | None = None
    max_failures: int | None = None


def plan_develop(request: DevelopRequest) -> Plan:
    """Settle inputs, outputs and collisions; nothing is written.

    Raises:
        UsageError: the words do not fit together.
        NoInputError: nothing matched.
    """
    words, output = split_positionals(request.selection.inputs, request.naming.output, RAW_SUFFIXES)
    stage = request.settings.stage
    destination = read_destination(replace(request.naming, output=output), _FORMATS[stage][0])
    _check_format(request.settings, destination.format)
    found = find_inputs(replace(request.selection, inputs=words), RAW_SUFFIXES)
    network = find_model(request.networks.network).name if "model" in destination.fields else ""
    job_words = JobWords(_TAGS[stage], _TASKS[stage], network)
    return make_plan(found, destination, job_words, request.policies)


def run_develop(plan: Plan, request: DevelopRequest, listener: Listener) -> Summary:
    """Develop every file of a plan; the networks are opened once, and only if a file needs them."""
    jobs = [job for job in plan.jobs if job.action in {Action.WRITE, Action.REPLACE}]
    with ReadAhead((job.source for job in jobs), _read) as ahead:
        return _run_with(ahead, jobs, plan, request, listener)


def _run_with(
    ahead: ReadAhead[RawFrame], jobs: list[Job], plan: Plan, request: DevelopRequest, listener: Listener
) -> Summary:
    """Open the networks while the first file is read, and work."""
    darkroom = _open(request.networks) if jobs else None
    settings = replace(request.settings, format=plan.format)
    may_replace = request.policies.exists in {ExistsPolicy.OVERWRITE, ExistsPolicy.NEWER}

    def work(job: Job, advance: Advance) -> Outcome:
        room = darkroom or _open(request.networks)
        make_folder(job.target.parent)
        return _outcome(
            develop(
                partial(ahead.take, job.source),
                job.target,
                room,
                settings,
                overwrite=may_replace,
                on_progress=advance,
            )
        )

    with leaving_no_empty_folders(job.target.parent for job in jobs):
        return run(plan, work, Limits(_n_jobs(plan, request), request.max_failures), listener)


def forecast(plan: Plan, request: DevelopRequest) -> Forecast:
    """Say what a run would use; no network is loaded.

    Raises:
        ModelError: there is no such model.
        DeviceError: there is no device of that name.
    """
    found = find_model(request.networks.network)
    asked = request.networks.device
    device = asked if asked == "auto" else str(parse_device(asked))
    n_jobs = _n_jobs(plan, request)
    return Forecast(f"{found.name}@{found.version}", device, n_jobs, n_jobs * BYTES_A_JOB)


def _n_jobs(plan: Plan, request: DevelopRequest) -> int:
    return choose_jobs(request.n_jobs, len(plan.jobs), n_cores=n_cores(), free_bytes=free_memory())


def _open(choice: NetworkChoice) -> Darkroom:
    return open_darkroom(choice.network, None, choice.device, choice.runtime, choice.threads)


def _outcome(report: DevelopReport) -> Outcome:
    return Outcome(
        seconds=report.seconds,
        device=report.device,
        provider=report.provider,
        network=report.model,
        sha256=report.model_sha256,
        tiles=report.tiles,
        warnings=report.warnings,
    )


def _read(source: Path) -> RawFrame:
    _check_source(source)
    return read_raw(source)


def _check_source(source: Path) -> None:
    if not source.exists():
        raise InputError("no such file; check the name")
    if not source.is_file():
        raise InputError("not a regular file; name a raw file or a folder")
    if source.stat().st_size == 0:
        raise CorruptFileError("the file is empty; copy it again from the card")


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
