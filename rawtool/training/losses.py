"""What training minimises. All are means over elements; pictures are (N, C, H, W)."""

import torch
from torch import Tensor
from torch.nn import functional as F

LOG_OFFSET = 1e-3
"""CameraNet's published code, HDR+."""

HALF_CODE = 0.5 / 255.0

RMS_FLOOR = 1e-8
"""Added under the root, whose slope at 0 has no bound: an error of 1e-4, 80 dB."""


def l1(found: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """Give the mean absolute error; weight (N,) weighs the samples and is normalised to mean 1."""
    if weight is None:
        return (found - truth).abs().mean()
    per_sample = (found - truth).abs().mean(dim=(1, 2, 3))
    return (per_sample * weight).sum() / weight.sum()


def log_l1(found: Tensor, truth: Tensor, offset: float = LOG_OFFSET) -> Tensor:
    """Give the L1 error of log(max(x, 0) + offset): shadows weigh as much as highlights."""
    return l1(torch.log(found.clamp(min=0.0) + offset), torch.log(truth.clamp(min=0.0) + offset))


def restoration_loss(found: Tensor, truth: Tensor) -> Tensor:
    """CameraNet's restoration loss on light: L1 plus the L1 of the logarithms (arXiv 1908.01481)."""
    return l1(found, truth) + log_l1(found, truth)


def encoded_loss(found_code: Tensor, truth_code: Tensor, white_code: float, weight: Tensor) -> Tensor:
    """Give half the L1 and half the root-mean-square error of encoded values.

    The second is what PSNR counts: it cares for edges, of which most pictures have few. What is above
    white where the truth is white costs nothing.
    """
    found = found_code.clamp(max=white_code)
    return 0.5 * (l1(found, truth_code, weight) + rms(found, truth_code, weight))


def rms(found: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Give the weighted mean over samples (N,) of the root of the mean square error of each."""
    per_sample = torch.sqrt((found - truth).square().mean(dim=(1, 2, 3)) + RMS_FLOOR)
    return (per_sample * weight).sum() / weight.sum()


def illuminant_loss(found_xyz: Tensor, truth_xyz: Tensor) -> Tensor:
    """Give the mean angle in radians between estimated and true light, in XYZ."""
    cosine = F.cosine_similarity(found_xyz, truth_xyz, dim=1).clamp(max=1.0 - 1e-6)
    return torch.acos(cosine).mean()


def cut_with(found: Tensor, truth: Tensor) -> Tensor:
    """Cut display codes at black and white where the truth is cut there: beyond, nothing can be seen."""
    is_white, is_black = (truth >= 1.0 - HALF_CODE) & (found > truth), (truth <= HALF_CODE) & (found < truth)
    return torch.where(is_white | is_black, truth, found)


def detail_loss(found: Tensor, truth: Tensor) -> Tensor:
    """Give the L1 error of the differences between neighbours: edges and texture without ringing."""
    rows = l1(found[:, :, 1:] - found[:, :, :-1], truth[:, :, 1:] - truth[:, :, :-1])
    columns = l1(found[..., 1:] - found[..., :-1], truth[..., 1:] - truth[..., :-1])
    return rows + columns
