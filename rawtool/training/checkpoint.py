"""Training state on disk, written beside and renamed, so that a stop at any moment leaves a whole file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from rawtool.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a run needs to go on: the step, the weights and their average, the best score, the optimisers.

    The states of the optimisers go by their names; one that is not there begins anew.
    """

    stage: str
    step: int
    seconds: float
    best: float
    weights: dict[str, Tensor]
    average: dict[str, Tensor]
    optimisers: dict[str, dict[str, object]]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint under its final name only when it is whole."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    state = {name: getattr(checkpoint, name) for name in Checkpoint.__dataclass_fields__}
    try:
        torch.save(state, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint on the CPU, tensors and plain values only.

    Raises:
        ConfigError: it is missing, damaged or of another kind.
    """
    try:
        return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist; the run has no checkpoint of this stage yet") from error
    except (OSError, RuntimeError, TypeError, ValueError, KeyError, EOFError, UnpicklingError) as error:
        raise ConfigError(
            f"{path} is not a rawtool checkpoint; start the run again without --resume"
        ) from error


def grown(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Fit weights to a network that sees more: the new inputs of a layer, its last columns, begin at zero."""
    return {name: _grown(value, wanted.get(name)) for name, value in weights.items()}


def _grown(value: Tensor, wanted: Tensor | None) -> Tensor:
    if wanted is None or value.ndim < 2 or value.ndim != wanted.ndim:
        return value
    n_new = wanted.shape[1] - value.shape[1]
    is_same_else = value.shape[:1] + value.shape[2:] == wanted.shape[:1] + wanted.shape[2:]
    if n_new <= 0 or not is_same_else:
        return value
    return torch.cat([value, value.new_zeros(value.shape[0], n_new, *value.shape[2:])], dim=1)


def begun(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Let a network begin with what fits of the weights of a similar one; name those that begin anew.

    Layers that it lacks are left out, new inputs begin at zero, and of a larger kernel the middle is taken.
    """
    found, anew = {}, []
    for name, own in wanted.items():
        value = weights.get(name)
        value = None if value is None else _middle(_grown(value, own), own)
        if value is None or value.shape != own.shape:
            anew.append(name)
            value = own
        found[name] = value
    return found, anew


def _middle(value: Tensor, wanted: Tensor) -> Tensor:
    """Cut a square kernel of odd size to the wanted size about its centre."""
    if value.ndim != 4 or wanted.ndim != 4:
        return value
    margin = (value.shape[2] - wanted.shape[2]) // 2
    return value[:, :, margin:-margin, margin:-margin].clone() if margin > 0 else value
