"""Networks whose every layer speaks, and how far they look."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn


def lively(net: nn.Module, seed: int = 5) -> nn.Module:
    """Draw weights that let every scale reach the output: an untrained net is silent at its end."""
    random = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        scale = 0.05 if parameter.dim() == 1 else 0.9 * parameter[0].numel() ** -0.5
        parameter.data = torch.randn(parameter.shape, generator=random) * scale
    return net.eval()


def reach_of(run: Callable[[Tensor], Tensor], base: Tensor, stride: int) -> int:
    """How far along a row a change of one pixel is seen, at worst, over all phases of the stride.

    run maps (1, C, H, W) to (1, C', H, W); base is wide enough for both sides.
    """
    with torch.no_grad():
        unchanged = run(base)
        middle, farthest = base.shape[3] // 2 // stride * stride, 0
        for column in range(middle, middle + stride):
            changed = base.clone()
            changed[..., column] += 1.0
            differs = (run(changed) != unchanged).any(dim=1)[0].any(dim=0).numpy()
            farthest = max(farthest, int(np.abs(np.flatnonzero(differs) - column).max()))
    return farthest


def positive(net: nn.Module) -> nn.Module:
    """Draw weights above 0 in float64, so that no influence cancels or is rounded away."""
    random = torch.Generator().manual_seed(1)
    for parameter in net.parameters():
        share = 1.0 / (parameter[0].numel() if parameter.dim() > 1 else 30)
        parameter.data = torch.rand(parameter.shape, generator=random) * share
    return net.double().eval()
