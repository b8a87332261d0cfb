"""What the published LDR-to-HDR networks minimise. Pictures are (N, C, H, W), everything else says its shape.

SingleHDR's terms leave out pictures that say too little: share (N,) is 1 for a picture that counts and 0 for
one that does not. A term is the mean over all pictures of share times the picture's own mean.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from rawtool.nets.encodings import log_encode

CURVE_WEIGHT = 0.1
"""Weight of the curve's own error beside that of the picture it makes (published code)."""

VARIATION_WEIGHT = 0.1
"""Weight of the total variation (published code)."""

WHITE_CODE, BLACK_CODE = 249, 6
"""Grey values from which, and up to which, a pixel says nothing of the scene (published code)."""

MEAN_LIGHT = 0.5
MEAN_OFFSET = 1e-6

# ITU-R BT.601, the grey of JPEG.
_GREY = (0.299, 0.587, 0.114)


def tanh_l1(found: Tensor, truth: Tensor) -> Tensor:
    """Give HDRUNet's mean |tanh(x) - tanh(g)| of values encoded by 1 / 2.24: highlights weigh little."""
    return (torch.tanh(found) - torch.tanh(truth)).abs().mean()


def exposed_share(encoded: Tensor) -> Tensor:
    """Give (N,): 0 where over half of an encoded picture in [0, 1] is as good as white, or black; else 1."""
    weights = encoded.new_tensor(_GREY).view(1, 3, 1, 1)
    codes = torch.round(255.0 * (encoded * weights).sum(dim=1))
    is_lost = torch.stack([codes >= WHITE_CODE, codes <= BLACK_CODE]).float().mean(dim=(2, 3)) > 0.5
    return (~is_lost.any(dim=0)).to(encoded.dtype)


def dequantisation_loss(found: Tensor, truth: Tensor, share: Tensor) -> Tensor:
    """Give the squared error of the clipped encoded picture against the curve's output before 8 bits."""
    return _mean_of_shares((found.clamp(0.0, 1.0) - truth).square(), share)


def linearisation_loss(
    found: Tensor, truth: Tensor, found_curve: Tensor, true_curve: Tensor, share: Tensor
) -> Tensor:
    """Give the squared error of clipped light, and a tenth of that of the curves (N, S)."""
    picture = _mean_of_shares((found - truth).square(), share)
    return picture + CURVE_WEIGHT * _mean_of_shares((found_curve - true_curve).square(), share)


def hallucination_loss(found: Tensor, truth: Tensor, share: Tensor) -> Tensor:
    """Give the L1 error of light after a logarithm, and a tenth of the total variation of what was found.

    The published term of VGG16's features is left out.
    """
    code = log_encode(found)
    error = _mean_of_shares((code - log_encode(truth)).abs(), share)
    return error + VARIATION_WEIGHT * _mean_of_shares(_variation(code), share)


def refinement_loss(found: Tensor, truth: Tensor) -> Tensor:
    """Give the L1 error of light after a logarithm, both pictures scaled to the mean 0.5."""
    return (log_encode(_mean_scaled(found)) - log_encode(_mean_scaled(truth))).abs().mean()


def total_variation(picture: Tensor) -> Tensor:
    """Give the mean absolute step between rows plus that between columns; the edge is repeated."""
    return _variation(picture).mean()


def _variation(picture: Tensor) -> Tensor:
    """Give the steps down and across at every pixel, added up; the last row and column have none."""
    padded = F.pad(picture, (0, 1, 0, 1), mode="replicate")
    down = padded[..., 1:, :-1] - picture
    across = padded[..., :-1, 1:] - picture
    return down.abs() + across.abs()


def _mean_scaled(light: Tensor) -> Tensor:
    return MEAN_LIGHT * light / (light.mean(dim=(1, 2, 3), keepdim=True) + MEAN_OFFSET)


def _mean_of_shares(errors: Tensor, share: Tensor) -> Tensor:
    """Give the mean over pictures of share (N,) times the mean of errors (N, ...)."""
    return (errors.flatten(1).mean(dim=1) * share).mean()
