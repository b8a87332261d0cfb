"""What ``rawtool train`` calls: one function a command."""

import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from lightning_fabric import Fabric

from rawtool.errors import ConfigError, DeviceError
from rawtool.training.data import check_scenes
from rawtool.training.evaluation import Row, evaluate
from rawtool.training.runs import SETTINGS, export_run, is_run, read_run
from rawtool.training.scenes import SceneSet, open_scenes, prepare_scenes
from rawtool.training.settings import PAPER, CameraNetConfig, dump_config, read_config, scaled
from rawtool.vocabulary import ExitCode

_LOG = logging.getLogger(__name__)
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


def train_cameranet(options: TrainOptions, say: Callable[[str], None] = _LOG.info) -> int:
    """Train CameraNet's three steps into a run folder; 0 only if a usable checkpoint exists.

    A dry run takes one step of each stage in a folder of its own, leaves nothing, and says throughput and
    memory.

    Raises:
        ConfigError: settings that cannot work, a run that exists and is not resumed.
        DeviceError: the device is not usable.
    """
    from rawtool.training.recipes.cameranet import STAGES, train_step

    config = _config(options)
    scenes = open_scenes(options.data)
    check_scenes(scenes)
    fabric = _fabric(options)
    if options.is_dry:
        return _rehearse(config, scenes, fabric, say)
    from rawtool.training.plots import draw_run

    _begin(options, config)
    for name in STAGES:
        progress = train_step(name, config, scenes, fabric, options.out, resume=options.is_resumed)
        draw_run(options.out, scenes, config)
        if progress.is_stopped:
            break
    return int(ExitCode.OK if (options.out / "restore-last.pt").exists() else ExitCode.MIXED)


def _rehearse(config: CameraNetConfig, scenes: SceneSet, fabric: Fabric, say: Callable[[str], None]) -> int:
    """Take one step of each stage and say how fast it was and how much memory it took."""
    from rawtool.training.recipes.cameranet import STAGES, train_step

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for stage in STAGES:
            if train_step(stage, config, scenes, fabric, folder, resume=False).is_stopped:
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


def _config(options: TrainOptions) -> CameraNetConfig:
    """Lay the recipe, the settings file and the words over each other."""
    if options.is_resumed and is_run(options.out):
        _check_size(options, read_run(options.out).size)
    base = PAPER if options.size == "paper" else CameraNetConfig()
    words = (*options.overrides, *((f"loss={options.loss}",) if options.loss else ()))
    config = read_config(options.config, words, replace(base, seed=options.seed))
    if options.is_dry:
        return scaled(config, options.max_minutes, 1)
    return scaled(config, options.max_minutes, options.max_steps)


def _check_size(options: TrainOptions, begun: str) -> None:
    """Refuse to go on with networks of another size than the run began with."""
    if options.size != begun:
        raise ConfigError(f"{options.out} was begun with --size {begun}; resume it with the same size")


def _fabric(options: TrainOptions) -> Fabric:
    """Open the devices."""
    is_short = options.precision == "bf16"
    try:
        fabric = Fabric(
            accelerator=options.device,
            devices=options.n_devices,
            precision="bf16-mixed" if is_short else "32-true",
        )
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
