"""SingleHDR's Hallucination-Net: light where the picture is clipped (arXiv 2004.01179, published code).

An encoder with the layout of VGG16, a decoder that repeats pixels and convolves, and skips that are fused by
1x1 convolutions; it is HDRCNN's network (Eilertsen et al. 2017) without transposed convolutions. Pictures
are (N, 3, H, W), sides multiples of 32.

A pixel of the output sees 184 pixels to each side. Counted from the output in 3x3 convolutions: on the way up
one at each size from 1 to 1/32 make 63; on the way down 3 each at 1/16, 1/8 and 1/4 and 2 each at 1/2 and 1
make 48 + 24 + 12 + 4 + 2 = 90; halvings and doublings add up to 31, according to the pixel's place in its
cell of 32 x 32.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rawtool.nets.singlehdr_unet import scaled

STRIDE = 32
REACH = 184
"""Pixels to each side that one pixel of the output can see, at most."""

STAGES = (64, 128, 256, 512, 512)
LAYERS = (2, 2, 3, 3, 3)
"""VGG16: channels and convolutions of each stage."""

CODES = 255.0
VGG_MEAN_BGR = (103.939, 116.779, 123.68)

# TensorLayer's defaults: epsilon 1e-5, decay 0.9, scales begin at N(1, 0.002).
NORM_EPSILON = 1e-5
NORM_MOMENTUM = 0.1
NORM_SPREAD = 0.002


def _norm(channels: int) -> nn.BatchNorm2d:
    layer = nn.BatchNorm2d(channels, eps=NORM_EPSILON, momentum=NORM_MOMENTUM)
    nn.init.normal_(layer.weight, 1.0, NORM_SPREAD)
    return layer


def _conv(c_in: int, c_out: int, kernel: int = 3, padding: int = 0) -> nn.Conv2d:
    """A convolution before a ReLU; Kaiming's weights, because there are none of VGG16 to begin with."""
    layer = nn.Conv2d(c_in, c_out, kernel, padding=padding)
    nn.init.kaiming_normal_(layer.weight)
    nn.init.zeros_(torch.as_tensor(layer.bias))
    return layer


class UpSampler(nn.Module):
    """Repeat pixels, reflect the border, convolve 3x3; then ReLU, normalisation and ReLU."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.conv = _conv(c_in, c_out)
        self.norm = _norm(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to twice the size."""
        repeated = F.interpolate(x, scale_factor=2.0, mode="nearest")
        return F.relu(self.norm(F.relu(self.conv(F.pad(repeated, (1, 1, 1, 1), mode="reflect")))))


class Fuse(nn.Module):
    """Join features with a skip of the encoder's range, 0 to 255; the 1x1 convolution begins as their sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(2 * channels, channels, 1)
        both = torch.eye(channels).repeat(1, 2)
        self.mix.weight.data = both[:, :, None, None]
        nn.init.zeros_(torch.as_tensor(self.mix.bias))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Join two tensors (N, C, h, w)."""
        joined: Tensor = self.mix(torch.cat([x, skip / CODES], dim=1))
        return joined


class HallucinationNet(nn.Module):
    """Give light to add where the picture is clipped; its caller cuts at 0 and blends."""

    vgg_mean: Tensor

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        sizes = [scaled(channels, width) for channels in STAGES]
        self.encoder = nn.ModuleList(
            _stage(c_in, c_out, n) for c_in, c_out, n in zip((3, *sizes[:-1]), sizes, LAYERS, strict=True)
        )
        self.bottleneck = _conv(sizes[-1], sizes[-1], padding=1)
        self.bottleneck_norm = _norm(sizes[-1])
        deep = [sizes[-1], *reversed(sizes)]
        self.decoder = nn.ModuleList(
            nn.ModuleList([UpSampler(c_in, c_out), Fuse(c_out)]) for c_in, c_out in pairwise(deep)
        )
        self.out = _conv(sizes[0], 3, kernel=1)
        self.out_norm = _norm(3)
        self.out_fuse = Fuse(3)
        mean = torch.tensor(VGG_MEAN_BGR).view(1, 3, 1, 1)
        self.register_buffer("vgg_mean", mean, persistent=False)

    def forward(self, clipped: Tensor) -> Tensor:
        """Look at clipped light (N, 3, H, W) in [0, 1]."""
        codes = clipped * CODES
        x = codes.flip(1) - self.vgg_mean
        skips = []
        for stage in self.encoder:
            x = stage(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = F.relu(self.bottleneck_norm(self.bottleneck(x)))
        for pair, skip in zip(self.decoder, reversed(skips), strict=True):
            up, fuse = pair.children()
            x = fuse(up(x), skip)
        last: Tensor = self.out_fuse(F.relu(self.out_norm(self.out(x))), codes)
        return last


def _stage(c_in: int, c_out: int, n_layers: int) -> nn.Sequential:
    layers = [_conv(c_in if i == 0 else c_out, c_out, padding=1) for i in range(n_layers)]
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())))
