"""A run's folder after training: its settings, what it did, and the model that it becomes."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from rawtool.errors import ConfigError
from rawtool.training.settings import RunConfig, read_config, stages_of

if TYPE_CHECKING:
    from torch import Tensor

SETTINGS, FACTS = "settings.toml", "run.json"
FIRST_RECIPE = "cameranet"
"""The recipe of runs whose facts name none."""


def is_run(folder: Path) -> bool:
    """Tell whether a folder is that of a training run."""
    return (folder / SETTINGS).is_file()


def read_run(run: Path) -> RunConfig:
    """Read the settings of a run; their class says which recipe made it.

    Raises:
        ConfigError: there are none.
    """
    from rawtool.training.recipes.registry import CONFIGS

    if not is_run(run):
        raise ConfigError(
            f"{run} is not a training run: it has no {SETTINGS}; make one with: rawtool train cameranet"
        )
    name = _recipe_name(run / FACTS)
    if name not in CONFIGS:
        raise ConfigError(
            f"{run} was made by a recipe {name}, which this version does not have; update rawtool"
        )
    return read_config(run / SETTINGS, (), CONFIGS[name]["s"])


def _recipe_name(facts: Path) -> str:
    """Read which recipe made a run."""
    try:
        return str(json.loads(facts.read_text(encoding="utf-8")).get("recipe", FIRST_RECIPE))
    except (OSError, ValueError, AttributeError):
        return FIRST_RECIPE


def hand_on(start: Path, out: Path, config: RunConfig, only: tuple[str, ...]) -> None:
    """Let the steps of a new run begin with what another run came to; those not in ``only`` are done so.

    Steps that combine others begin with what those came to in the new run, as ever.

    Raises:
        ConfigError: the other run lacks a step that is not trained here.
    """
    from rawtool.training.checkpoint import Checkpoint, save_checkpoint

    for name in stages_of(config):
        if name in config.combining:
            continue
        is_trained = not only or name in only
        if is_trained and not (start / f"{name}-best.pt").exists():
            continue
        weights = _last_weights(start, name, config)
        begun = Checkpoint(name, 0, 0.0, -math.inf, weights, weights, {})
        for kind in ("last",) if is_trained else ("best", "last"):
            save_checkpoint(out / f"{name}-{kind}.pt", begun)


def _last_weights(start: Path, name: str, config: RunConfig) -> "dict[str, Tensor]":
    """Give the best weights of a step: those of the step that tuned them further, where there is one."""
    from rawtool.training.checkpoint import load_checkpoint

    for combined, parts in config.combining.items():
        path = start / f"{combined}-best.pt"
        if name in parts and path.exists():
            prefix = f"{parts[name]}."
            found = load_checkpoint(path).average
            return {key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)}
    return load_checkpoint(start / f"{name}-best.pt").average


def export_run(run: Path, out: Path) -> None:
    """Export the best weights of a run as a model folder and write the index above it.

    Raises:
        ConfigError: the folder is not a run, or its networks are not trained yet.
        VerificationError: an engine disagrees with the network.
    """
    from rawtool.training.export import write_index
    from rawtool.training.recipes.registry import recipe

    config = read_run(run)
    recipe(config.recipe).export(config, run, out)
    write_index(out.parent)


def training_summary(config: RunConfig, run: Path) -> str:
    """Sum up a run in one paragraph: steps, minutes, settings."""
    from rawtool.training.checkpoint import load_checkpoint

    done = []
    for name, stage in stages_of(config).items():
        path = run / f"{name}-last.pt"
        if path.exists():
            found = load_checkpoint(path)
            if found.step == 0:
                done.append(f"{name}: taken from another run")
                continue
            batch = f"{stage.batch} x {stage.crop} px"
            done.append(f"{name}: {found.step} steps of {batch} in {found.seconds / 60:.0f} min")
    return f"{'; '.join(done)}; loss {config.loss}, seed {config.seed}, HDR share {config.hdr_share}"
