"""The order in which the places of a level are coded: learned inside cells of 2x2 places.

Every cell has one place in each group. A place saves bits by waiting for its neighbours, and with free choice
all would wait; in a cell somebody must go first.
"""

from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

N_GROUPS = 4
"""As many as a cell of 2x2 has places."""

TURN = (3, 1, 0, 2)
"""Which of equal scores of a cell goes first, larger first: one corner, the opposite one, the others."""

SOFTNESS = 8.0
"""Difference of two scores that makes their order three quarters sure, as learning sees it."""


def order_signal(scores: Tensor, rank: Tensor, costs: list[Tensor]) -> Tensor:
    """Give zeros (N,) whose gradient tells the scores (N, 1, h, w) what their places' turns are worth.

    A place saves bits by what is decoded between the turn before its own and its own; the more, the later it
    should come. Turns follow scores by logistic functions of their differences.
    """
    gains = [(cost - before) * (rank == at) for at, (before, cost) in enumerate(pairwise(costs), 1)]
    saved = torch.stack(gains).sum(dim=0).detach()
    cells = F.pixel_unshuffle(scores, 2) / SOFTNESS
    soft = torch.sigmoid(cells[:, None] - cells[:, :, None]).sum(dim=2)
    turn = F.pixel_shuffle(soft, 2)
    return (saved * (turn - turn.detach())).sum(dim=(1, 2, 3))


def ranks(scores: Tensor) -> Tensor:
    """Give the turn 0 to 3 of every place in its cell of 2x2, by scores (N, 1, h, w) of whole numbers."""
    cells = F.pixel_unshuffle(scores, 2)
    turn = torch.tensor(TURN, dtype=cells.dtype, device=cells.device)
    cells = N_GROUPS * cells + turn[:, None, None]
    is_earlier = (cells[:, None] > cells[:, :, None]).to(scores.dtype)
    return F.pixel_shuffle(is_earlier.sum(dim=2), 2)
