"""One LDR picture to scene-linear light at size s: HDRUNet and SingleHDR joined, within 25 kFLOP per pixel.

From SingleHDR: the camera's curve is estimated from the whole picture and undone, and light is added only
where the picture is close to clipping. From HDRUNet: what is added is steered, at every place, by features
of a condition network. What is ours:

- the condition network looks at the whole picture, shrunk to a fixed size, because how bright a clipped area
  is depends on what it is: a lamp, a window, a sky with the sun; tiles sample its map by their place;
- the light that is added is a power of two, so that errors count as ratios, as the eye counts them;
- everything at full size is arithmetic on single pixels: convolutions run at a quarter of the size.

    thumbnail (N, 3, T, T) ──► guide (N, G, T / 2, T / 2): features of the place, then the camera's curve
    picture (N, 3, H, W) ── cells of 4x4 ──► U-Net, steered by the guide ──► residual, gain_ev
    light = curve(picture + residual) * 2 ** (share clipped * gain_ev)
"""

from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Layer = TypeVar("Layer", bound=nn.Module)

THUMBNAIL = 192
N_CURVE = 4
"""Numbers that bend the sRGB curve towards the camera's."""

CLIP_START = 0.88
"""Where the picture begins to count as clipped: SingleHDR's 1 - t with t = 0.12, on encoded values."""

LINEAR_SLOPE = 12.92
LN_2 = 0.6931471805599453
CELL = 4
"""Pixels of a side that become one place of the features."""


def srgb_decode(encoded: Tensor) -> Tensor:
    """Undo the sRGB curve (IEC 61966-2-1) for values from 0 to 1."""
    # ONNX Runtime takes a logarithm and an exponential in a third of the time of a power.
    power = torch.exp(2.4 * torch.log((encoded.clamp(min=0.04) + 0.055) / 1.055))
    return torch.where(encoded > 0.04045, power, encoded / LINEAR_SLOPE)


def bent_curve(encoded: Tensor, bend: Tensor) -> Tensor:
    """Decode values in [0, 1] by the sRGB curve, bent: times exp((1 - x) (b0 + b1 x + b2 x^2 + b3 x^3)).

    bend is (N, 4, ...) and broadcasts over the pixels. 0 stays 0 and 1 stays 1, whatever the numbers are.
    """
    b0, b1, b2, b3 = (bend[:, at : at + 1] for at in range(N_CURVE))
    exponent = (1.0 - encoded) * (b0 + encoded * (b1 + encoded * (b2 + encoded * b3)))
    return srgb_decode(encoded) * torch.exp(exponent)


def clipped_share(encoded: Tensor) -> Tensor:
    """Give how far each channel is clipped: 0 up to CLIP_START, 1 at 1."""
    return ((encoded - CLIP_START) / (1.0 - CLIP_START)).clamp(0.0, 1.0)


def _softplus(x: Tensor) -> Tensor:
    """Give log(1 + exp(x)), up to 30; ONNX Runtime's own takes six times as long."""
    return torch.log(1.0 + torch.exp(x.clamp(max=30.0)))


def _silent(layer: Layer) -> Layer:
    """Set a layer to give 0 until it has learned."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


class Block(nn.Module):
    """Two 3x3 convolutions that add to what they were given: relu(x + conv(lrelu(conv(x))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        return F.relu(x + self.second(F.leaky_relu(self.first(x), 0.2)))


class GuideNet(nn.Module):
    """The condition network: a U-Net over a thumbnail, deep enough to see all of it.

    (N, 3, T, T) -> features (N, n_guide, T / 2, T / 2) and the curve's numbers (N, N_CURVE).
    """

    def __init__(self, n_guide: int, widths: tuple[int, ...] = (24, 32, 48, 64, 96)) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.stem = nn.Conv2d(6, widths[0], 5, stride=2, padding=2)
        self.down_blocks = nn.ModuleList(Block(c) for c in widths[:-1])
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairs)
        self.deep = Block(widths[-1])
        self.hidden = nn.Linear(2 * widths[-1], 96)
        self.steer = _silent(nn.Linear(96, widths[-1]))
        self.curve = _silent(nn.Linear(96, N_CURVE))
        self.ups = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs)
        self.up_blocks = nn.ModuleList(Block(c) for c in widths[:-1])
        self.out = nn.Conv2d(widths[0], n_guide, 3, padding=1)

    def forward(self, thumbnail: Tensor) -> tuple[Tensor, Tensor]:
        """Give features and curve."""
        x = F.leaky_relu(self.stem(torch.cat([thumbnail, clipped_share(thumbnail)], dim=1)), 0.2)
        skips = []
        for block, down in zip(self.down_blocks, self.downs, strict=True):
            x = block(x)
            skips.append(x)
            x = F.leaky_relu(down(x), 0.2)
        x = self.deep(x)
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        hidden = F.leaky_relu(self.hidden(pooled), 0.2)
        x = x + self.steer(hidden)[:, :, None, None]
        for block, up in zip(reversed(self.up_blocks), reversed(self.ups), strict=True):
            x = block(F.interpolate(up(x), scale_factor=2.0, mode="nearest") + skips.pop())
        return self.out(x), self.curve(hidden)


class HdrNetS(nn.Module):
    """Light from an encoded picture, its clipped areas filled by what the place tells."""

    stride = 8
    halo = 64
    thumbnail_size = THUMBNAIL
    n_features = 12
    n_guide = n_features + N_CURVE
    width = 48
    deep_width = 64

    def __init__(self) -> None:
        super().__init__()
        self.guide_net = GuideNet(self.n_features)
        self.stem = nn.Conv2d(3, self.width, 7, stride=CELL, padding=3)
        self.fine = Block(self.width)
        self.down = nn.Conv2d(self.width, self.deep_width, 3, stride=2, padding=1)
        self.joined = nn.Conv2d(self.n_features, self.deep_width, 1)
        self.deep_1 = Block(self.deep_width)
        self.deep_2 = Block(self.deep_width)
        self.up = nn.Conv2d(self.deep_width, self.width, 1)
        self.finer = Block(self.width)
        self.out = _silent(nn.Conv2d(self.width, 6 * CELL**2, 3, padding=1))

    def guide(self, thumbnail: Tensor) -> Tensor:
        """Give (N, n_guide, T / 2, T / 2) for a thumbnail (N, 3, T, T) of encoded values."""
        features, curve = self.guide_net(thumbnail)
        n, _, height, width = features.shape
        return torch.cat([features, curve[:, :, None, None].expand(n, N_CURVE, height, width)], dim=1)

    def forward(self, picture: Tensor, guide: Tensor) -> Tensor:
        """Give light (N, 3, H, W), 1 = the picture's white, from encoded values in [0, 1].

        guide (N, n_guide, H / 8, W / 8) is sampled where the picture lies. Sides are multiples of 8.
        """
        residual, gain_ev = self.terms(picture, guide)
        encoded = (picture + residual).clamp(0.0, 1.0)
        light = bent_curve(encoded, guide[:, self.n_features :, :1, :1])
        return light * torch.exp(LN_2 * clipped_share(picture) * gain_ev)

    def terms(self, picture: Tensor, guide: Tensor) -> tuple[Tensor, Tensor]:
        """Give what is added to the encoded values, and the EV that clipped channels gain."""
        fine = self.fine(F.leaky_relu(self.stem(picture), 0.2))
        deep = F.relu(self.down(fine) + self.joined(guide[:, : self.n_features]))
        deep = self.deep_2(self.deep_1(deep))
        fine = self.finer(F.interpolate(self.up(deep), scale_factor=2.0, mode="nearest") + fine)
        residual, gain_ev = _unpack(self.out(fine)).chunk(2, dim=1)
        return 0.1 * residual, _softplus(2.0 * gain_ev)


def _unpack(cells: Tensor) -> Tensor:
    """Lay cells of 4x4 pixels, (N, 16 C, h, w), out as (N, C, 4 h, 4 w): first columns, then rows.

    Each step moves one axis only, which ONNX Runtime does several times faster than both at once.
    """
    n, channels, height, width = cells.shape
    by_column = cells.reshape(n, channels // CELL, CELL, height, width).permute(0, 1, 3, 4, 2)
    by_row = by_column.reshape(n, channels // CELL**2, CELL, height, CELL * width).permute(0, 1, 3, 2, 4)
    return by_row.reshape(n, channels // CELL**2, CELL * height, CELL * width)
