"""The HDR networks of both sizes behind one face: what the recipe trains.

A reconstructor maps a picture (N, 3, H, W), sRGB-encoded in [0, 1], and its thumbnail to its network's own
terms: light, 1 = the picture's white, or light to the power of 1 / 2.24 (is_powered).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rawtool.nets.hdr_s import HdrNetS, srgb_decode
from rawtool.nets.hdrunet import HdrUnet
from rawtool.training.configs import HdrUnetConfig

POWER = 2.24
"""Of HDRUNet's data (NTIRE 2021)."""

DARKEST = 1e-6
"""Light below it counts as it: the slope of a power below 1 has no bound at 0."""


class ReconstructorS(nn.Module):
    """The network of size s with its guide, sampled over the whole picture."""

    thumbnail_size: int | None = HdrNetS.thumbnail_size
    is_powered = False

    def __init__(self) -> None:
        super().__init__()
        self.net = HdrNetS()

    def forward(self, picture: Tensor, thumbnail: Tensor) -> Tensor:
        """Give light (N, 3, H, W)."""
        cells = (picture.shape[2] // HdrNetS.stride, picture.shape[3] // HdrNetS.stride)
        guide = F.interpolate(self.net.guide(thumbnail), size=cells, mode="bilinear", align_corners=False)
        light: Tensor = self.net(picture, guide)
        return light


class ReconstructorPaper(nn.Module):
    """HDRUNet; it takes no thumbnail."""

    thumbnail_size: int | None = None
    is_powered = True

    def __init__(self, config: HdrUnetConfig) -> None:
        super().__init__()
        self.net = HdrUnet(
            config.width,
            config.width // 2,
            (2, config.n_blocks, 2),
            has_conditions=config.has_condition,
            has_weights=config.has_weighting,
        )

    def forward(self, picture: Tensor, _thumbnail: Tensor) -> Tensor:
        """Give light to the power of 1 / 2.24 (N, 3, H, W)."""
        powered: Tensor = self.net(to_power(srgb_decode(picture)))
        return powered


def to_power(light: Tensor) -> Tensor:
    """Encode light by the power 1 / 2.24; below DARKEST it counts as that."""
    return torch.pow(light.clamp(min=DARKEST), 1.0 / POWER)


def from_power(powered: Tensor) -> Tensor:
    """Undo ``to_power``; what is below 0 becomes 0."""
    return torch.pow(powered.clamp(min=0.0), POWER)


def reconstructor(config: HdrUnetConfig) -> ReconstructorS | ReconstructorPaper:
    """Build the network of a size."""
    return ReconstructorS() if config.size == "s" else ReconstructorPaper(config)
