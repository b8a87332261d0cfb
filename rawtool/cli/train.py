"""``rawtool train``: make the networks."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rawtool.cli import options
from rawtool.errors import UsageError
from rawtool.vocabulary import ExitCode, Precision

if TYPE_CHECKING:
    from rawtool.training.app import HdrRow, PackRow, Row

_FOLDER = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True)
class TrainWords:
    """A training run, as typed; None leaves the choice to the settings file and the recipe.

    The fields are those of the trainer's own options, which cannot be named without loading it.
    """

    data: Path | None
    out: Path
    config: Path | None
    overrides: tuple[str, ...]
    size: str
    loss: str | None
    device: str
    n_devices: int
    precision: str
    max_steps: int | None
    max_minutes: float | None
    seed: int
    is_resumed: bool
    is_dry: bool
    start: Path | None
    only: tuple[str, ...]


@click.group("train", short_help="Make the networks: scenes, training, evaluation, export (extra: train).")
def train() -> None:
    """Make the networks: prepare scenes, train, evaluate, export. Needs the extra "train"."""


@train.command("scenes", cls=options.GatheringCommand, short_help="Prepare pictures for training, once.")
@options.stacked(
    click.argument("sources", metavar="SRC...", nargs=-1, required=True, type=_FOLDER),
    click.option(
        "-o", "--out", required=True, type=_FOLDER, metavar="DATA", help="Folder of the scene shards."
    ),
    options.verbosity_options,
)
def scenes(sources: tuple[Path, ...], out: Path) -> int:
    """Decode pictures (HDR, EXR, raw, photographs) once into memory-mapped scene shards."""
    from rawtool.cli import failures
    from rawtool.training.app import prepare_scenes

    prepare_scenes(list(sources), out, on_scene=lambda name: failures.say(f"rawtool: {name}"))
    return int(ExitCode.OK)


_data_option = click.option("--data", required=True, type=_FOLDER, help="Folder that `train scenes` made.")

_run_options = options.stacked(
    click.option("-o", "--out", required=True, type=_FOLDER, metavar="RUN", help="Folder of the run."),
    click.option("--config", type=_FOLDER, metavar="FILE.toml", help="Settings; the options here win."),
    click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One setting; repeatable."),
    click.option(
        "--size", type=click.Choice(["s", "paper"]), default="s", show_default=True, help="Network size."
    ),
    click.option("--loss", metavar="NAME", help="What is minimised; a wrong name lists the recipe's."),
    click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps."),
    click.option(
        "--devices", "n_devices", type=click.IntRange(min=1), default=1, show_default=True, help="How many."
    ),
    click.option(
        "--precision",
        type=click.Choice(["fp32", "bf16"]),
        default="fp32",
        show_default=True,
        help="Of the arithmetic.",
    ),
    click.option("--max-steps", type=click.IntRange(min=1), help="Stop each stage after so many steps."),
    click.option(
        "--max-minutes", type=click.FloatRange(min=0.0, min_open=True), help="Stop after so many minutes."
    ),
    click.option(
        "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of everything random."
    ),
    click.option("--resume", "is_resumed", is_flag=True, help="Go on from the run's last checkpoint."),
    click.option(
        "--from",
        "start",
        type=_FOLDER,
        metavar="RUN|MODEL",
        help="Begin with the weights of a run or a model.",
    ),
    click.option(
        "--only",
        multiple=True,
        metavar="STEP",
        help="Train this step, take the others from --from; repeatable.",
    ),
    click.option("-n", "--dry-run", "is_dry", is_flag=True, help="One step; say memory and throughput."),
    options.verbosity_options,
)

_training_options = options.stacked(_data_option, _run_options)


@train.command(
    "cameranet", cls=options.GatheringCommand, short_help="Train CameraNet: restore, enhance, joint."
)
@options.stacked(
    click.option("--data", type=_FOLDER, help="Folder that `train scenes` made."),
    click.option(
        "--pairs",
        type=_FOLDER,
        metavar="DIR",
        help="Instead of --data: raws beside your own finished pictures of the same name.",
    ),
    _run_options,
)
def cameranet(asked: TrainWords, pairs: Path | None) -> int:
    """Train CameraNet in its three steps: restoration, enhancement, both together.

    With --pairs, tune the finishing of an installed model (--from, cameranet-s by default) to a style: raws
    beside the finished JPEG, TIFF or PNG of the same name, whole, at a quarter of their size or more.
    Pairs that do not lie on each other are named and left out.

    Writes settings, log, curves, sample strips, last and best checkpoints into RUN. Stops cleanly with a
    checkpoint on Ctrl+C and at the time limit.
    """
    if (asked.data is None) == (pairs is None):
        raise UsageError("give either --data, to train on scenes, or --pairs, to learn a style")
    if pairs is None:
        return _train("cameranet", asked)
    if asked.only:
        raise UsageError("--pairs trains the finishing only; leave --only out")
    from rawtool.cli import failures
    from rawtool.training.app import TrainOptions, train_style

    return train_style(TrainOptions(**{**asdict(asked), "data": pairs}), failures.say)


@train.command("hdrunet", cls=options.GatheringCommand, short_help="Train the network of `rawtool hdr`.")
@_training_options
def hdrunet(asked: TrainWords) -> int:
    """Train one LDR picture to HDR: size s is what `rawtool hdr` takes, size paper is HDRUNet.

    Writes settings, log, curves, a sample sheet, last and best checkpoints into RUN. Stops cleanly with a
    checkpoint on Ctrl+C and at the time limit.
    """
    return _train("hdrunet", asked)


@train.command("raw-metadata", cls=options.GatheringCommand, short_help="Train the codec of `rawtool pack`.")
@_training_options
def raw_metadata(asked: TrainWords) -> int:
    """Train the codec that brings a raw back from its picture and a few bytes.

    Writes settings, log, curves, last and best checkpoints into RUN. Stops cleanly with a checkpoint on
    Ctrl+C and at the time limit.
    """
    return _train("raw-metadata", asked)


@train.command("singlehdr", cls=options.GatheringCommand, short_help="Train SingleHDR.")
@_training_options
def singlehdr(asked: TrainWords) -> int:
    """Train SingleHDR in four steps: dequantise, linearise, hallucinate, refine.

    Size s has a quarter of the paper's channels. Writes settings, log, curves, last and best checkpoints
    into RUN. Stops cleanly with a checkpoint on Ctrl+C and at the time limit.
    """
    return _train("singlehdr", asked)


def _train(recipe: str, asked: TrainWords) -> int:
    from rawtool.cli import failures
    from rawtool.training.app import TrainOptions, train

    return train(recipe, TrainOptions(**asdict(asked)), failures.say)


@train.command(
    "eval", cls=options.GatheringCommand, short_help="Measure a run or a model on held-out scenes."
)
@options.stacked(
    click.argument("subject", metavar="RUN|MODEL"),
    click.option("--data", required=True, type=_FOLDER, help="Folder that `train scenes` made."),
    options.precision_option,
    options.json_option,
    options.verbosity_options,
)
def evaluate(subject: str, data: Path, precision: Precision, is_json: bool) -> int:
    """Measure a run or a model on held-out scenes, with what a user would pick instead beside it."""
    from rawtool.cli.report import say_result
    from rawtool.training.app import evaluate as measure

    for row in measure(subject, data, precision=precision):
        say_result(_event(row) if is_json else _line(row))
    return int(ExitCode.OK)


@train.command(
    "export", cls=options.GatheringCommand, short_help="Turn a run into a model: ONNX, TorchScript, card."
)
@options.stacked(
    click.argument("run", type=_FOLDER),
    click.option("-o", "--out", required=True, type=_FOLDER, metavar="DIR", help="Folder of the model."),
    options.verbosity_options,
)
def export(run: Path, out: Path) -> int:
    """Turn a run into a model: ONNX and TorchScript graphs, cards, digests; proves that they agree."""
    from rawtool.training.app import export_run

    export_run(run, out)
    return int(ExitCode.OK)


def _event(row: "Row | HdrRow | PackRow") -> Mapping[str, object]:
    return {"v": 1, "event": "score", **{name: _finite(value) for name, value in asdict(row).items()}}


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _line(row: "Row | HdrRow | PackRow") -> str:
    return "  ".join(
        f"{value:8.3f}" if isinstance(value, float) else f"{value!s:24}" for value in asdict(row).values()
    )
