"""Inner values of eight bits, learned as such: processors convolve bytes several times as fast as float32.

While a network is *rounded*, its convolutions' inputs are whole numbers from 0 to 255 times a scale, one
scale and zero for each tensor, and their weights whole numbers from -63 to 63, one scale for each output:
sums of two products then fit into 16 bits, and processors without dot products of bytes count the same.
Gradients pass as if nothing was rounded (Jacob et al., "Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference", CVPR 2018). Not rounded, all this does nothing, and the network
is the same one in float32.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

RANGE = ".range"
"""End of the names of the ranges in a network's state."""

MOST = 255
MOST_WEIGHT = 63
RANGE_DECAY = 0.98
RANGE_SHARE = 0.8
"""How much of what is seen a range includes. Extremes are rare: cutting them costs less than wider steps."""

PASSING_SHARE = 0.6
"""The same for what an activation or a sum follows: its extremes are damped there, and need be less exact."""

SAMPLED_EVERY = 3
"""Rows and columns between the values whose extremes are followed."""
LEAST_END = 1e-3

COARSE = 1.0 / 128.0
TIMES = 8.0
"""How many fine steps are a coarse one."""

FINE_END = 15 * COARSE
"""Results up to here are in fine steps, larger ones in coarse steps: a multiple of both."""


class EightBit(nn.Module):
    """Rounds a tensor to 256 values of a range (2,) that follows what is seen in training.

    The range includes 0; (0, 0) means that nothing was seen yet.
    """

    range: Tensor

    def __init__(self, share: float = RANGE_SHARE) -> None:
        super().__init__()
        self.is_on, self.share = False, share
        self.register_buffer("range", torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        if not self.is_on:
            return x
        if self.training:
            self._follow(x.detach())
        low, high = self.range.tolist()
        scale = max(high - low, 1e-6) / MOST
        return torch.fake_quantize_per_tensor_affine(x, scale, round(-low / scale), 0, MOST)

    def _follow(self, x: Tensor) -> None:
        low, high = torch.aminmax(x[:, :, ::SAMPLED_EVERY, ::SAMPLED_EVERY])
        ends = self.share * torch.stack([low.clamp(max=0.0), high.clamp(min=LEAST_END)])
        self.range.copy_(self.range.lerp(ends, 1.0 - RANGE_DECAY) if self.range.any() else ends)


class EightBitConv(nn.Module):
    """A convolution whose weights can be rounded, one scale for each output."""

    def __init__(self, c_in: int, c_out: int, side: int, stride: int = 1) -> None:
        super().__init__()
        self.is_on = False
        self.stride, self.padding = stride, side // 2
        self.weight, self.bias = _fresh(c_in, c_out, side)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C_in, h, w) to (N, C_out, h / stride, w / stride)."""
        # A graph gets its whole-number weights when it is written.
        is_rounded = self.is_on and not torch.onnx.is_in_onnx_export()
        weight = rounded_weight(self.weight) if is_rounded else self.weight
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


class EightBitLeaky(nn.Module):
    """A leaky rectifier between two tensors of eight bits."""

    def __init__(self, rounder: Callable[..., nn.Module] = EightBit, slope: float = 0.2) -> None:
        super().__init__()
        self.slope = slope
        self.before, self.after = rounder(PASSING_SHARE), rounder()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        result: Tensor = self.after(F.leaky_relu(self.before(x), self.slope))
        return result


class EightBitOut(nn.Module):
    """A 3x3 convolution whose results, up to about 1 either way, keep fine steps where they are small.

    Engines give eight bits only, so that all results are counted twice, in fine steps and in coarse ones.
    """

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.is_on = False
        self.weight, self.bias = _fresh(c_in, c_out, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C_in, h, w) to (N, C_out, h, w)."""
        if not self.is_on:
            return F.conv2d(x, self.weight, self.bias, padding=1)
        if torch.onnx.is_in_onnx_export():
            coarse, fine = self._both(x).chunk(2, dim=1)
            fine = fine / TIMES
        else:
            exact = F.conv2d(x, rounded_weight(self.weight), self.bias, padding=1)
            coarse, fine = _stepped(exact, COARSE), _stepped(exact, COARSE / TIMES)
        return fine.clamp(-FINE_END, FINE_END) + (coarse - coarse.clamp(-FINE_END, FINE_END))

    def _both(self, x: Tensor) -> Tensor:
        """Give the results, then the same ones enlarged, all in coarse steps."""
        weight = torch.cat([self.weight, TIMES * self.weight])
        bias = torch.cat([self.bias, TIMES * self.bias])
        return _stepped(F.conv2d(x, weight, bias, padding=1), COARSE)


def _fresh(c_in: int, c_out: int, side: int) -> tuple[nn.Parameter, nn.Parameter]:
    """Give the weights and biases with which torch's own convolution would begin."""
    made = nn.Conv2d(c_in, c_out, side)
    weight, bias = made.parameters()
    return weight, bias


def _stepped(x: Tensor, step: float) -> Tensor:
    """Round to steps, 128 below and 127 above zero."""
    return torch.fake_quantize_per_tensor_affine(x, step, 128, 0, MOST)


def rounded_weight(weight: Tensor) -> Tensor:
    """Round weights (C_out, C_in, k, k) to 127 values for each output."""
    scale = weight_scale(weight.detach())
    zero = torch.zeros_like(scale, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -MOST_WEIGHT, MOST_WEIGHT)


def weight_scale(weight: Tensor) -> Tensor:
    """Give the step of the weights (C_out, C_in, k, k) of each output, (C_out,)."""
    return weight.abs().amax(dim=(1, 2, 3)).clamp(min=1e-6) / MOST_WEIGHT


def round_inside(network: nn.Module, *, is_on: bool) -> None:
    """Switch the rounding inside a network on or off."""
    for module in network.modules():
        if isinstance(module, EightBit | EightBitConv | EightBitOut):
            module.is_on = is_on


def has_ranges(network: nn.Module) -> bool:
    """Tell whether a network can be rounded, and has seen the range of every tensor."""
    ranges = ranges_of(network).values()
    return bool(ranges) and all(bool(each.any()) for each in ranges)


def ranges_of(network: nn.Module) -> dict[str, Tensor]:
    """Give the ranges (2,) inside a network by their names in its state."""
    rounders = ((name, m) for name, m in network.named_modules() if isinstance(m, EightBit))
    return {f"{name}{RANGE}": module.range for name, module in rounders}
