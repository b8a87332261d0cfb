"""The U-Net inside CameraNet at size s, in float32 or in eight bits."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rawtool.nets.eightbit import PASSING_SHARE, EightBit, EightBitConv, EightBitLeaky

Rounder = Callable[..., nn.Module]
"""Makes what stands between two layers: ``EightBit``, which may be told its share, or nothing."""


class Plain(nn.Module):
    """One 3x3 convolution and its activation, in float32: what comes in is close to the picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.only = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        return F.leaky_relu(self.only(x), 0.2)


class Block(nn.Module):
    """Two 3x3 convolutions that add to what they were given: relu(x + conv(lrelu(conv(x)))).

    The last activation is a plain one because engines fuse it with the sum and the convolution.
    """

    def __init__(self, channels: int, rounder: Rounder) -> None:
        super().__init__()
        self.first = EightBitConv(channels, channels, 3)
        self.leaky = EightBitLeaky(rounder)
        self.second = EightBitConv(channels, channels, 3)
        self.change, self.sum = rounder(PASSING_SHARE), rounder()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape, after the activation."""
        change: Tensor = self.change(self.second(self.leaky(self.first(x))))
        result: Tensor = self.sum(F.relu(x + change))
        return result


MARGIN = 4
"""Places around a kept rectangle: the last three 3x3 convolutions look at 3, and cells come in fours."""


def _stack(channels: int, depth: int, rounder: Rounder) -> nn.Sequential:
    """Stack ``depth`` 3x3 convolutions: residual blocks of two, an odd one before them."""
    plain: list[nn.Module] = [Plain(channels)] * (depth % 2)
    return nn.Sequential(*plain, *(Block(channels, rounder) for _ in range(depth // 2)))


class UNet(nn.Module):
    """Scales joined by addition; the coarsest is scaled and shifted by the image-wide vector.

    widths are the channels from the finest scale to the coarsest, depths the 3x3 convolutions of each
    scale on the way down. The coarsest has two more after it was steered, the way up has two at every scale.
    Where it steers, EnhanceNetS has an activation and RestoreNetS has none (is_steering_linear).
    is_eight_bit makes it one that can be rounded.
    (N, widths[0], h, w) -> the same shape.
    """

    same: Tensor

    def __init__(
        self,
        widths: tuple[int, ...],
        depths: tuple[int, ...],
        *,
        is_steering_linear: bool = False,
        is_eight_bit: bool = False,
    ) -> None:
        super().__init__()
        self.is_steering_linear = is_steering_linear
        rounder: Rounder = EightBit if is_eight_bit else nn.Identity
        pairs = list(pairwise(widths))
        fine_widths = widths[:-1]
        self.entered = rounder()
        self.down_blocks = nn.ModuleList(_stack(c, n, rounder) for c, n in zip(widths, depths, strict=True))
        self.downs = nn.ModuleList(EightBitConv(fine, coarse, 3, stride=2) for fine, coarse in pairs)
        self.leakies = nn.ModuleList(EightBitLeaky(rounder) for _ in pairs)
        self.steered = rounder()
        self.deep = Block(widths[-1], rounder)
        self.ups = nn.ModuleList(EightBitConv(coarse, fine, 1) for fine, coarse in pairs)
        self.raised = nn.ModuleList(rounder() for _ in pairs)
        self.sums = nn.ModuleList(rounder() for _ in pairs)
        self.up_blocks = nn.ModuleList(Block(c, rounder) for c in fine_widths)
        self.register_buffer("same", torch.ones(widths[0], 1, 1, 1), persistent=False)

    def forward(self, x: Tensor, vector: Tensor, kept: Tensor | None = None) -> Tensor:
        """Run; vector is (N, 2 * widths[-1]): scales less one, then shifts.

        kept (4,) = top, left, height, width in places of x, multiples of 4: the finest scale is finished
        for this rectangle and ``MARGIN`` places around it only, as far as x has them.
        """
        skips = [self.entered(self.down_blocks[0](x))]
        for block, down, leaky in zip(self.down_blocks[1:], self.downs, self.leakies, strict=True):
            skips.append(block(leaky(down(skips[-1]))))
        x = skips.pop()
        scale, shift = vector[:, :, None, None].chunk(2, dim=1)
        x = self.deep(self.steered(self._active(x * (1.0 + scale) + shift)))
        for at in reversed(range(len(self.ups))):
            x = self.sums[at](self._doubled(self.ups[at](x), at) + skips.pop())
            if kept is not None and not skips:
                x = self._cut(x, kept)
            x = self.up_blocks[at](x)
        return x

    @property
    def is_rounded(self) -> bool:
        """Whether the inner values have eight bits."""
        return isinstance(self.entered, EightBit) and self.entered.is_on

    def _active(self, steered: Tensor) -> Tensor:
        return steered if self.is_steering_linear else F.leaky_relu(steered, 0.2)

    def _doubled(self, x: Tensor, at: int) -> Tensor:
        """Repeat rows and columns, (N, C, h, w) -> (N, C, 2 h, 2 w)."""
        x = self.raised[at](x)
        if not (self.is_rounded and torch.onnx.is_in_onnx_export()):
            return F.interpolate(x, scale_factor=2.0, mode="nearest")
        # Whole pixels are copied in this order of axes, in which integer convolutions work.
        x = x.permute(0, 2, 3, 1)
        for axis in (2, 1):
            x = self.raised[at](x)
            x = torch.index_select(x, axis, torch.arange(2 * x.shape[axis]) // 2)
        doubled: Tensor = self.raised[at](self.raised[at](x).permute(0, 3, 1, 2))
        return doubled

    def _cut(self, x: Tensor, kept: Tensor) -> Tensor:
        """Cut the kept rectangle and its margin out of the finest scale."""
        x = _with_margin(x, kept, MARGIN)
        if self.is_rounded:
            rounded: Tensor = self.sums[0](x)
            return rounded
        # A step that changes nothing leads ONNX Runtime back into its blocked layout.
        return F.conv2d(x, self.same, groups=len(self.same))


def _with_margin(x: Tensor, kept: Tensor, margin: int) -> Tensor:
    """Cut a rectangle (4,) and a margin around it, as far as there is one, out of (N, C, h, w)."""
    top, left, height, width = kept[0], kept[1], kept[2], kept[3]
    row, column = torch.clamp(top - margin, min=0), torch.clamp(left - margin, min=0)
    return x[:, :, row : top + height + margin, column : left + width + margin]
