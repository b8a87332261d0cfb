"""CameraNet, the paper's model: two U-Nets with a global branch each (arXiv 1908.01481, variant A).

Zhetong Liang, Jianrui Cai, Zisheng Cao, Lei Zhang, "CameraNet: A Two-Stage Framework for Effective
Camera ISP Learning", IEEE Transactions on Image Processing 30, 2021. Restore-Net takes demosaicked
XYZ that is not white-balanced and returns clean, balanced XYZ; Enhance-Net takes gamma-encoded
scene-linear sRGB and returns display-encoded sRGB, unclipped.

Each net can run in two parts, so that tiles equal the whole picture: ``context`` gives the features
whose spatial mean over the picture is the image-wide vector, and ``forward`` takes that vector.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rawtool.nets.blocks import (
    Block,
    ScaleShift,
    crop_to,
    depth_to_space,
    leaky,
    max_pool_same,
    space_to_depth,
    up_sampler,
)

# Full-size pixels per step of the features at scale 5: packing 2, four pools of 2.
STRIDE = 32
BASE_WIDTH = 32
# Paper and published code; scale 1 to 5.
RESTORE_DILATIONS = (1, 1, 1, 1, 1)
ENHANCE_DILATIONS = (1, 2, 2, 4, 8)
# Scene-linear sRGB from XYZ (D65), the published code's matrix; rows are outputs.
SRGB_FROM_XYZ = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)
# Published code: max(x, 1e-4)^(1/2.2) between the nets.
GAMMA_FLOOR = 1e-4
GAMMA = 2.2


class UNet(nn.Module):
    """One U-Net of the paper on packed pictures: (N, 12, h, w) to (N, 12, h, w).

    Its parameters are registered in the order of the layers (contracting, scale 5, global branch,
    expanding, output). The features have 16 times the base width as channels.
    """

    def __init__(
        self,
        width: int,
        dilations: Sequence[int],
        *,
        is_residual: bool,
        is_normal: bool = False,
        channels: int = 12,
    ) -> None:
        super().__init__()
        sizes = [width * 2**scale for scale in range(5)]
        ins = [channels, *sizes]

        def block(scale: int, c_in: int, last: int) -> Block:
            pair = (dilations[scale], last)
            return Block(c_in, sizes[scale], pair, is_residual=is_residual, is_normal=is_normal)

        self.contracting = nn.ModuleList(block(i, ins[i], dilations[i]) for i in range(4))
        self.bottom = block(4, sizes[3], 1)
        self.scale_shift = ScaleShift(sizes[4])
        self.expanding = nn.ModuleList(
            nn.ModuleList([up_sampler(sizes[j + 1], sizes[j]), block(j, 2 * sizes[j], 1)])
            for j in (3, 2, 1, 0)
        )
        self.out = nn.Conv2d(width, channels, 1)
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(torch.as_tensor(self.out.bias))

    def contract(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """The contracting path: the four skips and the entry features of scale 5 (t)."""
        skips = []
        for block in self.contracting:
            skips.append(leaky(block(x)))
            x = max_pool_same(skips[-1])
        return skips, self.bottom.entry(x)

    def expand(self, skips: list[Tensor], t: Tensor, vector: Tensor) -> Tensor:
        """Scale 5, the global branch and the expanding path, from what :meth:`contract` gave."""
        x: Tensor = self.scale_shift(leaky(self.bottom.refine(t)), vector)
        for skip, pair in zip(reversed(skips), self.expanding, strict=True):
            up, block = pair.children()
            x = block(torch.cat([crop_to(up(x), skip), skip], dim=1))
            x = x if skip is skips[0] else leaky(x)
        out: Tensor = self.out(x)
        return out

    def forward(self, x: Tensor, vector: Tensor | None = None) -> Tensor:
        """Run on a packed picture; without a vector, its own mean features are taken."""
        skips, t = self.contract(x)
        return self.expand(skips, t, t.mean(dim=(2, 3)) if vector is None else vector)


class StageNet(nn.Module):
    """A U-Net on full-size pictures (N, 3, H, W); H and W even, multiples of 32 in an exported graph."""

    def __init__(self, unet: UNet) -> None:
        super().__init__()
        self.unet = unet

    @property
    def vector_size(self) -> int:
        """Values of the image-wide vector."""
        return self.unet.scale_shift.first.in_features

    def context(self, picture: Tensor) -> Tensor:
        """The features (N, V, H/32, W/32) whose spatial mean is the image-wide vector."""
        return self.unet.contract(space_to_depth(picture))[1]

    def forward(self, picture: Tensor, vector: Tensor | None = None) -> Tensor:
        """Run the stage; vector (N, V) stands for the whole picture, None means this is the whole."""
        packed: Tensor = self.unet(space_to_depth(picture), vector)
        return depth_to_space(packed)


def restore_net(width: int = BASE_WIDTH) -> StageNet:
    """Restore-Net: unbalanced linear XYZ to clean, white-balanced linear XYZ."""
    return StageNet(UNet(width, RESTORE_DILATIONS, is_residual=False))


def enhance_net(width: int = BASE_WIDTH, *, adaptive_norm: bool = False) -> StageNet:
    """Enhance-Net: gamma-encoded scene-linear sRGB to display-encoded sRGB, unclipped.

    adaptive_norm puts adaptive batch normalisation on the two inner convolutions of every block.
    """
    return StageNet(UNet(width, ENHANCE_DILATIONS, is_residual=True, is_normal=adaptive_norm))


def scene_linear_from_xyz(xyz: Tensor) -> Tensor:
    """XYZ (N, 3, H, W) to scene-linear sRGB, without clipping."""
    return torch.einsum("oc,nchw->nohw", xyz.new_tensor(SRGB_FROM_XYZ), xyz)


def enhance_input(xyz: Tensor) -> Tensor:
    """Restored XYZ to what Enhance-Net takes: scene-linear sRGB, floored at 1e-4, to the power 1/2.2."""
    return scene_linear_from_xyz(xyz).clamp(min=GAMMA_FLOOR) ** (1 / GAMMA)


class CameraNet(nn.Module):
    """Both stages on whole pictures, for joint training."""

    def __init__(self, width: int = BASE_WIDTH, *, adaptive_norm: bool = False) -> None:
        super().__init__()
        self.restore = restore_net(width)
        self.enhance = enhance_net(width, adaptive_norm=adaptive_norm)

    def forward(self, xyz: Tensor) -> tuple[Tensor, Tensor]:
        """Unbalanced XYZ (N, 3, H, W) to restored XYZ and the finished display-encoded picture."""
        restored = self.restore(xyz)
        return restored, self.enhance(enhance_input(restored))


def minimum_size(dilations: Sequence[int]) -> int:
    """The smallest full-size side: reflect padding d at scale 5 needs d + 1 values there."""
    return STRIDE * (max(dilations[4], 1) + 1)


def context_reach(dilations: Sequence[int]) -> int:
    """Full-size pixels around its own 32 x 32 cell that one value of ``context`` can see."""
    low, high = _seen_by_context(0, 0, dilations)
    return max(-2 * low, 2 * high + 2 - STRIDE)


def reach(dilations: Sequence[int]) -> int:
    """Full-size pixels to one side that one output pixel can see, apart from the image-wide vector.

    The largest over all positions of the pixel in its 32 x 32 cell, for sizes that are multiples of 32.
    """
    worst = 0
    for position in range(STRIDE // 2):
        low, high = _seen_by_output(position, dilations)
        worst = max(worst, 2 * (position - low) + 1, 2 * (high - position) + 1)
    return worst


def _seen_by_output(position: int, dilations: Sequence[int]) -> tuple[int, int]:
    """First and last packed row that the output's packed row at position depends on."""
    low = high = position
    skips = []
    for dilation in dilations[:4]:
        low, high = low - dilation - 2, high + dilation + 2
        skips.append((low, high))
        low, high = low // 2, high // 2
    radius = dilations[4] + 1
    return _seen_by_context(low - radius, high + radius, dilations, skips)


def _seen_by_context(
    low: int, high: int, dilations: Sequence[int], skips: Sequence[tuple[int, int]] = ()
) -> tuple[int, int]:
    """First and last packed row behind rows low to high at scale 5, joined with rows of the skips."""
    low, high = low - 1, high + 1
    for scale in (3, 2, 1, 0):
        low, high = 2 * low, 2 * high + 2
        if skips:
            low, high = min(low, skips[scale][0]), max(high, skips[scale][1])
        radius = 1 + 2 * dilations[scale]
        low, high = low - radius, high + radius
    return low, high
