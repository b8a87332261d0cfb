"""The recipes by name: what ``rawtool train`` can make, and what each needs from scenes to model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from lightning_fabric import Fabric

from rawtool.training.configs import (
    CAMERANET_PAPER,
    HDRUNET_PAPER,
    SINGLEHDR_PAPER,
    CameraNetConfig,
    HdrUnetConfig,
    RawMetadataConfig,
    SingleHdrConfig,
)
from rawtool.training.loop import Progress
from rawtool.training.scenes import SceneSet
from rawtool.training.settings import RunConfig

CONFIGS: Mapping[str, Mapping[str, RunConfig]] = {
    "cameranet": {"s": CameraNetConfig(), "paper": CAMERANET_PAPER},
    "hdrunet": {"s": HdrUnetConfig(), "paper": HDRUNET_PAPER},
    "singlehdr": {"s": SingleHdrConfig(), "paper": SINGLEHDR_PAPER},
    "raw-metadata": {"s": RawMetadataConfig()},
}
"""The settings of every recipe by its name and the size of its networks."""


@runtime_checkable
class TrainStep(Protocol):
    """Train one step of a recipe and leave its checkpoints in ``out``."""

    def __call__(
        self,
        name: str,
        config: Any,  # noqa: ANN401 - each recipe has settings of its own
        scenes: SceneSet,
        fabric: Fabric,
        out: Path,
        *,
        resume: bool,
    ) -> Progress:
        """Train."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What makes a model.

    check_scenes refuses scenes that it cannot use; draw makes pictures of a run (folder, scenes, settings);
    export writes the graphs and cards of a run (settings, folder) into a model's folder.
    """

    train_step: TrainStep
    check_scenes: Callable[[SceneSet], None]
    draw: Callable[[Path, SceneSet, Any], None]
    export: Callable[[Any, Path, Path], None]


def recipe(name: str) -> Recipe:
    """Give a recipe by its name; its networks are imported now."""
    if name == "hdrunet":
        from rawtool.training import hdr_plots
        from rawtool.training.recipes import hdrunet

        return Recipe(hdrunet.train_step, hdrunet.check_scenes, hdr_plots.draw_run, hdrunet.export)
    if name == "singlehdr":
        from rawtool.training import plots
        from rawtool.training.recipes import singlehdr

        return Recipe(singlehdr.train_step, singlehdr.check_scenes, plots.draw_log, singlehdr.export)
    if name == "raw-metadata":
        from rawtool.training import plots
        from rawtool.training.recipes import raw_metadata

        return Recipe(raw_metadata.train_step, raw_metadata.check_scenes, plots.draw_log, raw_metadata.export)
    if name != "cameranet":
        raise ValueError(f"there is no recipe {name}")
    from rawtool.training import data, plots
    from rawtool.training.recipes import cameranet

    return Recipe(cameranet.train_step, data.check_scenes, plots.draw_run, cameranet.export)
