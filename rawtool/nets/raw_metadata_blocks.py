"""Building blocks of R2LCM's second model, J4 (Wang et al., arXiv 2306.12058; details of the published code).

Every 3x3 convolution has reflect padding, except those of ``subpel``, which have zeros. The leaky ReLU has
slope 0.01. Tensors are (N, C, H, W). The *guide* is the display-encoded picture that the decoder has anyway:
before nearly every layer its top-left pixels of each cell stand in front of the features.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PEDESTAL = 2.0**-36
"""Kept between GDN's square roots and zero, where a square root has no slope (CompressAI)."""

LEAST_OFFSET = 1e-6
FIRST_COUPLING = 0.1

TAPS = 5
"""Side of the masked deconvolution's window."""


def conv3(c_in: int, c_out: int, stride: int = 1) -> nn.Conv2d:
    """Make a 3x3 convolution with reflect padding."""
    return nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, padding_mode="reflect")


def conv1(c_in: int, c_out: int, stride: int = 1) -> nn.Conv2d:
    """Make a 1x1 convolution; with a stride it sees the top-left pixel of each cell."""
    return nn.Conv2d(c_in, c_out, 1, stride=stride)


def subpel(c_in: int, c_out: int, factor: int) -> nn.Sequential:
    """Make a 3x3 convolution, padded by zeros, whose channels become factor x factor pixels."""
    return nn.Sequential(nn.Conv2d(c_in, c_out * factor**2, 3, padding=1), nn.PixelShuffle(factor))


def conv_block(c_in: int, c_out: int, stride: int = 1) -> nn.Sequential:
    """Make ConvBlock, or with a stride ConvBlockStride."""
    return nn.Sequential(conv3(c_in, c_out, stride), nn.LeakyReLU(), conv3(c_out, c_out), nn.LeakyReLU())


def conv_block_up(c_in: int, c_out: int) -> nn.Sequential:
    """Make ConvBlockUp: twice the size."""
    return nn.Sequential(subpel(c_in, c_out, 2), nn.LeakyReLU(), conv3(c_out, c_out), nn.LeakyReLU())


def at_least(x: Tensor, bound: float) -> Tensor:
    """Clamp from below; where x is under the bound, only slopes that push it up come through."""
    clamped = x.clamp(min=bound)
    if not (torch.is_grad_enabled() and x.requires_grad):
        return clamped
    is_inside = (x >= bound).detach()
    passed = x.view_as(x)
    passed.register_hook(lambda slope: slope * (is_inside | (slope < 0)))  # type: ignore[no-untyped-call]
    return passed + (clamped - x).detach()


class GDN(nn.Module):
    """Generalised divisive normalisation: x / sqrt(beta_i + sum_j coupling_ij x_j^2), or times that root."""

    def __init__(self, channels: int, *, is_inverse: bool = False) -> None:
        super().__init__()
        self.is_inverse = is_inverse
        coupling = FIRST_COUPLING * torch.eye(channels)
        self.root_beta = nn.Parameter(torch.sqrt(torch.ones(channels) + PEDESTAL))
        self.root_coupling = nn.Parameter(torch.sqrt(coupling + PEDESTAL))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, h, w), or undo it."""
        beta = _squared(self.root_beta, LEAST_OFFSET)
        coupling = _squared(self.root_coupling, 0.0)
        norm = torch.sqrt(F.conv2d(x * x, coupling[:, :, None, None], beta))
        return x * norm if self.is_inverse else x / norm


def _squared(root: Tensor, least: float) -> Tensor:
    """Give the positive numbers whose square roots are learned, none below the least."""
    return at_least(root, (least + PEDESTAL) ** 0.5) ** 2 - PEDESTAL


class RB(nn.Module):
    """A residual block: lrelu(conv(lrelu(conv(x)))) + x, by a 1x1 convolution where the channels differ."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.body = conv_block(c_in, c_out)
        self.skip = nn.Identity() if c_in == c_out else conv1(c_in, c_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, c_in, h, w) to (N, c_out, h, w)."""
        change: Tensor = self.body(x)
        return change + self.skip(x)


class RBStride(nn.Module):
    """A residual block that makes the picture smaller: GDN(conv(lrelu(conv(x)))) + conv1x1(x)."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv3(c_in, c_out, stride), nn.LeakyReLU(), conv3(c_out, c_out), GDN(c_out))
        self.skip = conv1(c_in, c_out, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, c_in, h, w) to (N, c_out, h / stride, w / stride)."""
        change: Tensor = self.body(x)
        return change + self.skip(x)


class RBUp(nn.Module):
    """A residual block that may enlarge: inverse GDN(conv(lrelu(subpel(x)))) + subpel(x)."""

    def __init__(self, c_in: int, c_out: int, factor: int = 1) -> None:
        super().__init__()
        undo = GDN(c_out, is_inverse=True)
        self.body = nn.Sequential(subpel(c_in, c_out, factor), nn.LeakyReLU(), conv3(c_out, c_out), undo)
        self.skip = subpel(c_in, c_out, factor)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, c_in, h, w) to (N, c_out, factor h, factor w)."""
        change: Tensor = self.body(x)
        return change + self.skip(x)


class _Unit(nn.Module):
    """A bottleneck of half the channels, rounded down, that adds its input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.body = nn.Sequential(
            conv1(channels, half), nn.ReLU(), conv3(half, half), nn.ReLU(), conv1(half, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.body(x)
        return F.relu(change + x)


class Att(nn.Module):
    """Attention: x + a(x) sigmoid(b(x)), both of three units. Two channels at least."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.a = nn.Sequential(*(_Unit(channels) for _ in range(3)))
        self.b = nn.Sequential(*(_Unit(channels) for _ in range(3)), conv1(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        change: Tensor = self.a(x) * torch.sigmoid(self.b(x))
        return x + change


class PCA(nn.Module):
    """Pointwise channel attention: x conv1x1(x)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weigh = conv1(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        weights: Tensor = self.weigh(x)
        return x * weights


class MaskedDeconv(nn.Module):
    """A transposed 5x5 convolution over what is decoded, divided by how many neighbours are.

    A pixel that is decoded itself sees nothing but itself: the centre tap. The last channel that comes in is
    the mask, 1 where decoded, and it is the last that goes out.
    """

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.taps = nn.ConvTranspose2d(c_in, c_out, TAPS, padding=TAPS // 2)

    def forward(self, masked: Tensor) -> Tensor:
        """Map (N, c_in + 1, h, w) to (N, c_out + 1, h, w)."""
        x, mask = masked[:, :-1], masked[:, -1:]
        middle = slice(TAPS // 2, TAPS // 2 + 1)
        centre = F.conv_transpose2d(x, self.taps.weight[:, :, middle, middle], self.taps.bias)
        around = self.taps(x) / n_decoded(mask).clamp(min=1.0)
        return torch.cat([around * (1.0 - mask) + centre * mask, mask], dim=1)


def n_decoded(mask: Tensor) -> Tensor:
    """Count the decoded pixels in the 5x5 window around each pixel, (N, 1, h, w), without a slope."""
    return F.conv2d(mask.detach(), mask.new_ones(1, 1, TAPS, TAPS), padding=TAPS // 2)


class Guided(nn.Module):
    """A layer in front of whose input stands the guide, shrunk to its size by taking top-left pixels.

    channels says how many of the guide's channels, counted from the first; with 0 it is not looked at.
    """

    def __init__(self, layer: nn.Module, channels: int) -> None:
        super().__init__()
        self.layer = layer
        self.channels = channels

    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        """Run on (N, C, h, w) and the guide (N, G, k h, k w) of a whole k."""
        if self.channels:
            k = guide.shape[-1] // x.shape[-1]
            x = torch.cat([guide[:, : self.channels, ::k, ::k], x], dim=1)
        features: Tensor = self.layer(x)
        return features


def guided(channels: int, *layers: nn.Module) -> Iterable[nn.Module]:
    """Let each layer see this many channels of the guide, but for activations and PCA."""
    blind = (nn.LeakyReLU, PCA)
    return (layer if isinstance(layer, blind) else Guided(layer, channels) for layer in layers)


class GuidedStack(nn.Module):
    """Layers one after another, some of them :class:`Guided`."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        """Run all of them."""
        for layer in self.layers:
            x = layer(x, guide) if isinstance(layer, Guided) else layer(x)
        return x
