"""The context model of J4: a latent coded in a few spatial groups, each told of those before it.

    params ──► mask net, n_groups - 1 times ──► groups (a mask each; the last one takes what is left)

    for each group:  values, exponents, mask of what is decoded ──► context net ──┐
                     params, mask ────────────────────────────────────────────────┴► entropy net
                                     ──► scale, mean, exponent: the step is 2^exponent

Letters of the paper: sigma is *scale*, mu is *mean*, q is *exponent*, D is *step*. A symbol s of the entropy
coder stands for the value s step + mean.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rawtool.nets.raw_metadata_blocks import PCA, GuidedStack, MaskedDeconv, at_least, conv1, conv3, guided
from rawtool.nets.raw_metadata_plan import Plan

LEAST_SCALE = 0.01
LEAST_LIKELIHOOD = 1e-7
_LEAST_CHANCE = 1e-6
_SQRT_HALF = 0.5**0.5

Symbols = Callable[[Tensor, Tensor], Tensor]
"""Gives the symbols (N, C, h, w) for means and steps of that shape; only those of one group are used."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How much of a latent is sent: its last groups may be left out, the last one sent may be made coarser.

    Means stand in for what is left out. Coarser is added to the exponents of that last group.
    """

    n_dropped: int = 0
    coarser: float = 0.0


FULL_RATE = Rate()


@dataclass(frozen=True, slots=True)
class Coded:
    """A latent as the decoder gets it.

    values and symbols are (N, C, h, w); symbols are whole numbers where the latent was rounded. groups is
    (N, n_groups, h, w), 1 where a group has its pixels. bits is (N, n_groups), by the likelihoods.
    """

    values: Tensor
    symbols: Tensor
    groups: Tensor
    bits: Tensor


def noisy(latent: Tensor) -> Symbols:
    """Blur a latent as rounding would: add uniform noise of one step. For training."""
    return lambda mean, step: (latent - mean) / step + (torch.rand_like(mean) - 0.5)


def rounded(latent: Tensor) -> Symbols:
    """Round a latent around its means, to even; slopes pass as if it were not rounded."""

    def symbols(mean: Tensor, step: Tensor) -> Tensor:
        exact = (latent - mean) / step
        return exact + (torch.round(exact) - exact).detach()

    return symbols


def known(symbols: Tensor) -> Symbols:
    """Take symbols that were decoded."""
    return lambda _mean, _step: symbols


def likelihood(distance: Tensor, scale: Tensor, step: Tensor) -> Tensor:
    """Give the chance of a Gaussian to fall into the step around a value at a distance from its mean.

    At least 1e-7, and no scale counts below 0.01; shapes are equal.
    """
    scale = at_least(scale, LEAST_SCALE)
    half, away = 0.5 * step, distance.abs()
    return at_least(_phi((half - away) / scale) - _phi((-half - away) / scale), LEAST_LIKELIHOOD)


def _phi(x: Tensor) -> Tensor:
    """The standard normal distribution function."""
    return 0.5 * torch.erfc(-_SQRT_HALF * x)


def _chosen(logits: Tensor, *, is_training: bool) -> Tensor:
    """Give 1 where the first of two logits wins, (N, 1, h, w).

    In training a sample with the slope of its softmax: the straight-through Gumbel-softmax, whose difference
    of two noises is a logistic one.
    """
    ahead = logits[:, :1] - logits[:, 1:]
    if not is_training:
        return (ahead >= 0).to(logits.dtype)
    soft = torch.sigmoid(ahead + torch.logit(torch.rand_like(ahead), eps=_LEAST_CHANCE))
    return (soft >= 0.5).to(logits.dtype) + (soft - soft.detach())


class GroupCoder(nn.Module):
    """Mask, context and entropy net of one level; params have twice as many channels as the latent."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.mask = _mask_net(plan) if plan.n_masks else None
        self.context = _context_net(plan) if plan.has_context else None
        self.entropy = _entropy_net(plan)

    def groups(self, params: Tensor, guide: Tensor) -> Tensor:
        """Say which group each pixel is in: (N, n_groups, h, w) of 0 and 1; sampled in training."""
        taken = torch.zeros_like(params[:, :1])
        found = []
        for _ in range(self.plan.n_masks):
            chosen = _chosen(self.logits(params, taken, guide), is_training=self.training)
            found.append(torch.maximum(taken, chosen) - taken)
            taken = taken + found[-1]
        return torch.cat([*found, 1.0 - taken] if self.plan.takes_rest else found, dim=1)

    def logits(self, params: Tensor, taken: Tensor, guide: Tensor) -> Tensor:
        """Give for each pixel, (N, 2, h, w), how much speaks for the next group and against it."""
        if self.mask is None:
            raise ValueError("a single group needs no mask")
        logits: Tensor = self.mask(torch.cat([params, taken], dim=1), guide)
        return logits

    def gaussians(
        self, params: Tensor, seen: tuple[Tensor, Tensor, Tensor], guide: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Give scale, mean, exponent (N, C, h, w) after what is seen: values, exponents, mask."""
        facts = [params] if self.context is None else [params, self.context(torch.cat(seen, dim=1), guide)]
        scale, mean, exponent = self.entropy(torch.cat([*facts, seen[2]], dim=1), guide).chunk(3, dim=1)
        return scale, mean, exponent

    def forward(self, params: Tensor, guide: Tensor, symbols: Symbols, rate: Rate = FULL_RATE) -> Coded:
        """Code a latent group by group; symbols say what it is.

        Encoder and decoder do the same here, up to where the symbols come from.
        """
        n_sent = _n_sent(self.plan.n_groups, rate)
        groups = self.groups(params, guide)
        values = torch.zeros_like(params[:, : self.plan.latents])
        exponents, kept, taken, bits = values, values, torch.zeros_like(values[:, :1]), []
        for i, group in enumerate(groups.chunk(self.plan.n_groups, dim=1)):
            scale, mean, exponent = self.gaussians(params, (values, exponents, taken), guide)
            exponent = exponent + rate.coarser if i == n_sent - 1 else exponent
            step = torch.exp2(exponent)
            sent = symbols(mean, step) if i < n_sent else torch.zeros_like(mean)
            cost = -torch.log2(likelihood(sent * step, scale, step)) if i < n_sent else sent
            values = values + group * (sent * step + mean)
            exponents, kept, taken = exponents + group * exponent, kept + group * sent, taken + group
            bits.append((group * cost).sum(dim=(1, 2, 3)))
        return Coded(values, kept, groups, torch.stack(bits, dim=1))


def _n_sent(n_groups: int, rate: Rate) -> int:
    if not 0 <= rate.n_dropped <= n_groups:
        raise ValueError(f"{rate.n_dropped} of {n_groups} groups cannot be dropped")
    return n_groups - rate.n_dropped


def _mask_net(plan: Plan) -> GuidedStack:
    g, n, wide = plan.guide_channels, plan.width, 3 * plan.width // 2
    layers = conv3(g + 2 * plan.latents + 1, n), nn.LeakyReLU(), conv3(g + n, wide), nn.LeakyReLU()
    return GuidedStack(*guided(g, *layers, conv3(g + wide, 2)))


def _context_net(plan: Plan) -> GuidedStack:
    g, n, wide = plan.guide_channels, plan.width, 3 * plan.width // 2
    # The mask comes out of the deconvolution as one channel more.
    layers = MaskedDeconv(g + 2 * plan.latents, n), nn.LeakyReLU(), conv3(g + n + 1, wide), nn.LeakyReLU()
    return GuidedStack(*guided(g, *layers, conv3(g + wide, 2 * plan.latents)))


def _entropy_net(plan: Plan) -> GuidedStack:
    g, wide = plan.guide_channels, 2 * plan.width
    c_in = (4 if plan.has_context else 2) * plan.latents + 1
    first = PCA(c_in), conv1(g + c_in, wide), nn.LeakyReLU()
    inner = (part for _ in range(2) for part in (conv1(g + wide, wide), nn.LeakyReLU()))
    return GuidedStack(*guided(g, *first, *inner, conv1(g + wide, 3 * plan.latents)))
