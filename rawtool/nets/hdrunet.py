"""HDRUNet, the paper's model: one LDR picture to HDR, with denoising and dequantisation (arXiv 2105.13084).

Xiangyu Chen, Yihao Liu, Zhengwen Zhang, Yu Qiao, Chao Dong, "HDRUNet: Single Image HDR Reconstruction with
Denoising and Dequantization", CVPR Workshops 2021. Names and order of the parameters are those of the
published code, so that its checkpoints fit.

    picture x ──► base network, a U-Net of three sizes ───────────────► y
        ├───────► condition network ──► c1, c2, c3 modulate its features
        └───────► weighting network ──► mask               output = mask x + y

Picture and output are (N, 3, H, W), encoded by v = light^(1/2.24); the output has no upper bound.

A pixel of the output sees 96 pixels to each side. Counted from the output, in 3x3 convolutions: 2 at full
size, 5 at half size (10 pixels), 17 at quarter size (68), 4 at half size (8), then 2 + 1 where the size is
halved and 2 at full size make 93; a pixel's place in its cell of 4 x 4 adds up to 3.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FEATURES = 64
CONDITIONS = 32
BLOCKS = (2, 8, 2)
"""Residual blocks at half size, at quarter size, and at half size again."""

LEAK = 0.1
"""Slope of the activations of the condition network."""

RESIDUAL_GAIN = 0.1
"""The convolutions of residual blocks begin with Kaiming's weights times this (published code)."""


def _conv(c_in: int, c_out: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1)


def _point(c_in: int, c_out: int) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, 1)


class Sft(nn.Module):
    """Spatial feature transform: f (s(c) + 1) + t(c), with the maps c of the condition network."""

    def __init__(self, features: int, conditions: int) -> None:
        super().__init__()
        self.SFT_scale_conv0 = _point(conditions, conditions)
        self.SFT_scale_conv1 = _point(conditions, features)
        self.SFT_shift_conv0 = _point(conditions, conditions)
        self.SFT_shift_conv1 = _point(conditions, features)

    def forward(self, x: Tensor, maps: Tensor) -> Tensor:
        """Scale and shift (N, F, h, w) by maps (N, C, h, w)."""
        scale = self.SFT_scale_conv1(F.leaky_relu(self.SFT_scale_conv0(maps), LEAK))
        shift = self.SFT_shift_conv1(F.leaky_relu(self.SFT_shift_conv0(maps), LEAK))
        return x * (scale + 1.0) + shift


class NoSft(nn.Module):
    """Stands for :class:`Sft` where there is no condition network."""

    def forward(self, x: Tensor, _maps: Tensor | None) -> Tensor:
        """Give the features as they are."""
        return x


def _sft(features: int, conditions: int) -> nn.Module:
    return Sft(features, conditions) if conditions else NoSft()


class ResidualBlock(nn.Module):
    """f + conv2(sft2(relu(conv1(sft1(f, c))), c)), with the maps c of the condition network."""

    def __init__(self, features: int, conditions: int) -> None:
        super().__init__()
        self.conv1 = _conv(features, features)
        self.conv2 = _conv(features, features)
        self.sft1 = _sft(features, conditions)
        self.sft2 = _sft(features, conditions)
        for layer in (self.conv1, self.conv2):
            nn.init.kaiming_normal_(layer.weight, a=0, mode="fan_in")
            layer.weight.data *= RESIDUAL_GAIN
            nn.init.zeros_(torch.as_tensor(layer.bias))

    def forward(self, x: Tensor, maps: Tensor | None) -> Tensor:
        """Map (N, F, h, w) to the same shape."""
        inner = F.relu(self.conv1(self.sft1(x, maps)))
        change: Tensor = self.conv2(self.sft2(inner, maps))
        return x + change


def _trunk(n_blocks: int, features: int, conditions: int) -> nn.ModuleList:
    return nn.ModuleList(ResidualBlock(features, conditions) for _ in range(n_blocks))


def _through(trunk: nn.ModuleList, x: Tensor, maps: Tensor | None) -> Tensor:
    for block in trunk:
        x = block(x, maps)
    return x


def _up_sampler(features: int) -> nn.Sequential:
    return nn.Sequential(_conv(features, 4 * features), nn.PixelShuffle(2))


def _leaky(*layers: nn.Module) -> list[nn.Module]:
    """Put an activation after each layer."""
    return [part for layer in layers for part in (layer, nn.LeakyReLU(LEAK))]


class HdrUnet(nn.Module):
    """The whole network. Sides of the picture are multiples of 4.

    Features, conditions and blocks other than the defaults make small versions. Without the condition network
    nothing modulates the features, without the weighting network the output is x + y: the paper's ablations.
    """

    stride = 4
    halo = 96

    def __init__(
        self,
        features: int = FEATURES,
        conditions: int = CONDITIONS,
        blocks: tuple[int, int, int] = BLOCKS,
        *,
        has_conditions: bool = True,
        has_weights: bool = True,
    ) -> None:
        super().__init__()
        known = conditions if has_conditions else 0
        self.conv_first = _conv(3, features)
        self.SFT_layer1 = _sft(features, known)
        self.HR_conv1 = _conv(features, features)
        self.down_conv1 = _conv(features, features, 2)
        self.down_conv2 = _conv(features, features, 2)
        self.recon_trunk1 = _trunk(blocks[0], features, known)
        self.recon_trunk2 = _trunk(blocks[1], features, known)
        self.recon_trunk3 = _trunk(blocks[2], features, known)
        self.up_conv1 = _up_sampler(features)
        self.up_conv2 = _up_sampler(features)
        self.SFT_layer2 = _sft(features, known)
        self.HR_conv2 = _conv(features, features)
        self.conv_last = _conv(features, 3)
        self.has_conditions = has_conditions
        if has_conditions:
            self._add_condition_network(features, conditions)
        self.mask_est = _weighting_network(features) if has_weights else None

    def forward(self, picture: Tensor) -> Tensor:
        """Give the HDR picture (N, 3, H, W) of an LDR one, both encoded by the power 1 / 2.24."""
        base = self.base(picture, self.maps(picture))
        return base + (picture if self.mask_est is None else self.mask_est(picture) * picture)

    def maps(self, picture: Tensor) -> tuple[Tensor | None, ...]:
        """Give the condition network's maps at full, half and quarter size, or three times None."""
        if not self.has_conditions:
            return None, None, None
        shared = self.cond_first(picture)
        return self.CondNet1(shared), self.CondNet2(shared), self.CondNet3(shared)

    def base(self, picture: Tensor, maps: tuple[Tensor | None, ...]) -> Tensor:
        """Give y, the output of the base network."""
        full, half, quarter = maps
        f0 = F.relu(self.HR_conv1(self.SFT_layer1(F.relu(self.conv_first(picture)), full)))
        f1 = _through(self.recon_trunk1, F.relu(self.down_conv1(f0)), half)
        f2 = F.relu(self.down_conv2(f1))
        x = _through(self.recon_trunk2, f2, quarter) + f2
        x = _through(self.recon_trunk3, F.relu(self.up_conv1(x)) + f1, half)
        x = self.SFT_layer2(F.relu(self.up_conv2(x)) + f0, full)
        last: Tensor = self.conv_last(F.relu(self.HR_conv2(x)))
        return last

    def _add_condition_network(self, features: int, conditions: int) -> None:
        self.cond_first = nn.Sequential(
            *_leaky(_conv(3, features), _point(features, features), _point(features, features))
        )
        self.CondNet1 = nn.Sequential(*_leaky(_point(features, features)), _point(features, conditions))
        self.CondNet2 = nn.Sequential(*_leaky(_conv(features, features, 2)), _point(features, conditions))
        self.CondNet3 = nn.Sequential(*_leaky(_conv(features, features, 2)), _conv(features, conditions, 2))


def _weighting_network(features: int) -> nn.Sequential:
    """The network that says how much of the input each pixel and channel keeps; any number, unclipped."""
    return nn.Sequential(
        _conv(3, features),
        nn.ReLU(),
        _conv(features, features),
        nn.ReLU(),
        _point(features, features),
        nn.ReLU(),
        _point(features, 3),
    )
