"""What ``rawtool train`` calls: one function a command."""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

from rawtool.errors import ConfigError, DeviceError
from rawtool.training.evaluation import Row, evaluate
from rawtool.training.runs import SETTINGS, export_run
from rawtool.training.scenes import open_scenes, prepare_scenes
from rawtool.training.settings import PAPER, CameraNetConfig, dump_config, read_config, scaled
from rawtool.vocabulary import ExitCode

__all__ = ["Row", "TrainOptions", "evaluate", "export_run", "prepare_scenes", "train_cameranet"]

FACTS = "run.json"


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What a training run was told; None leaves a choice to the settings file and the recipe."""

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


def train_cameranet(options: TrainOptions) -> int:
    """Train CameraNet's three steps into a run folder; 0 only if a usable checkpoint exists.

    A dry run takes one step of each stage in a folder of its own and says pixels per second.

    Raises:
        ConfigError: settings that cannot work, a run that exists and is not resumed.
        DeviceError: the device is not usable.
    """
    from rawtool.training.plots import draw_run
    from rawtool.training.recipes.cameranet import STAGES, train_step

    config = _config(options)
    scenes = open_scenes(options.data)
    fabric = _fabric(options)
    _begin(options, config)
    for name in STAGES:
        progress = train_step(name, config, scenes, fabric, options.out, resume=options.is_resumed)
        draw_run(options.out, scenes, config)
        if progress.is_stopped:
            break
    return int(ExitCode.OK if (options.out / "restore-last.pt").exists() else ExitCode.MIXED)


def _config(options: TrainOptions) -> CameraNetConfig:
    """Lay the recipe, the settings file and the words over each other."""
    base = PAPER if options.size == "paper" else CameraNetConfig()
    base = replace(base, seed=options.seed, loss=options.loss or base.loss)
    config = read_config(options.config, options.overrides, base)
    if options.is_dry:
        return scaled(config, 0.5, 3)
    return scaled(config, options.max_minutes, options.max_steps)


def _fabric(options: TrainOptions):  # type: ignore[no-untyped-def]
    """Open the devices."""
    from lightning_fabric import Fabric

    precision = "bf16-mixed" if options.precision == "bf16" else "32-true"
    try:
        fabric = Fabric(accelerator=options.device, devices=options.n_devices, precision=precision)
        fabric.launch()
    except (ValueError, RuntimeError) as error:
        raise DeviceError(f"device {options.device} cannot be used ({error}); try --device cpu") from error
    return fabric


def _begin(options: TrainOptions, config: CameraNetConfig) -> None:
    """Make the run folder and write down what the run was told; nothing of an older run is lost."""
    options.out.mkdir(parents=True, exist_ok=True)
    if (options.out / SETTINGS).exists() and not options.is_resumed:
        raise ConfigError(f"{options.out} holds a run already; add --resume or choose another folder with -o")
    (options.out / SETTINGS).write_text(dump_config(config), encoding="utf-8")
    facts = {"precision": options.precision, "device": options.device, "devices": options.n_devices}
    facts["began"] = time.strftime("%Y-%m-%d %H:%M")
    (options.out / FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")
