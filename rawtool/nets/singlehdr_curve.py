"""SingleHDR's Linearization-Net: which curve the camera applied (arXiv 2004.01179, published code).

    encoded picture (N, 3, H, W) ── edges, soft histograms: 102 maps ── ResNet ── mean ── 11 weights
        ── mean curve + weighted components, made to rise ──► 1024 samples: the light at each code

The curve is one for the whole picture and its three channels. Sides of any length.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rawtool.color.response import N_COMPONENTS, CurveBasis, own_basis
from rawtool.errors import ConfigError
from rawtool.nets.blocks import max_pool_same
from rawtool.nets.singlehdr_unet import scaled

HISTOGRAMS = (4, 8, 16)
"""Steps from 0 to 1 of the soft histograms; each has one bin more."""
N_FEATURES = 3 + 6 + 3 * sum(n + 1 for n in HISTOGRAMS)

# TensorFlow's slim: epsilon 1e-3, decay 0.999.
NORM_EPSILON = 1e-3
NORM_MOMENTUM = 0.001

_SOBEL_DOWN = ((-1.0, -2.0, -1.0), (0.0, 0.0, 0.0), (1.0, 2.0, 1.0))


class CurveFeatures(nn.Module):
    """What tells a response curve: the picture (3), its edges (6) and where its values lie (93)."""

    edges: Tensor
    centres: Tensor
    slopes: Tensor

    def __init__(self) -> None:
        super().__init__()
        down = torch.tensor(_SOBEL_DOWN)
        self.register_buffer("edges", torch.stack([down, down.T] * 3)[:, None], persistent=False)
        bins = [(b / n, float(n)) for n in HISTOGRAMS for b in range(n + 1)]
        centres, slopes = torch.tensor(bins).T[:, None, :, None, None, None].unbind()
        self.register_buffer("centres", centres, persistent=False)
        self.register_buffer("slopes", slopes, persistent=False)

    def forward(self, picture: Tensor) -> Tensor:
        """Give (N, 102, H, W).

        Edges are R down, R across, G down and so on. Of a histogram the bins are outermost and the three
        channels inside; at every pixel the bins of one histogram sum to 1.
        """
        edges = F.conv2d(F.pad(picture, (1, 1, 1, 1), mode="reflect"), self.edges, groups=3)
        shares = F.relu(1.0 - self.slopes * torch.abs(picture[:, None] - self.centres))
        return torch.cat([picture, edges, shares.flatten(1, 2)], dim=1)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=NORM_EPSILON, momentum=NORM_MOMENTUM)


def _normed(c_in: int, c_out: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """A convolution without bias and its normalisation."""
    layer = nn.Conv2d(c_in, c_out, kernel, stride=stride, padding=kernel // 2, bias=False)
    return nn.Sequential(layer, _norm(c_out))


class Bottleneck(nn.Module):
    """A bottleneck of a ResNet, its stride on the first 1x1; the shortcut is the identity where it fits."""

    def __init__(self, c_in: int, inner: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.shortcut = nn.Identity() if c_in == c_out else _normed(c_in, c_out, stride=stride)
        self.first = _normed(c_in, inner, stride=stride)
        self.second = _normed(inner, inner, kernel=3)
        self.third = _normed(inner, c_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the block's channels and size, after the activation."""
        y = self.third(F.relu(self.second(F.relu(self.first(x)))))
        return F.relu(y + self.shortcut(x))


class CurveTrunk(nn.Module):
    """The start of a ResNet: two stages of bottlenecks, then the mean over the picture."""

    def __init__(self, width: float) -> None:
        super().__init__()
        c64, c128, c256, c512 = (scaled(channels, width) for channels in (64, 128, 256, 512))
        self.conv1 = nn.Conv2d(N_FEATURES, c64, 7, stride=2)
        self.norm1 = _norm(c64)
        self.res2 = nn.Sequential(
            Bottleneck(c64, c64, c256), Bottleneck(c256, c64, c256), Bottleneck(c256, c64, c256)
        )
        self.res3 = nn.Sequential(Bottleneck(c256, c128, c512, stride=2), Bottleneck(c512, c128, c512))

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, 102, H, W) to (N, 512)."""
        x = F.relu(self.norm1(self.conv1(_pad_for_seven(features))))
        deep: Tensor = self.res3(self.res2(max_pool_same(x)))
        return deep.mean(dim=(2, 3))


def _pad_for_seven(x: Tensor) -> Tensor:
    """Pad for a 7x7 of stride 2 as TensorFlow's "SAME": 3 after, and before 2 if the length is even, else 3.

    The choice is made from the shape, so a traced graph is right for sizes of the traced parity only.
    """
    before_h, before_w = (2 + int(x.shape[axis]) % 2 for axis in (-2, -1))
    return F.pad(x, (before_w, 3, before_h, 3))


class LinearizationNet(nn.Module):
    """Estimate the curve of an encoded picture. The basis is the project's own unless another is given.

    The basis is kept with the weights, which mean nothing without it.

    Raises:
        ConfigError: the basis is one of forward curves.
    """

    basis_mean: Tensor
    basis_components: Tensor

    def __init__(self, width: float = 1.0, basis: CurveBasis | None = None) -> None:
        super().__init__()
        known = basis or own_basis()
        if not known.is_inverse:
            raise ConfigError("the table of curves holds forward ones; the network needs invemor.txt")
        self.features = CurveFeatures()
        self.trunk = CurveTrunk(width)
        self.head = nn.Linear(scaled(512, width), N_COMPONENTS)
        components = torch.tensor(known.components[:N_COMPONENTS], dtype=torch.float32)
        self.register_buffer("basis_mean", torch.tensor(known.mean, dtype=torch.float32))
        self.register_buffer("basis_components", components)

    def weights(self, picture: Tensor) -> Tensor:
        """Give the weights (N, 11) of the basis for an encoded picture (N, 3, H, W) in [0, 1]."""
        found: Tensor = self.head(self.trunk(self.features(picture)))
        return found

    def forward(self, picture: Tensor) -> Tensor:
        """Give the curve (N, 1024) of an encoded picture (N, 3, H, W) in [0, 1]."""
        return rising(self.basis_mean + self.weights(picture) @ self.basis_components)


def rising(curve: Tensor) -> Tensor:
    """Make curves (N, S) rise from 0 to 1: raise all steps until none goes down, then scale them."""
    steps = curve[:, 1:] - curve[:, :-1]
    steps = steps + F.relu(-steps.amin(dim=1, keepdim=True))
    steps = steps / steps.sum(dim=1, keepdim=True)
    return F.pad(torch.cumsum(steps, dim=1), (1, 0))


def apply_curve(curve: Tensor, picture: Tensor) -> Tensor:
    """Look values in [0, 1] (N, C, H, W) up in curves (N, S), between samples by linear interpolation."""
    last = curve.shape[1] - 1
    place = picture.flatten(1) * last
    below = torch.floor(place)
    index = below.long()
    start = torch.gather(curve, 1, index)
    end = torch.gather(curve, 1, torch.clamp(index + 1, max=last))
    return (start + (place - below) * (end - start)).reshape(picture.shape)
