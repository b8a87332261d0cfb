"""The plan of a run: every input with its output and what will happen there, settled before any work."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import count
from pathlib import Path

from rawtool.batch.inputs import Found
from rawtool.batch.outputs import Destination, JobWords, OutputKind
from rawtool.errors import UsageError
from rawtool.vocabulary import ExistsPolicy, Format

SHEET_TAG = "_sheet"
"""What ``{tag}`` stands for in the name of a preview."""


class OnCollision(Enum):
    """What happens when two inputs would be written to one name."""

    ERROR = "error"
    NUMBER = "number"


class Action(Enum):
    """What the plan does with one input."""

    WRITE = "write"
    REPLACE = "replace"
    SKIP = "skip"
    REFUSE = "refuse"


_BY_WEIGHT = (Action.REFUSE, Action.REPLACE, Action.WRITE, Action.SKIP)


@dataclass(frozen=True, slots=True)
class Policies:
    """How the plan treats names that are taken."""

    exists: ExistsPolicy = ExistsPolicy.ERROR
    on_collision: OnCollision = OnCollision.ERROR


@dataclass(frozen=True, slots=True)
class Job:
    """One input, its outputs, and what happens there.

    also are the pictures in further formats, in the order of the plan's; sheet is the preview.
    """

    source: Path
    target: Path
    action: Action = Action.WRITE
    also: tuple[Path, ...] = ()
    sheet: Path | None = None

    @property
    def targets(self) -> tuple[Path, ...]:
        """All outputs, the first format's first and the preview last."""
        return (self.target, *self.also, *(() if self.sheet is None else (self.sheet,)))


@dataclass(frozen=True, slots=True)
class Plan:
    """All jobs of a run, in order, the format that they write, and those that they write beside it."""

    jobs: tuple[Job, ...]
    format: Format
    policies: Policies = Policies()
    also: tuple[Format, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where the outputs of a run go: the pictures, further formats beside them, and the previews."""

    pictures: Destination
    also: tuple[Format, ...] = ()
    sheets: Destination | None = None

    def job(self, found: Found, words: JobWords, seq: int) -> Job:
        """Give an input its outputs."""
        target = self.pictures.target(found, words, seq)
        also = tuple(target.with_suffix(f".{each.suffix}") for each in self.also)
        sheets, sheet_words = self.sheets, replace(words, tag=SHEET_TAG)
        sheet = None if sheets is None else sheets.target(found, sheet_words, seq)
        return Job(found.path, target, also=also, sheet=sheet)


def make_plan(found: Sequence[Found], wanted: Wanted, words: JobWords, policies: Policies) -> Plan:
    """Give every input its outputs.

    Raises:
        UsageError: two outputs would have one name, an output is one of the inputs, or one file is named
            for several inputs.
    """
    for option, destination in (("-o", wanted.pictures), ("--preview", wanted.sheets)):
        if destination is not None and destination.kind is OutputKind.FILE and len(found) > 1:
            raise UsageError(
                f"{option} {destination.name.text} is one file, but {len(found)} inputs are selected; "
                "end it in a slash for a folder, or put a field such as {stem} into it"
            )
    kept = _without_own_outputs(found, wanted, words)
    jobs = _jobs(kept, wanted, words)
    _refuse_twins(jobs)
    jobs = _numbered(jobs) if policies.on_collision is OnCollision.NUMBER else _collision_free(jobs)
    _refuse_inputs_as_outputs(jobs)
    return Plan(_settled(jobs, policies.exists), wanted.pictures.format, policies, wanted.also)


def decide(job: Job, policy: ExistsPolicy) -> Action:
    """Say what happens to a job now, from the files that are there and the policy.

    It is refused if one of its outputs is, and skipped if all are.
    """
    actions = {_decide(job.source, target, policy) for target in job.targets}
    return next(
        each for each in (Action.REFUSE, Action.REPLACE, Action.WRITE, Action.SKIP) if each in actions
    )


def due(job: Job, policy: ExistsPolicy) -> frozenset[Path]:
    """Say which outputs of a job are to be written now."""
    wanted = {Action.WRITE, Action.REPLACE}
    return frozenset(target for target in job.targets if _decide(job.source, target, policy) in wanted)


def _decide(source: Path, target: Path, policy: ExistsPolicy) -> Action:
    if not os.path.lexists(target):
        return Action.WRITE
    if policy is ExistsPolicy.NEWER:
        return Action.REPLACE if _is_newer(source, target) else Action.SKIP
    if policy is ExistsPolicy.OVERWRITE:
        return Action.REPLACE
    return Action.SKIP if policy is ExistsPolicy.SKIP else Action.REFUSE


def _jobs(found: Iterable[Found], wanted: Wanted, words: JobWords) -> tuple[Job, ...]:
    return tuple(wanted.job(each, words, i) for i, each in enumerate(found, 1))


def _without_own_outputs(found: Sequence[Found], wanted: Wanted, words: JobWords) -> tuple[Found, ...]:
    """Leave out files that a search found but that are the output of another input of this run."""
    jobs = _jobs(found, wanted, words)
    makers = {_identity(target): _identity(job.source) for job, target in _outputs(jobs)}

    def is_own_output(each: Found) -> bool:
        identity = _identity(each.path)
        return each.root is not None and makers.get(identity, identity) != identity

    return tuple(each for each in found if not is_own_output(each))


def _identity(path: Path) -> str:
    return os.path.realpath(path)


def _outputs(jobs: Iterable[Job]) -> Iterator[tuple[Job, Path]]:
    return ((job, target) for job in jobs for target in job.targets)


def _identities(jobs: Iterable[Job]) -> set[str]:
    return {_identity(target) for _, target in _outputs(jobs)}


def _refuse_twins(jobs: tuple[Job, ...]) -> None:
    for job in jobs:
        if len(_identities([job])) < len(job.targets):
            raise UsageError(
                f"two outputs of {job.source} would be written to {job.target.parent} under one name; "
                "leave one of -o, --also and --preview out, or name it otherwise"
            )


def _collision_free(jobs: tuple[Job, ...]) -> tuple[Job, ...]:
    taken: dict[str, Job] = {}
    for job, target in _outputs(jobs):
        other = taken.setdefault(_identity(target), job)
        if other is not job:
            raise UsageError(
                f"{other.source} and {job.source} would both be written to {target}; "
                f"{_remedy(other, job)} or use --on-collision number"
            )
    return jobs


def _remedy(one: Job, other: Job) -> str:
    if one.source.stem != other.source.stem:
        return "add {stem} to --name"
    return "add {inext} to --name" if one.source.suffix != other.source.suffix else "leave --flat out"


def _numbered(jobs: tuple[Job, ...]) -> tuple[Job, ...]:
    """Number the second and later jobs of one target: ``_1``, ``_2``, never onto another job's name."""
    taken: set[str] = set()
    wanted = _identities(jobs)
    numbered = []
    for job in jobs:
        is_first = not _identities([job]) & taken
        settled = job if is_first else _free_names(job, taken | wanted, looks_at_disk=False)
        taken |= _identities([settled])
        numbered.append(settled)
    return tuple(numbered)


def _free_names(job: Job, taken: set[str], *, looks_at_disk: bool) -> Job:
    """Number all outputs of a job alike, by the first number whose names are all free."""
    candidates = (_renamed(job, number) for number in count(1))
    return next(
        each
        for each in candidates
        if not _identities([each]) & taken and not (looks_at_disk and _is_there(each))
    )


def _renamed(job: Job, number: int) -> Job:
    target, *also = (_with_number(path, number) for path in (job.target, *job.also))
    sheet = None if job.sheet is None else _with_number(job.sheet, number)
    return replace(job, target=target, also=tuple(also), sheet=sheet)


def _with_number(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}_{number}{path.suffix}")


def _is_there(job: Job) -> bool:
    return any(os.path.lexists(target) for target in job.targets)


def _refuse_inputs_as_outputs(jobs: tuple[Job, ...]) -> None:
    sources = {key: job.source for job in jobs for key in _keys(job.source)}
    for job, target in _outputs(jobs):
        read = next((sources[key] for key in _keys(target) if key in sources), None)
        if read is not None:
            raise UsageError(
                f"{job.source} would be written to {target}, which is the input {read}; "
                "an input is never written over, choose another --name or -o"
            )


def _keys(path: Path) -> tuple[str | tuple[int, int], ...]:
    """Return what tells a file from others: its real path and, when it exists, its device and inode."""
    try:
        status = path.stat()
    except OSError:
        return (_identity(path),)
    return (_identity(path), (status.st_dev, status.st_ino))


def _settled(jobs: tuple[Job, ...], policy: ExistsPolicy) -> tuple[Job, ...]:
    if policy is not ExistsPolicy.RENAME:
        return tuple(replace(job, action=decide(job, policy)) for job in jobs)
    taken = _identities(jobs)
    settled = []
    for job in jobs:
        kept = _free_names(job, taken, looks_at_disk=True) if _is_there(job) else job
        taken |= _identities([kept])
        settled.append(kept)
    return tuple(settled)


def _is_newer(source: Path, target: Path) -> bool:
    try:
        return source.stat().st_mtime_ns > target.stat().st_mtime_ns
    except OSError:
        return True
