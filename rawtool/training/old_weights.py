"""Weights of networks as they were, for the networks as they are."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_BODY, _OUT = "net.body", "net.global_net.out"


def of_two_scales(weights: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """Give the weights of a Restore-Net s before version 8 to one of two scales; others stay as they are.

    The coarsest of three scales had fallen silent in training: all that it said was one number for each
    channel, which becomes the shift of the scale above. The vector, which steered it, begins anew.
    """
    import torch

    silent = f"{_BODY}.ups.1"
    if f"{silent}.bias" not in weights:
        return dict(weights)
    shift = weights[f"{silent}.bias"]
    gone = (silent, f"{_BODY}.deep.", f"{_BODY}.downs.1", f"{_BODY}.up_blocks.1.", _OUT)
    above = f"{_BODY}.up_blocks.1."
    found = {name: value for name, value in weights.items() if not name.startswith(gone)}
    found |= {
        f"{_BODY}.deep.{name.removeprefix(above)}": value
        for name, value in weights.items()
        if name.startswith(above)
    }
    n_hidden = weights[f"{_OUT}.weight"].shape[1]
    found[f"{_OUT}.weight"] = torch.zeros(2 * len(shift), n_hidden)
    found[f"{_OUT}.bias"] = torch.cat([torch.zeros_like(shift), shift])
    return found
