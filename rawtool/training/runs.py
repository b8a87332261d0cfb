"""A run's folder after training: its settings, what it did, and the model that it becomes."""

import json
import math
from pathlib import Path

from rawtool.errors import ConfigError
from rawtool.training.settings import RunConfig, read_config, stages_of

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
    """Let the steps of a new run begin with the best weights of another; those not in ``only`` are done so.

    Steps that combine others begin with what those came to in the new run, as ever.

    Raises:
        ConfigError: the other run lacks a step that is not trained here.
    """
    from rawtool.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

    for name in stages_of(config):
        best = start / f"{name}-best.pt"
        if name in config.combining:
            continue
        if only and name not in only:
            for kind in ("best", "last"):
                save_checkpoint(out / f"{name}-{kind}.pt", load_checkpoint(best))
        elif best.exists():
            weights = load_checkpoint(best).average
            save_checkpoint(
                out / f"{name}-last.pt", Checkpoint(name, 0, 0.0, -math.inf, weights, weights, {})
            )


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
            batch = f"{stage.batch} x {stage.crop} px"
            done.append(f"{name}: {found.step} steps of {batch} in {found.seconds / 60:.0f} min")
    return f"{'; '.join(done)}; loss {config.loss}, seed {config.seed}, HDR share {config.hdr_share}"
