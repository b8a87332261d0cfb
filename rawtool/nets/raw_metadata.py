"""J4 of R2LCM: a raw picture from its finished photograph and a small learned latent (arXiv 2306.12058).

Yufei Wang, Yi Yu, Wenhan Yang, Lanqing Guo, Lap-Pui Chau, Alex C. Kot, Bihan Wen, "Beyond Learned
Metadata-based Raw Image Reconstruction", IJCV 2024, after "Raw Image Reconstruction with Learned Compact
Metadata", CVPR 2023. Described from the papers and the published code; written anew.

    picture ── g_a ──► y ── h_a ──► z ──► coded in groups ──► z_hat ── h_s ──► params
                       └──────────────────────────────────► coded in groups, knowing params ──► y_hat
    y_hat, four times enlarged ── g_s ──► picture

Every net sees the *guide*, the finished photograph in [0, 1]. Letters: the paper's latent z is y here, its
hyper-latent v is z; its g_a and g_s of level 0 are g_a and g_s, those of level 1 h_a and h_s.

What is not as published: masks are an arg-max outside of training, so that a decoder finds them again, and
the last group takes every pixel that is left, so that none is lost.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from rawtool.nets.raw_metadata_blocks import (
    RB,
    Att,
    Guided,
    GuidedStack,
    RBStride,
    RBUp,
    conv3,
    conv_block,
    conv_block_up,
    guided,
    subpel,
)
from rawtool.nets.raw_metadata_groups import (
    FULL_RATE,
    Coded,
    GroupCoder,
    Rate,
    Symbols,
    known,
    noisy,
    rounded,
)
from rawtool.nets.raw_metadata_plan import Plan

SHRINKAGE = 4
"""Pixels of the picture to each side of a pixel of y."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A rebuilt picture (N, C, H, W), neither clipped nor rounded, and what it was rebuilt from."""

    picture: Tensor
    y: Coded
    z: Coded

    @property
    def bits(self) -> Tensor:
        """Bits of each picture by the likelihoods, (N,)."""
        return self.y.bits.sum(dim=1) + self.z.bits.sum(dim=1)

    @property
    def bpp(self) -> Tensor:
        """Bits per photosite, (N,): four to a pixel of planes, one to a pixel of a demosaicked picture."""
        _, channels, height, width = self.picture.shape
        return self.bits / (height * width * (channels if channels == 4 else 1))


class RawMetadataNet(nn.Module):
    """The whole network. Sides of picture and guide are equal, multiples of 16, and at least 32."""

    stride = 16
    least_side = 32

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__()
        self.plan = plan = plan or Plan()
        self.g_a = _analysis(plan)
        self.h_a = _hyper_analysis(plan)
        self.h_s = _hyper_synthesis(plan)
        self.g_s = _synthesis(plan)
        self.z_coder = GroupCoder(plan)
        self.y_coder = GroupCoder(plan)

    def forward(self, picture: Tensor, guide: Tensor, rate: Rate = FULL_RATE) -> Rebuilt:
        """Send a picture (N, C, H, W) to the decoder and rebuild it there.

        In training z is rounded with a slope, y gets noise and the groups are sampled; otherwise both are
        rounded and everything is determined.
        """
        y, z = self.analyse(picture, guide)
        return self._rebuild(rounded(z), noisy(y) if self.training else rounded(y), guide, rate)

    def decode(self, y_symbols: Tensor, z_symbols: Tensor, guide: Tensor, rate: Rate = FULL_RATE) -> Rebuilt:
        """Rebuild a picture from symbols (N, C, H / 4, W / 4) and (N, C, H / 16, W / 16)."""
        return self._rebuild(known(z_symbols), known(y_symbols), guide, rate)

    def analyse(self, picture: Tensor, guide: Tensor) -> tuple[Tensor, Tensor]:
        """Give y (N, C, H / 4, W / 4) and z (N, C, H / 16, W / 16)."""
        y: Tensor = self.g_a(picture, guide)
        return y, self.h_a(y, guide)

    def code(self, z: Symbols, y: Symbols, guide: Tensor, rate: Rate = FULL_RATE) -> tuple[Coded, Coded]:
        """Code y and z: first z, from nothing but the guide, then y. The rate is that of y."""
        n, _, height, width = guide.shape
        nothing = guide.new_zeros(n, 2 * self.plan.latents, height // self.stride, width // self.stride)
        z_coded: Coded = self.z_coder(nothing, guide, z)
        y_coded: Coded = self.y_coder(self.h_s(z_coded.values, guide), guide, y, rate)
        return y_coded, z_coded

    def synthesise(self, y_hat: Tensor, guide: Tensor) -> Tensor:
        """Paint the picture (N, C, H, W), unbounded, from the decoded latent."""
        picture: Tensor = self.g_s(enlarged(y_hat), guide)
        return picture

    def _rebuild(self, z: Symbols, y: Symbols, guide: Tensor, rate: Rate) -> Rebuilt:
        y_coded, z_coded = self.code(z, y, guide, rate)
        return Rebuilt(self.synthesise(y_coded.values, guide), y_coded, z_coded)


def enlarged(y: Tensor) -> Tensor:
    """Enlarge four times by a bicubic of a = -0.75, half-pixel centres, edges repeated."""
    return F.interpolate(y, scale_factor=float(SHRINKAGE), mode="bicubic", align_corners=False)


def _analysis(plan: Plan) -> GuidedStack:
    """Level 0: the picture to y, a quarter of its size; the last attention is unguided."""
    n, g, edge = plan.width, plan.guide_channels, plan.edge_channels
    first = Guided(RBStride(edge + plan.channels, n, 2), edge)
    inner = (
        RB(g + n, n),
        RBStride(g + n, n, 2),
        Att(g + n),
        RB(2 * g + n, n),
        RBStride(g + n, n, 1),
        RB(g + n, n),
        conv3(g + n, plan.latents),
    )
    return GuidedStack(first, *guided(g, *inner), Att(plan.latents))


def _hyper_analysis(plan: Plan) -> GuidedStack:
    """Level 1: y to z, a quarter of its size."""
    n, g, c = plan.width, plan.guide_channels, plan.latents
    return GuidedStack(*guided(g, conv_block(g + c, n), conv_block(g + n, n, 2), conv3(g + n, c, 2)))


def _hyper_synthesis(plan: Plan) -> GuidedStack:
    """Level 1 back: z to 2 C params for each pixel of y."""
    n, g, c = plan.width, plan.guide_channels, plan.latents
    wide = 3 * n // 2
    first = conv3(g + c, n), nn.LeakyReLU()
    ups = conv_block_up(g + n, n), conv_block_up(g + n, wide)
    return GuidedStack(*guided(g, *first, *ups, conv3(g + wide, 2 * c)))


def _synthesis(plan: Plan) -> GuidedStack:
    """Level 0 back: the enlarged y to the picture, all at full size."""
    n, g, edge = plan.width, plan.guide_channels, plan.edge_channels
    inner = (
        Att(g + plan.latents),
        RB(2 * g + plan.latents, n),
        RBUp(g + n, n),
        RB(g + n, n),
        RBUp(g + n, n),
        Att(g + n),
        RB(2 * g + n, n),
        RBUp(g + n, n),
        RB(g + n, n),
    )
    return GuidedStack(*guided(g, *inner), Guided(subpel(edge + n, plan.channels, 1), edge))
