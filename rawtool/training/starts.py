"""What a run may begin with: another run, or a model that is installed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from rawtool.errors import ConfigError, ModelNotFoundError
from rawtool.runtime.catalog import Model, find_model, verify_model
from rawtool.runtime.codercard import PARTS
from rawtool.training.old_weights import of_two_scales
from rawtool.training.runs import is_run, read_run
from rawtool.training.settings import RunConfig, stages_of, steps_to_train
from rawtool.vocabulary import Task

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class Start(Protocol):
    """Weights to begin with, by the steps of a recipe."""

    @property
    def label(self) -> str:
        """What it is called in the notes of a run."""

    @property
    def size(self) -> str:
        """``s`` or ``paper``."""

    def check(self, config: RunConfig) -> None:
        """Refuse the weights of another recipe with ConfigError."""

    def weights(self, step: str, config: RunConfig) -> "Mapping[str, Tensor] | None":
        """Give the weights that a step came to, by the names of its network; None: it has none."""


def open_start(place: Path) -> Start:
    """Open a run's folder, else a model by its name or folder.

    Raises:
        ConfigError: it is neither.
        ModelError: the model is damaged.
    """
    if is_run(place):
        return RunStart(place)
    try:
        model = find_model(str(place), task=None)
    except ModelNotFoundError as error:
        raise ConfigError(f"{place} is neither a training run nor a model ({error})") from error
    verify_model(model)
    return ModelStart(model)


def hand_on(start: Start, out: Path, config: RunConfig, only: tuple[str, ...]) -> None:
    """Let the steps of a new run begin with what a start came to; those not in ``only`` are done so.

    Steps that combine others begin with what those came to in the new run, as ever.

    Raises:
        ConfigError: the start lacks a step that is not trained here.
    """
    from rawtool.training.checkpoint import Checkpoint, save_checkpoint

    for name in stages_of(config):
        if name in config.combining:
            continue
        is_trained = name in (only or steps_to_train(config))
        found = start.weights(name, config)
        if found is None:
            if is_trained:
                continue
            raise ConfigError(f"{start.label} has no step {name} to take; leave --only {' '.join(only)} out")
        weights = dict(found)
        begun = Checkpoint(name, 0, 0.0, -math.inf, weights, weights, {})
        for kind in ("last",) if is_trained else ("best", "last"):
            save_checkpoint(out / f"{name}-{kind}.pt", begun)


@dataclass(frozen=True, slots=True)
class RunStart:
    """The best weights of another run's steps: of the step that tuned them further, where there is one."""

    folder: Path

    @property
    def label(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def size(self) -> str:
        """The size of its networks."""
        return read_run(self.folder).size

    def check(self, config: RunConfig) -> None:
        """Refuse a run of another recipe."""
        recipe = read_run(self.folder).recipe
        if recipe != config.recipe:
            raise ConfigError(f"{self.folder} is a run of {recipe}, not of {config.recipe}")

    def weights(self, step: str, config: RunConfig) -> "Mapping[str, Tensor] | None":
        """Read the checkpoint of a step."""
        from rawtool.training.checkpoint import load_checkpoint

        for combined, parts in config.combining.items():
            path = self.folder / f"{combined}-best.pt"
            if step in parts and path.exists():
                prefix = f"{parts[step]}."
                found = load_checkpoint(path).average
                return {
                    key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)
                }
        path = self.folder / f"{step}-best.pt"
        return load_checkpoint(path).average if path.exists() else None


@dataclass(frozen=True, slots=True)
class ModelStart:
    """The weights in a model's ONNX files, which keep the names that they have in the network."""

    model: Model

    @property
    def label(self) -> str:
        """NAME@VERSION."""
        return self.model.label

    @property
    def size(self) -> str:
        """The size that its cards say."""
        return self.model.size

    def check(self, config: RunConfig) -> None:
        """Refuse a model that no step of the recipe makes."""
        if not self.model.tasks & set(config.tasks.values()):
            raise ConfigError(
                f"{self.label} holds no weights that {config.recipe} can begin with; name a run of it"
            )

    def weights(self, step: str, config: RunConfig) -> "Mapping[str, Tensor] | None":
        """Read the weights of the graphs of a step's card."""
        task = config.tasks.get(step)
        if task not in self.model.tasks:
            return None
        if task is Task.PACK:
            return _codec_weights(self.model)
        card = self.model.card(task)
        files = card.graphs.files if card.graphs else ()
        found = of_two_scales(_onnx_weights([self.model.folder / file.path for file in files]))
        return found | (_ranges(self.model.folder / card.eight_bit.tile.path) if card.eight_bit else {})


def _ranges(graph: Path) -> "dict[str, Tensor]":
    """Give the ranges of eight bits that a graph keeps; its whole weights are of no use to training."""
    import onnx
    import torch

    from rawtool.training.eightbit_graph import kept_ranges

    return {name: torch.tensor(ends) for name, ends in kept_ranges(onnx.load(graph)).items()}


def _codec_weights(model: Model) -> "dict[str, Tensor]":
    """Give the weights of a codec; those of exact layers are rounded, as the files have them."""
    from rawtool.training.coder_export import thawed

    graphs = model.coder.graphs
    parts = {} if graphs is None else {part: getattr(graphs, part) for part in PARTS}
    return thawed({part: _onnx_weights([model.folder / file.path]) for part, file in parts.items()})


def _onnx_weights(graphs: list[Path]) -> "dict[str, Tensor]":
    import onnx
    import torch
    from onnx import numpy_helper

    found: dict[str, Tensor] = {}
    for path in graphs:
        graph = onnx.load(path).graph
        for weight in graph.initializer:
            found[weight.name] = torch.from_numpy(numpy_helper.to_array(weight).copy())
        # Of weights that are equal a file holds one; the others are its copies.
        copies = (node for node in graph.node if node.op_type == "Identity" and node.input[0] in found)
        found |= {node.output[0]: found[node.input[0]] for node in copies}
    return found
