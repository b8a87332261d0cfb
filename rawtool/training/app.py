"""What ``rawtool train`` calls: one function a command."""

import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from lightning_fabric import Fabric

from rawtool.errors import ConfigError, DeviceError
from rawtool.nets.hdrunet import HdrUnet
from rawtool.pipelines.darkroom import open_darkroom
from rawtool.pipelines.learned import open_learned
from rawtool.pipelines.studio import open_studio
from rawtool.runtime.catalog import find_model, sha256_of
from rawtool.training.coder_evaluation import PackRow, evaluate_pack
from rawtool.training.configs import HDRUNET_PAPER
from rawtool.training.evaluation import Row, evaluate_develop
from rawtool.training.export import export_stage, write_index
from rawtool.training.hdr_card import hdr_card
from rawtool.training.hdr_evaluation import HdrRow, evaluate_hdr
from rawtool.training.importing import import_checkpoint
from rawtool.training.pairs import PairSet, check_crop, find_pairs, open_pairs, prepare_pairs
from rawtool.training.precision import short_precision
from rawtool.training.recipes import style
from rawtool.training.recipes.registry import CONFIGS, Recipe, recipe
from rawtool.training.runs import FACTS, SETTINGS, export_run, fact, is_run, read_run
from rawtool.training.scenes import SceneSet, open_scenes, prepare_scenes
from rawtool.training.settings import (
    Config,
    RunConfig,
    dump_config,
    read_config,
    scaled,
    stages_of,
    steps_to_train,
)
from rawtool.training.starts import hand_on, open_start
from rawtool.vocabulary import ExitCode, Precision, Task

_LOG = logging.getLogger(__name__)
_FIRST_STYLE = "cameranet-s"
__all__ = [
    "HdrRow",
    "PackRow",
    "Row",
    "TrainOptions",
    "evaluate",
    "export_run",
    "exported_model",
    "import_hdrunet",
    "prepare_scenes",
    "train",
    "train_style",
]


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What a training run was told; None leaves a choice to the settings file and the recipe.

    start is another run, or a model, whose best weights the steps begin with; only names the steps to train
    (none: all), the others are taken from there as they are.
    """

    data: Path
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
    start: Path | None = None
    only: tuple[str, ...] = ()


def train(name: str, options: TrainOptions, say: Callable[[str], None] = _LOG.info) -> int:
    """Train the steps of a recipe into a run folder; 0 only if a usable checkpoint exists.

    A dry run takes one step of each stage in a folder of its own, leaves nothing, and says throughput and
    memory.

    Raises:
        ConfigError: settings that cannot work, a run that exists and is not resumed.
        DeviceError: the device is not usable.
    """
    config = _config(name, options)
    chosen = recipe(name)
    scenes = open_scenes(options.data)
    chosen.check_scenes(scenes)
    fabric = _fabric(options)
    if options.is_dry:
        return _rehearse(chosen, config, scenes, fabric, say)
    _check_free(options)
    is_begun = options.is_resumed
    if options.start is not None and not is_begun:
        hand_on(open_start(options.start), options.out, config, options.only)
        is_begun = True
    _note(options, config)
    for stage in options.only or steps_to_train(config):
        progress = chosen.train_step(stage, config, scenes, fabric, options.out, resume=is_begun)
        chosen.draw(options.out, scenes, config)
        if progress.is_stopped:
            break
    first = next(iter(options.only or steps_to_train(config)))
    return int(ExitCode.OK if (options.out / f"{first}-last.pt").exists() else ExitCode.MIXED)


def train_style(options: TrainOptions, say: Callable[[str], None] = _LOG.info) -> int:
    """Tune a model's finishing to a photographer's pairs; options.data is their folder, start the model.

    A dry run says which pairs there are and leaves nothing.

    Raises:
        ConfigError: settings that cannot work, a run that exists and is not resumed.
        NoInputError: there are too few pairs.
        ModelError: the model to begin with cannot be used.
    """
    if options.size != style.STYLE.size:
        raise ConfigError(f"styles are learned by networks of size {style.STYLE.size}; leave --size out")
    options = replace(options, only=(style.STEP,))
    if not options.is_resumed:
        options = replace(options, start=options.start or Path(_FIRST_STYLE))
    config = _told("cameranet", options, style.STYLE)
    check_crop(config.enhance.crop)
    if options.is_dry:
        for original, picture in find_pairs(options.data):
            say(f"{original.name} with {picture.name}")
        return int(ExitCode.OK)
    fabric = _fabric(options)
    _check_free(options)
    place = options.out / "pairs"
    pairs = open_pairs(place) if options.is_resumed else _prepared(options, config, place, say)
    _note(options, config, {"pairs": len(pairs.names)})
    before, progress = style.train_style(config, pairs, fabric, options.out)
    style.draw(config, pairs, options.out)
    if not (options.out / f"{style.STEP}-best.pt").exists():
        return int(ExitCode.MIXED)
    before = float(fact(options.out, "before") or before)
    _note(options, config, {"pairs": len(pairs.names), "before": before})
    say(f"held-out pairs: {before:.2f} dB before, {progress.best:.2f} dB now")
    return int(ExitCode.OK)


def _prepared(options: TrainOptions, config: RunConfig, place: Path, say: Callable[[str], None]) -> PairSet:
    """Restore the raws of pairs by the model to begin with, and let the run begin with its weights."""
    if options.start is None:
        raise ValueError("a style begins with a model")
    start = open_start(options.start)
    with tempfile.TemporaryDirectory() as name:
        darkroom = open_darkroom(exported_model(str(options.start), Path(name)))
        pairs = prepare_pairs(options.data, darkroom, place, say)
    hand_on(start, options.out, config, options.only)
    return pairs


def evaluate(
    subject: str, data: Path, max_scenes: int | None = None, precision: Precision = Precision.AUTO
) -> list[Row] | list[HdrRow] | list[PackRow]:
    """Score a model (its name or folder) or a run (its folder) on the held-out scenes of a data folder.

    precision is that of a restoration.

    Raises:
        ConfigError: data is not a scene folder, or a step of the run has no checkpoint yet.
        ModelError: there is no such model, or it is damaged.
    """
    scenes = open_scenes(data)
    with tempfile.TemporaryDirectory() as name:
        subject = exported_model(subject, Path(name))
        tasks = find_model(subject, task=None).tasks
        if Task.PACK in tasks:
            return evaluate_pack(open_learned(subject), scenes, max_scenes)
        if Task.HDR in tasks:
            return evaluate_hdr(open_studio(subject), scenes, max_scenes)
        return evaluate_develop(open_darkroom(subject, precision=precision), scenes, max_scenes)


def exported_model(subject: str, place: Path) -> str:
    """Give the model of a subject; a run is exported into a folder first."""
    if not is_run(Path(subject)):
        return subject
    export_run(Path(subject), place / "model")
    return str(place / "model")


def import_hdrunet(checkpoint: Path, out: Path) -> None:
    """Turn a checkpoint that HDRUNet's authors published into a model folder, with the index above it.

    Raises:
        InputError: the file cannot be used.
        ModelContractError: it is of another network.
        VerificationError: an engine disagrees with the network.
    """
    network = HdrUnet()
    import_checkpoint(network, checkpoint)
    origin = f"imported from {checkpoint.name}, SHA-256 {sha256_of(checkpoint)}; trained by its authors"
    export_stage(network.eval(), hdr_card(HDRUNET_PAPER, origin), out)
    write_index(out.parent)


def _rehearse(
    chosen: Recipe, config: RunConfig, scenes: SceneSet, fabric: Fabric, say: Callable[[str], None]
) -> int:
    """Take one step of each stage and say how fast it was and how much memory it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for stage in steps_to_train(config):
            if chosen.train_step(stage, config, scenes, fabric, folder, resume=False).is_stopped:
                return int(ExitCode.MIXED)
        rows = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows:
        if "pixels_per_s" in row:
            say(f"{row['stage']}: {row['pixels_per_s'] / 1e6:.3f} million pixels per second")
    say(f"memory: {_peak_bytes(fabric) / 2**20:.0f} MiB")
    return int(ExitCode.OK)


def _peak_bytes(fabric: Fabric) -> int:
    """Give the most memory that the training took: of the device, or of this process on the CPU."""
    if fabric.device.type == "cuda":
        return torch.cuda.max_memory_allocated(fabric.device)
    if sys.platform == "win32":
        return 0
    import resource

    # Linux counts in KiB, macOS in bytes (getrusage).
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _config(name: str, options: TrainOptions) -> RunConfig:
    """Give the settings of a run of a recipe for networks of the size that was asked for."""
    if options.size not in CONFIGS[name]:
        raise ConfigError(f"{name} has no size {options.size}; leave --size out")
    return _told(name, options, CONFIGS[name][options.size])


def _told(name: str, options: TrainOptions, recipe_config: Config) -> Config:
    """Lay the settings of a recipe, the settings file and the words over each other."""
    if options.is_resumed and is_run(options.out):
        _check_same(name, options, read_run(options.out))
    base = replace(recipe_config, seed=options.seed)
    if options.start is not None:
        _check_start(options.start, base)
    words = (*options.overrides, *((f"loss={options.loss}",) if options.loss else ()))
    config = read_config(options.config, words, base)
    _check_only(options, config)
    n_steps = 1 if options.is_dry else options.max_steps
    return scaled(config, options.max_minutes, n_steps, options.only)


def _check_only(options: TrainOptions, config: RunConfig) -> None:
    """Refuse steps that the recipe does not have, and a lone step that has nothing to stand on."""
    known = tuple(stages_of(config))
    unknown = [step for step in options.only if step not in known]
    if unknown:
        raise ConfigError(f"{config.recipe} has no step {unknown[0]}; it has {', '.join(known)}")
    if options.only and options.start is None and not options.is_resumed:
        raise ConfigError(
            "--only leaves steps out whose weights must come from another run; add --from RUN or MODEL"
        )


def _check_start(place: Path, config: RunConfig) -> None:
    """Refuse to begin with the weights of another recipe or of networks of another size."""
    start = open_start(place)
    start.check(config)
    if start.size != config.size:
        raise ConfigError(f"{start.label} is of size {start.size}; add --size {start.size}")


def _check_same(name: str, options: TrainOptions, begun: RunConfig) -> None:
    """Refuse to go on with another recipe or networks of another size than the run began with."""
    if begun.recipe != name:
        raise ConfigError(
            f"{options.out} is a run of {begun.recipe}; resume it with: rawtool train {begun.recipe}"
        )
    if options.size != begun.size:
        raise ConfigError(f"{options.out} was begun with --size {begun.size}; resume it with the same size")


def _fabric(options: TrainOptions) -> Fabric:
    """Open the devices."""
    is_short = options.precision == "bf16"
    try:
        fabric = Fabric(
            accelerator=options.device,
            devices=options.n_devices,
            precision=None if is_short else "32-true",
            plugins=short_precision(options.device) if is_short else None,
        )
        fabric.launch()
    except (ValueError, RuntimeError) as error:
        raise DeviceError(f"device {options.device} cannot be used ({error}); try --device cpu") from error
    return fabric


def _check_free(options: TrainOptions) -> None:
    """Refuse to begin a run where there is one: nothing of it is lost."""
    if is_run(options.out) and not options.is_resumed:
        raise ConfigError(f"{options.out} holds a run already; add --resume or choose another folder with -o")
    options.out.mkdir(parents=True, exist_ok=True)


def _note(options: TrainOptions, config: RunConfig, more: Mapping[str, object] | None = None) -> None:
    """Write down what a run was told, and its facts; what it began with stays when it is resumed."""
    kept = {name: fact(options.out, name) for name in ("start", "before")} if options.is_resumed else {}
    begun = None if options.start is None else open_start(options.start).label
    facts = {
        "recipe": config.recipe,
        "precision": options.precision,
        "device": options.device,
        "devices": options.n_devices,
        **kept,
        "start": kept.get("start") or begun,
        "began": time.strftime("%Y-%m-%d %H:%M"),
        **(more or {}),
    }
    (options.out / FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")
    (options.out / SETTINGS).write_text(dump_config(config), encoding="utf-8")
