"""The plan of a run: every input with its output and what will happen there, settled before any work."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from rawtool.batch.inputs import Found
from rawtool.batch.outputs import Destination, JobWords, OutputKind
from rawtool.errors import UsageError
from rawtool.vocabulary import ExistsPolicy, Format


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


@dataclass(frozen=True, slots=True)
class Policies:
    """How the plan treats names that are taken."""

    exists: ExistsPolicy = ExistsPolicy.ERROR
    on_collision: OnCollision = OnCollision.ERROR


@dataclass(frozen=True, slots=True)
class Job:
    """One input, its output, and what happens there."""

    source: Path
    target: Path
    action: Action = Action.WRITE


@dataclass(frozen=True, slots=True)
class Plan:
    """All jobs of a run, in order, and the format that they write."""

    jobs: tuple[Job, ...]
    format: Format
    policies: Policies = Policies()


def make_plan(found: Sequence[Found], destination: Destination, words: JobWords, policies: Policies) -> Plan:
    """Give every input its output.

    Raises:
        UsageError: two inputs would be written to one name, an output is one of the inputs, or ``-o``
            names one file for several inputs.
    """
    if destination.kind is OutputKind.FILE and len(found) > 1:
        raise UsageError(
            f"-o {destination.name.text} is one file, but {len(found)} inputs are selected; "
            "end it in a slash for a folder, or put a field such as {stem} into it"
        )
    kept = _without_own_outputs(found, destination, words)
    jobs = _jobs(kept, destination, words)
    jobs = _numbered(jobs) if policies.on_collision is OnCollision.NUMBER else _collision_free(jobs)
    _refuse_inputs_as_outputs(jobs)
    return Plan(_settled(jobs, policies.exists), destination.format, policies)


def decide(job: Job, policy: ExistsPolicy) -> Action:
    """Say what happens to a job now, from the files that are there and the policy."""
    if not os.path.lexists(job.target):
        return Action.WRITE
    if policy is ExistsPolicy.NEWER:
        return Action.REPLACE if _is_newer(job.source, job.target) else Action.SKIP
    if policy is ExistsPolicy.OVERWRITE:
        return Action.REPLACE
    return Action.SKIP if policy is ExistsPolicy.SKIP else Action.REFUSE


def _jobs(found: Iterable[Found], destination: Destination, words: JobWords) -> tuple[Job, ...]:
    return tuple(Job(each.path, destination.target(each, words, i)) for i, each in enumerate(found, 1))


def _without_own_outputs(
    found: Sequence[Found], destination: Destination, words: JobWords
) -> tuple[Found, ...]:
    """Leave out files that a search found but that are the output of another input of this run."""
    jobs = _jobs(found, destination, words)
    makers = {_identity(job.target): _identity(job.source) for job in jobs}

    def is_own_output(each: Found) -> bool:
        identity = _identity(each.path)
        return each.root is not None and makers.get(identity, identity) != identity

    return tuple(each for each in found if not is_own_output(each))


def _identity(path: Path) -> str:
    return os.path.realpath(path)


def _collision_free(jobs: tuple[Job, ...]) -> tuple[Job, ...]:
    taken: dict[str, Job] = {}
    for job in jobs:
        other = taken.setdefault(_identity(job.target), job)
        if other is not job:
            raise UsageError(
                f"{other.source} and {job.source} would both be written to {job.target}; "
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
    wanted = {_identity(job.target) for job in jobs}
    numbered = []
    for job in jobs:
        is_first = _identity(job.target) not in taken
        target = job.target if is_first else _free_name(job.target, taken | wanted, looks_at_disk=False)
        taken.add(_identity(target))
        numbered.append(replace(job, target=target))
    return tuple(numbered)


def _free_name(target: Path, taken: set[str], *, looks_at_disk: bool) -> Path:
    number = 1
    while True:
        candidate = target.with_name(f"{target.stem}_{number}{target.suffix}")
        is_there = looks_at_disk and os.path.lexists(candidate)
        if not is_there and _identity(candidate) not in taken:
            return candidate
        number += 1


def _refuse_inputs_as_outputs(jobs: tuple[Job, ...]) -> None:
    sources = {key: job.source for job in jobs for key in _keys(job.source)}
    for job in jobs:
        read = next((sources[key] for key in _keys(job.target) if key in sources), None)
        if read is not None:
            raise UsageError(
                f"{job.source} would be written to {job.target}, which is the input {read}; "
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
    taken = {_identity(job.target) for job in jobs}
    settled = []
    for job in jobs:
        is_there = os.path.lexists(job.target)
        target = _free_name(job.target, taken, looks_at_disk=True) if is_there else job.target
        taken.add(_identity(target))
        settled.append(replace(job, target=target))
    return tuple(settled)


def _is_newer(source: Path, target: Path) -> bool:
    try:
        return source.stat().st_mtime_ns > target.stat().st_mtime_ns
    except OSError:
        return True
