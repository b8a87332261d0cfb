"""A run's folder after training: its settings, what it did, and the model that it becomes."""

from pathlib import Path
from typing import TYPE_CHECKING

from rawtool.errors import ConfigError
from rawtool.training.settings import CameraNetConfig, read_config
from rawtool.vocabulary import Task

if TYPE_CHECKING:
    from rawtool.runtime.card import Card

SETTINGS = "settings.toml"


def is_run(folder: Path) -> bool:
    """Tell whether a folder is that of a training run."""
    return (folder / SETTINGS).is_file()


def read_run(run: Path) -> CameraNetConfig:
    """Read the settings of a run.

    Raises:
        ConfigError: there are none.
    """
    if not is_run(run):
        raise ConfigError(
            f"{run} is not a training run: it has no {SETTINGS}; make one with: rawtool train cameranet"
        )
    return read_config(run / SETTINGS, (), CameraNetConfig())


def export_run(run: Path, out: Path) -> None:
    """Export the best weights of a run as a model folder and write the index above it.

    Raises:
        ConfigError: the folder is not a run, or steps 1 and 2 are not done.
        VerificationError: an engine disagrees with the network.
    """
    from rawtool.training.export import export_stage, write_index
    from rawtool.training.recipes.cameranet import trained

    config = read_run(run)
    restore, enhance = trained(config, run)
    for task, wrapper in ((Task.RESTORE, restore), (Task.ENHANCE, enhance)):
        export_stage(wrapper.net, card_of(task, config, run), out)  # type: ignore[arg-type]
    write_index(out.parent)


def card_of(task: Task, config: CameraNetConfig, run: Path) -> "Card":
    """Give the card of a stage with a paragraph about its training."""
    from rawtool.training.cameranet_card import paper_card
    from rawtool.training.small_card import small_card

    training = training_summary(config, run)
    return small_card(task, training) if config.size == "s" else paper_card(task, training=training)


def training_summary(config: CameraNetConfig, run: Path) -> str:
    """Sum up a run in one paragraph: steps, minutes, settings."""
    from rawtool.training.checkpoint import load_checkpoint

    done = []
    for name, stage in config.stages().items():
        path = run / f"{name}-last.pt"
        if path.exists():
            found = load_checkpoint(path)
            batch = f"{stage.batch} x {stage.crop} px"
            done.append(f"{name}: {found.step} steps of {batch} in {found.seconds / 60:.0f} min")
    return f"{'; '.join(done)}; loss {config.loss}, seed {config.seed}, HDR share {config.hdr_share}"
