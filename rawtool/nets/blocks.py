"""Building blocks of CameraNet's U-Nets (Liang et al., arXiv 1908.01481; details of the published code).

Every 3x3 convolution has stride 1 and reflect padding equal to its dilation. Tensors are (N, C, H, W).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

# The published code: max(0.2 x, x).
LEAK = 0.2
# slim's batch normalisation: epsilon 1e-3.
NORM_EPSILON = 1e-3


def leaky(x: Tensor) -> Tensor:
    """Apply CameraNet's activation, max(0.2 x, x)."""
    return functional.leaky_relu(x, LEAK)


def space_to_depth(x: Tensor) -> Tensor:
    """Pack (N, C, 2h, 2w) into (N, 4C, h, w): channel (2i + j)C + c for row offset i, column offset j.

    This is TensorFlow's order; PyTorch's pixel_unshuffle numbers the channels 4c + 2i + j instead.
    """
    n, c, height, width = x.shape
    cells = x.reshape(n, c, height // 2, 2, width // 2, 2)
    return cells.permute(0, 3, 5, 1, 2, 4).reshape(n, 4 * c, height // 2, width // 2)


def depth_to_space(x: Tensor) -> Tensor:
    """Unpack (N, 4C, h, w) into (N, C, 2h, 2w); the inverse of :func:`space_to_depth`."""
    n, c, height, width = x.shape
    cells = x.reshape(n, 2, 2, c // 4, height, width)
    return cells.permute(0, 3, 4, 1, 5, 2).reshape(n, c // 4, 2 * height, 2 * width)


def max_pool_same(x: Tensor) -> Tensor:
    """Max pool 3x3, stride 2, TensorFlow's "SAME": sizes become ceil(n / 2).

    An even size gets one row of minus infinity after its end, an odd one gets one on each side. The
    choice is made from the shape, so a traced graph is right for sizes of the traced parity only.
    """
    before_h, before_w = (int(x.shape[axis]) % 2 for axis in (-2, -1))
    padded = functional.pad(x, (before_w, 1, before_h, 1), value=-torch.inf)
    return functional.max_pool2d(padded, kernel_size=3, stride=2)


def crop_to(x: Tensor, like: Tensor) -> Tensor:
    """Cut rows below and columns right of the size of like; nothing when the sizes are equal."""
    if x.shape[-2:] == like.shape[-2:]:
        return x
    return x[..., : like.shape[-2], : like.shape[-1]]


class AdaptiveNorm(nn.Module):
    """w0 x + w1 BN(x) of Chen, Xu, Koltun 2017: w0 = 1, w1 = 0 at the start, BN with a centre, no scale.

    Unlike that work, running statistics are used at test time, so that tiles equal the whole.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.keep = nn.Parameter(torch.ones(()))
        self.mix = nn.Parameter(torch.zeros(()))
        self.center = nn.Parameter(torch.zeros(channels))
        self.norm = nn.BatchNorm2d(channels, eps=NORM_EPSILON, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        """Blend (N, C, H, W) with its normalised self."""
        normal = self.norm(x) + self.center.view(1, -1, 1, 1)
        return self.keep * x + self.mix * normal


class ReflectConv(nn.Module):
    """A 3x3 convolution with reflect padding and, optionally, adaptive normalisation in place of the bias."""

    def __init__(self, c_in: int, c_out: int, dilation: int = 1, *, is_normal: bool = False) -> None:
        super().__init__()
        self.pad = dilation
        self.conv = nn.Conv2d(c_in, c_out, 3, dilation=dilation, bias=not is_normal)
        self.norm = AdaptiveNorm(c_out) if is_normal else None
        nn.init.xavier_uniform_(self.conv.weight)
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve without an activation; the size stays."""
        y: Tensor = self.conv(functional.pad(x, (self.pad,) * 4, mode="reflect"))
        return y if self.norm is None else self.norm(y)


class Block(nn.Module):
    """The three convolutions of one scale: an entry, then two dilated ones, residual or not."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        dilations: tuple[int, int],
        *,
        is_residual: bool,
        is_normal: bool = False,
    ) -> None:
        super().__init__()
        self.is_residual = is_residual
        self.first = ReflectConv(c_in, c_out)
        self.second = ReflectConv(c_out, c_out, dilations[0], is_normal=is_normal)
        self.third = ReflectConv(c_out, c_out, dilations[1], is_normal=is_normal)

    def entry(self, x: Tensor) -> Tensor:
        """The block's first layer with its activation."""
        return leaky(self.first(x))

    def refine(self, x: Tensor) -> Tensor:
        """The two inner layers, without the last activation."""
        y: Tensor = self.third(leaky(self.second(x)))
        return x + y if self.is_residual else y

    def forward(self, x: Tensor) -> Tensor:
        """The whole block, without the last activation."""
        return self.refine(self.entry(x))


class ScaleShift(nn.Module):
    """The global branch: from the picture's mean features to one scale and one shift per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Linear(channels, 2 * channels)
        self.second = nn.Linear(2 * channels, 2 * channels)
        for layer in (self.first, self.second):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """Scale and shift (N, C, h, w) by what (N, C) says, then activate."""
        scale, shift = self.second(leaky(self.first(vector))).chunk(2, dim=1)
        return leaky(x * scale[:, :, None, None] + shift[:, :, None, None])


def up_sampler(c_in: int, c_out: int) -> nn.ConvTranspose2d:
    """A transposed convolution 2x2, stride 2, no bias; truncated normal of sigma 0.001 (published code)."""
    layer = nn.ConvTranspose2d(c_in, c_out, 2, stride=2, bias=False)
    nn.init.trunc_normal_(layer.weight, std=0.001, a=-0.002, b=0.002)
    return layer
