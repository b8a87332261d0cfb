"""SingleHDR, the paper's model: undo the camera step by step (arXiv 2004.01179).

Yu-Lun Liu, Wei-Sheng Lai, Yu-Sheng Chen, Yi-Lung Kao, Ming-Hsuan Yang, Yung-Yu Chuang, Jia-Bin Huang,
"Single-Image HDR Reconstruction by Learning to Reverse the Camera Pipeline", CVPR 2020.

    L ── dequantise, clip ──► C ── the curve of the whole picture ──► B ── B + alpha relu(Hal(B)) ──► A
                                                     A, B, C ── refine, if there is a network for it ──► R

L is an encoded picture (N, 3, H, W) in [0, 1]. A, or R, is relative light: 1 where L is white, more where it
is clipped. The curve comes from a thumbnail of fixed size by design, so tiles equal the whole.

A pixel of the light sees as far as the networks after each other, 131 + 184 = 315 pixels to each side, and
with refinement 131 + 315 = 446. The halos are the next multiples of 32.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rawtool.color.response import N_SAMPLES, CurveBasis
from rawtool.nets.singlehdr_curve import LinearizationNet, apply_curve
from rawtool.nets.singlehdr_hallucination import HallucinationNet
from rawtool.nets.singlehdr_unet import DequantizationNet, RefinementNet

THUMBNAIL = 256
"""The side of the training crops of the paper's Linearization-Net."""

CLIPPED_SPAN = 0.12
"""Light from 1 less this to 1 is blended with what is hallucinated (published code)."""

HALO = 320
REFINED_HALO = 448


class SingleHdr(nn.Module):
    """The networks joined. width scales the channels of all; the fourth network, refinement, is optional."""

    stride = 32
    vector_size = N_SAMPLES

    def __init__(
        self, width: float = 1.0, *, basis: CurveBasis | None = None, has_refinement: bool = False
    ) -> None:
        super().__init__()
        self.dequantization = DequantizationNet(width)
        self.linearization = LinearizationNet(width, basis)
        self.hallucination = HallucinationNet(width)
        self.refinement = RefinementNet(width) if has_refinement else None

    @property
    def halo(self) -> int:
        """Pixels of context that a tile needs on each side."""
        return HALO if self.refinement is None else REFINED_HALO

    def global_vector(self, thumbnail: Tensor) -> Tensor:
        """Give the curve (N, 1024) of a picture from its thumbnail (N, 3, T, T), T a multiple of 16."""
        curve: Tensor = self.linearization(self.dequantised(thumbnail))
        return curve

    def forward(self, picture: Tensor, vector: Tensor) -> Tensor:
        """Give the light (N, 3, H, W) of an encoded picture; sides are multiples of 32, vector (N, 1024)."""
        encoded = self.dequantised(picture)
        clipped = apply_curve(vector, encoded)
        light = clipped + clipped_share(clipped) * F.relu(self.hallucination(clipped))
        if self.refinement is None:
            return light
        return F.relu(self.refinement(torch.cat([light, clipped, encoded], dim=1)))

    def dequantised(self, picture: Tensor) -> Tensor:
        """Give the encoded picture before it was rounded to 8 bits, in [0, 1]."""
        return self.dequantization(picture).clamp(0.0, 1.0)


def clipped_share(clipped: Tensor) -> Tensor:
    """Give alpha (N, 1, H, W): 0 where the largest channel is up to 0.88, rising to 1 where it is 1."""
    largest = clipped.amax(dim=1, keepdim=True)
    return ((largest - (1.0 - CLIPPED_SPAN)) / CLIPPED_SPAN).clamp(0.0, 1.0)
