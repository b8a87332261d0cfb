"""SingleHDR's two U-Nets: Dequantization-Net and Refinement-Net (arXiv 2004.01179, published code).

Five scales, halved by 2x2 means and doubled by a bilinear interpolation. Convolutions are padded with zeros
and followed by a leaky ReLU, the last one apart. Pictures are (N, C, H, W), sides multiples of 16.

A pixel of the output sees 131 pixels to each side. Counted from the output in radii of convolutions: 3 at
full size, then 2 each at 1/2, 1/4, 1/8 and 1/16, and on the way down 2 at 1/8, 2 at 1/4, 4 at 1/2 and 6 at
full size make 3 + 4 + 8 + 16 + 32 + 16 + 8 + 8 + 6 = 101; halvings and doublings add up to 30, according to
the pixel's place in its cell of 16 x 16.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEAK = 0.1
STRIDE = 16
REACH = 131
"""Pixels to each side that one pixel of the output can see, at most."""

CHANNELS = (16, 32, 64, 128)
KERNELS = (7, 5, 3, 3, 3)
DEQUANTIZATION_DEEPEST = 256
REFINEMENT_DEEPEST = 128
REFINEMENT_CHANNELS = 9


def scaled(channels: int, width: float) -> int:
    """Give a layer's channels at a width other than the paper's 1."""
    return max(1, round(channels * width))


def doubled(x: Tensor) -> Tensor:
    """Double the size as TensorFlow 1 does: even places copy, odd ones are the mean of their neighbours.

    The last row and column repeat. A mean of 2x2 over the repeated pixels is the same.
    """
    repeated = F.interpolate(x, scale_factor=2.0, mode="nearest")
    return F.avg_pool2d(F.pad(repeated, (0, 1, 0, 1), mode="replicate"), 2, stride=1)


def _conv(c_in: int, c_out: int, kernel: int = 3) -> nn.Conv2d:
    layer = nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(torch.as_tensor(layer.bias))
    return layer


def _pair(first: nn.Conv2d, second: nn.Conv2d) -> nn.ModuleList:
    return nn.ModuleList([first, second])


class SkipUNet(nn.Module):
    """The U-Net that both networks are: (N, channels, H, W) to three channels, without a last activation."""

    def __init__(self, channels: int, deepest: int, width: float) -> None:
        super().__init__()
        sizes = [scaled(size, width) for size in (*CHANNELS, deepest)]
        ins = [channels, *sizes]
        self.down = nn.ModuleList(
            _pair(_conv(ins[i], sizes[i], kernel), _conv(sizes[i], sizes[i], kernel))
            for i, kernel in enumerate(KERNELS)
        )
        self.up = nn.ModuleList(
            _pair(_conv(sizes[i + 1], sizes[i]), _conv(2 * sizes[i], sizes[i])) for i in (3, 2, 1, 0)
        )
        self.out = _conv(sizes[0], 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, 3, H, W)."""
        skips: list[Tensor] = []
        for pair in self.down:
            first, second = pair.children()
            x = x if not skips else F.avg_pool2d(x, 2)
            x = _leaky(second(_leaky(first(x))))
            skips.append(x)
        for pair, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            first, second = pair.children()
            x = torch.cat([_leaky(first(doubled(x))), skip], dim=1)
            x = _leaky(second(x))
        last: Tensor = self.out(x)
        return last


def _leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, LEAK)


class DequantizationNet(nn.Module):
    """Take away what 8 bits leave: contours and scattered noise. The result is not clipped."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        self.body = SkipUNet(3, DEQUANTIZATION_DEEPEST, width)

    def forward(self, picture: Tensor) -> Tensor:
        """Mend an encoded picture (N, 3, H, W); no value changes by more than 1."""
        return picture + torch.tanh(self.body(picture))


class RefinementNet(nn.Module):
    """Mend what the three steps leave: everything a real camera does besides. The result is not clipped."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        self.body = SkipUNet(REFINEMENT_CHANNELS, REFINEMENT_DEEPEST, width)

    def forward(self, steps: Tensor) -> Tensor:
        """Refine light; steps (N, 9, H, W) are the light, the clipped light and the encoded picture."""
        change: Tensor = self.body(steps)
        return steps[:, :3] + change
