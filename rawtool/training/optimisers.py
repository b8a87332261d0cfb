"""How weights move: Adam, or Muon for the large matrices of a network and Adam for the rest.

Muon (Jordan and others 2024) makes all directions of a step equally long: the momentum of a matrix is
replaced by the nearest orthogonal one, found by a few steps of Newton and Schulz. Its steps are scaled as
"Muon is Scalable for LLM Training" (Liu and others 2025, arXiv 2502.16982) does, so that they are about as
large as Adam's and one rate serves both.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from rawtool.training.settings import OPTIMISERS

ADAM, MUON = OPTIMISERS

LEAST_ROWS = 16
"""Outputs of a layer below which its weights are no matrix worth the name."""

ADAM_SIZE = 0.2
"""Root mean square of Adam's steps, in rates."""

QUINTIC = (3.4445, -4.7750, 2.0315)
"""The polynomial a x + b x^3 + c x^5 that drives singular values towards 1 (Jordan and others 2024)."""

N_QUINTICS = 5


def optimisers(network: nn.Module, kind: str, rate: float) -> dict[str, torch.optim.Optimizer]:
    """Give the optimisers of a network by name; kind is ``adam`` or ``muon``."""
    matrices = [p for p in network.parameters() if _is_matrix(p)] if kind == MUON else []
    known = {id(parameter) for parameter in matrices}
    rest = [p for p in network.parameters() if id(p) not in known]
    made: dict[str, torch.optim.Optimizer] = {}
    if rest:
        made[ADAM] = torch.optim.Adam(rest, lr=rate, betas=(0.9, 0.99))
    if matrices:
        made[MUON] = Muon(matrices, rate)
    return made


def _is_matrix(parameter: Tensor) -> bool:
    return parameter.ndim > 1 and parameter.shape[0] >= LEAST_ROWS


class Muon(torch.optim.Optimizer):
    """Steps along the orthogonalised momentum of matrices; those of convolutions are (out, in * k * k)."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take one step; parameters without a gradient stay."""
        if closure is not None:
            raise NotImplementedError("Muon takes no closure")
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group["lr"], group["momentum"])

    def _move(self, parameter: Tensor, gradient: Tensor, rate: float, momentum: float) -> None:
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(gradient)
        average = state["momentum"]
        average.lerp_(gradient, 1.0 - momentum)
        # Nesterov: a look ahead along the average.
        update = orthogonal(gradient.lerp(average, momentum).flatten(1))
        size = ADAM_SIZE * max(update.shape) ** 0.5
        parameter.add_(update.reshape(parameter.shape), alpha=-rate * size)


def orthogonal(matrix: Tensor) -> Tensor:
    """Give about the nearest matrix (m, n) whose singular values are all 1 (within 0.7 to 1.2)."""
    a, b, c = QUINTIC
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_tall else matrix
    x = x / (torch.linalg.norm(x) + 1e-12)
    for _ in range(N_QUINTICS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if is_tall else x
