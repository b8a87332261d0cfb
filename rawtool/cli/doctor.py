"""``rawtool doctor``: what works here."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from rawtool.cli import options

if TYPE_CHECKING:
    from rawtool.pipelines.doctor import Check, Diagnosis, Trial


@click.command(
    "doctor", cls=options.GatheringCommand, short_help="Say what works here, with a real run on each device."
)
@options.stacked(
    click.option("--device", metavar="DEVICE", help="Try this device only; exit 8 if it does not work."),
    options.json_option,
    options.verbosity_options,
)
def doctor(device: str | None, is_json: bool) -> int:
    """Say what works here: packages, models, folders, memory, and a real run on each device.

    The run is of the default model of each command that has one.

    Exit status 5 if a model or what runs it is missing or damaged, 8 if the device that was asked for
    does not work.
    """
    from rawtool.cli.report import say_result
    from rawtool.pipelines.doctor import diagnose

    found = diagnose(device)
    say_result(_event(found) if is_json else _lines(found))
    return int(found.code)


def _event(found: "Diagnosis") -> Mapping[str, object]:
    return {"v": 1, "event": "doctor", **asdict(found), "code": int(found.code)}


def _lines(found: "Diagnosis") -> str:
    free = "unknown" if found.free_bytes is None else f"{found.free_bytes / 1e9:.1f} GB free"
    lines = [
        f"rawtool {found.version}",
        found.system,
        f"{found.n_cores} cores, memory {free}",
        "",
        "packages",
    ]
    lines += [f"  {part.name:16} {part.found or 'missing':12} {part.purpose}" for part in found.parts]
    lines += ["", "what runs networks", _check(found.engines), "", "devices"]
    lines += [_trial(trial) for trial in found.trials]
    lines += ["", "models", *(_check(check) for check in found.models)]
    lines += ["", "folders", *(_check(check) for check in found.folders)]
    return "\n".join(lines)


def _check(check: "Check") -> str:
    return f"  {'ok  ' if check.problem is None else 'BAD '} {check.name}" + (
        f": {check.problem}" if check.problem else ""
    )


def _trial(trial: "Trial") -> str:
    what = trial.device if trial.model is None else f"{trial.device}, {trial.model}"
    if trial.problem is not None or trial.seconds is None:
        return f"  BAD  {what}: {trial.problem}"
    same = "" if trial.difference is None else f", {trial.difference:.1e} from the CPU"
    return f"  ok   {what}: {trial.provider}, {1000 * trial.seconds:.1f} ms a tile of 256 x 256{same}"
