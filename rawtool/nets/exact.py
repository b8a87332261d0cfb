"""Layers on whole numbers, the same to the last bit wherever they run.

What decides a probability may not depend on how a machine adds: weights are whole numbers up to 63,
activations up to 127, and every sum stays below 2^24, so that float32 holds each partial sum exactly, in any
order. After each layer a shift and a clamp bring the sum back. Training rounds in the forward direction and
lets gradients pass (Bengio et al. 2013, straight-through).
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ONE = 16
"""The activation that stands for 1.0."""

WEIGHT_ONE = 64
MOST_WEIGHT = 63
MOST_ACTIVATION = 127
MOST_BIAS = 2**20
MOST_EXACT = 2**24


def whole(x: Tensor) -> Tensor:
    """Round to whole numbers; the gradient is that of x."""
    return torch.round(x).detach() + (x - x.detach()) if torch.is_grad_enabled() else torch.round(x)


def floored(x: Tensor) -> Tensor:
    """Round down; the gradient is that of x."""
    return torch.floor(x).detach() + (x - x.detach()) if torch.is_grad_enabled() else torch.floor(x)


class _Rescaled(torch.autograd.Function):
    """``rescaled`` in one step each way: the training spends half its time in such small steps."""

    @staticmethod
    def forward(
        context: Any,  # noqa: ANN401 - torch's own, which it does not name
        sums: Tensor,
        low: int,
        high: int,
    ) -> Tensor:
        """Shift, round and clamp."""
        result = torch.floor(torch.add(0.5, sums, alpha=1.0 / WEIGHT_ONE))
        context.save_for_backward((result >= low) & (result <= high))
        return result.clamp_(low, high)

    @staticmethod
    def backward(
        context: Any,  # noqa: ANN401 - torch's own, which it does not name
        *gradients: Tensor,
    ) -> tuple[Tensor, None, None]:
        """Let the gradient pass where nothing was clamped."""
        (is_inside,) = context.saved_tensors
        return gradients[0] * is_inside * (1.0 / WEIGHT_ONE), None, None


def rescaled(sums: Tensor, low: int, high: int) -> Tensor:
    """Divide sums by 64, round to the nearest whole number, halves up, and clamp."""
    if torch.is_grad_enabled():
        found: Tensor = _Rescaled.apply(sums, low, high)  # type: ignore[no-untyped-call]
        return found
    return torch.floor(sums / WEIGHT_ONE + 0.5).clamp(low, high)


class ExactConv(nn.Module):
    """A convolution of whole numbers: clamp(floor((w * x + b) / 64 + 1/2), low, high), zeros outside.

    The parameters are in units of 1.0; ``frozen`` makes them the whole numbers that are counted with.
    """

    def __init__(
        self, n_in: int, n_out: int, kernel: int, *, low: int = 0, high: int = MOST_ACTIVATION
    ) -> None:
        super().__init__()
        self.kernel, self.low, self.high = kernel, low, high
        self.weight = nn.Parameter(torch.empty(n_out, n_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(n_out))
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        self.is_frozen = False
        if n_in * kernel**2 * MOST_WEIGHT * MOST_ACTIVATION + MOST_BIAS >= MOST_EXACT:
            raise ValueError("the sums of this layer would not be exact")

    def numbers(self) -> tuple[Tensor, Tensor]:
        """Give weights and biases as whole numbers."""
        if self.is_frozen:
            return self.weight, self.bias
        weight = _number(self.weight * WEIGHT_ONE, MOST_WEIGHT)
        return weight, _number(self.bias * (WEIGHT_ONE * ONE), MOST_BIAS)

    def freeze(self) -> None:
        """Keep the whole numbers in the place of the parameters, for export."""
        weight, bias = (number.detach().clone() for number in self.numbers())
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.is_frozen = True

    def sums(self, x: Tensor) -> Tensor:
        """Give the exact sums of (N, n_in, H, W) whole numbers."""
        weight, bias = self.numbers()
        return F.conv2d(x, weight, bias, padding=self.kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, n_in, H, W) whole numbers to (N, n_out, H, W)."""
        return rescaled(self.sums(x), self.low, self.high)


def _number(x: Tensor, most: int) -> Tensor:
    """Round and clamp; the gradient is that of x, so that a parameter beyond the limit finds back."""
    number = torch.round(x).clamp(-most, most)
    return number.detach() + (x - x.detach()) if torch.is_grad_enabled() else number


class ExactContext(nn.Module):
    """A convolution over what is decoded already: the sum divided by how many neighbours that were.

    Takes values (N, C, H, W), zero where nothing is decoded, and the mask (N, 1, H, W) of what is.
    """

    def __init__(self, channels: int, n_out: int, kernel: int = 5) -> None:
        super().__init__()
        self.conv = ExactConv(channels, n_out, kernel)
        self.register_buffer("ones", torch.ones(1, 1, kernel, kernel), persistent=False)
        self.ones: Tensor

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """Give (N, n_out, H, W) whole numbers; a quarter of the neighbours counts as 1."""
        n_known = F.conv2d(mask, self.ones, padding=self.ones.shape[-1] // 2).clamp(min=1.0)
        # Below 2^20 the quotient of two whole numbers is further from a whole number than float32 errs.
        sums = floored(self.conv.sums(values) / WEIGHT_ONE + 0.5)
        return floored(4.0 * sums / n_known + 0.5).clamp(self.conv.low, self.conv.high)


def freeze(network: nn.Module) -> None:
    """Freeze every exact layer of a network."""
    for layer in network.modules():
        if isinstance(layer, ExactConv):
            layer.freeze()
