"""Perceptual encodings of light as tensors: what networks look at and losses weigh.

They equal the curves of ``rawtool.color.transfer``, with steps in an order that keeps float32 exact, and
with gradients that are finite everywhere. Absolute curves take cd/m2; outside their range light is clamped
and has no gradient. Relative ones take light with 1 = white, unlimited above, odd below 0.
"""

import math

import torch
from torch import Tensor

from rawtool.color.transfer import (
    MU,
    PQ_C1,
    PQ_C2,
    PQ_C3,
    PQ_M1,
    PQ_M2,
    PQ_PEAK_NITS,
    PU21_BANDING_GLARE,
    PU21_PEAK,
    PU21_RANGE_NITS,
)

LOG_CONTRAST = 10.0
"""SingleHDR's published code: log(1 + 10 z) / log 11."""

PQ_FLOOR_NITS = 0.005
"""The curve is infinitely steep at 0; this is the darkest light of PU21, code 0.015."""

_PQ_REST = 1.0 - PQ_C1


def pq_encode(nits: Tensor) -> Tensor:
    """Encode cd/m2, clamped to [0.005, 10000], by SMPTE ST 2084, to codes up to 1.

    The base of the last power is written as 1 - q, since q keeps its digits near black and near white.
    """
    y = (nits.clamp(PQ_FLOOR_NITS, PQ_PEAK_NITS) / PQ_PEAK_NITS) ** PQ_M1
    # c1 = c3 - c2 + 1, so (c1 + c2 y) / (1 + c3 y) = 1 - (1 - c1)(1 - y) / (1 + c3 y).
    q = _PQ_REST * (1.0 - y) / (1.0 + PQ_C3 * y)
    return torch.exp(PQ_M2 * torch.log1p(-q))


def pq_decode(codes: Tensor) -> Tensor:
    """Invert ``pq_encode``; codes below that of the floor give the floor."""
    floor = _pq_floor()
    q = -torch.expm1(torch.log(codes.clamp(floor, 1.0)) / PQ_M2)
    y = (_PQ_REST - q) / (_PQ_REST + PQ_C3 * q)
    return PQ_PEAK_NITS * y ** (1.0 / PQ_M1)


def _pq_floor() -> float:
    y = (PQ_FLOOR_NITS / PQ_PEAK_NITS) ** PQ_M1
    return float(((PQ_C1 + PQ_C2 * y) / (1.0 + PQ_C3 * y)) ** PQ_M2)


def pu21_encode(nits: Tensor) -> Tensor:
    """Encode cd/m2, clamped to [0.005, 10000], by PU21 (banding_glare), to codes from 0 to 595.4."""
    curve = PU21_BANDING_GLARE
    y = nits.clamp(*PU21_RANGE_NITS) ** curve.p4
    bent = ((curve.p1 + curve.p2 * y) / (1.0 + curve.p3 * y)) ** curve.p5
    return curve.p7 * (bent - curve.p6).clamp(min=0.0)


def pu21_decode(codes: Tensor) -> Tensor:
    """Invert ``pu21_encode``; codes are clamped to those of its range."""
    curve = PU21_BANDING_GLARE
    q = (codes.clamp(0.0, PU21_PEAK) / curve.p7 + curve.p6) ** (1.0 / curve.p5)
    return ((q - curve.p1) / (curve.p2 - curve.p3 * q)) ** (1.0 / curve.p4)


def mu_law_encode(light: Tensor, mu: float = MU) -> Tensor:
    """Compress relative light by log(1 + mu x) / log(1 + mu); odd below 0, 1 stays 1."""
    return _odd(torch.log1p(mu * _size(light)) / math.log1p(mu), light)


def mu_law_decode(codes: Tensor, mu: float = MU) -> Tensor:
    """Invert ``mu_law_encode``."""
    return _odd(torch.expm1(math.log1p(mu) * _size(codes)) / mu, codes)


def log_encode(light: Tensor) -> Tensor:
    """Compress relative light as SingleHDR does, log(1 + 10 z) / log 11; odd below 0, 1 stays 1."""
    return mu_law_encode(light, LOG_CONTRAST)


def log_decode(codes: Tensor) -> Tensor:
    """Invert ``log_encode``."""
    return mu_law_decode(codes, LOG_CONTRAST)


def _size(x: Tensor) -> Tensor:
    """Give |x| with the slope 1 at 0, where torch.abs has none."""
    return torch.where(x < 0, -x, x)


def _odd(curve_of_size: Tensor, x: Tensor) -> Tensor:
    return torch.where(x < 0, -curve_of_size, curve_of_size)
