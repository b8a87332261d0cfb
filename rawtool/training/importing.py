"""Weights that others trained, into our networks.

HDRUNet's authors store a flat, ordered dictionary of tensors, pickled by an old version of torch and maybe
with ``module.`` before every name. Only tensors are read from such a file; it can run no code.
"""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from rawtool.errors import CorruptFileError, InputError, ModelContractError

PARALLEL_PREFIX = "module."
"""What torch's DataParallel puts before the names."""

# On damaged bytes torch's restricted reader fails in any of these ways; each was seen.
_DAMAGE = (
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    UnpicklingError,
    ValueError,
)


def import_checkpoint(net: nn.Module, path: Path) -> None:
    """Load a checkpoint of a published network into a network of ours, in place, if every tensor fits.

    Raises:
        InputError: the file cannot be opened.
        CorruptFileError: it is not a flat dictionary of tensors.
        ModelContractError: a name or shape is not the network's; nothing was changed.
    """
    found = _without_prefix(_read_tensors(path))
    problem = _first_problem(net.state_dict(), found)
    if problem is not None:
        raise ModelContractError(
            f"{path} does not fit {type(net).__name__}: {problem}; pass the checkpoint published with it"
        )
    net.load_state_dict(found)


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        found: object = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; check the name") from error
    except _DAMAGE as error:
        raise CorruptFileError(f"{path} is not a checkpoint of torch; fetch the file again") from error
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise CorruptFileError(
            f"{path} is not a flat dictionary of tensors; pass the checkpoint as its authors published it"
        )
    return {str(name): value for name, value in found.items()}


def _without_prefix(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(PARALLEL_PREFIX): tensor for name, tensor in tensors.items()}


def _first_problem(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str | None:
    """Say in one phrase what does not fit: a missing or strange name, a shape, numbers that are none."""
    missing = [name for name in expected if name not in found]
    strange = [name for name in found if name not in expected]
    if missing or strange:
        first = f"{missing[0]} is missing" if missing else f"{strange[0]} is not known"
        n_more = len(missing) + len(strange) - 1
        return first + (f" and {n_more} more" if n_more else "")
    for name, tensor in found.items():
        if tensor.shape != expected[name].shape:
            return f"{name} is {_sizes(tensor)}, not {_sizes(expected[name])}"
        if not bool(torch.isfinite(tensor).all()):
            return f"{name} holds values that are not numbers"
    return None


def _sizes(tensor: Tensor) -> str:
    return " x ".join(str(size) for size in tensor.shape) or "a number"
