"""A run's folder after training: its settings, what it did, and the model that it becomes."""

import json
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
    name = fact(run, "recipe") or FIRST_RECIPE
    if name not in CONFIGS:
        raise ConfigError(
            f"{run} was made by a recipe {name}, which this version does not have; update rawtool"
        )
    return read_config(run / SETTINGS, (), CONFIGS[name]["s"])


def fact(run: Path, name: str) -> str | None:
    """Read what a run noted of itself; None when it did not."""
    try:
        value = json.loads((run / FACTS).read_text(encoding="utf-8")).get(name)
    except (OSError, ValueError, AttributeError):
        return None
    return None if value is None else str(value)


def is_style(run: Path) -> bool:
    """Tell whether a run tuned a model's finishing to a photographer's pairs."""
    return fact(run, "pairs") is not None


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

    start = fact(run, "start")
    begun = f" from {start}" if start else ""
    done = []
    for name, stage in stages_of(config).items():
        path = run / f"{name}-last.pt"
        if path.exists():
            found = load_checkpoint(path)
            if found.step == 0:
                done.append(f"{name}: taken from {start or 'another run'}")
                continue
            batch = f"{stage.batch} x {stage.crop} px"
            done.append(f"{name}: {found.step} steps of {batch} in {found.seconds / 60:.0f} min{begun}")
    n_pairs = fact(run, "pairs")
    scenes = (
        f"HDR share {config.hdr_share}" if n_pairs is None else f"{n_pairs} pairs of a photographer's own"
    )
    return f"{'; '.join(done)}; loss {config.loss}, seed {config.seed}, {scenes}"
