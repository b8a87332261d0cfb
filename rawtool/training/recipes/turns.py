"""Learning in float32 and in eight bits by turns, so that one set of weights is good at both."""

from collections.abc import Callable
from itertools import cycle
from typing import TypeVar

from torch import Tensor, nn

from rawtool.nets.eightbit import round_inside
from rawtool.training.recipes.validation import Validator

Batch = TypeVar("Batch")

TURNS = (True, False)
"""Whether each of two steps is rounded."""


def loss_in_turns(loss: Callable[[nn.Module, Batch], Tensor]) -> Callable[[nn.Module, Batch], Tensor]:
    """Round the inner values of a network at some calls of its loss, in ``TURNS``."""
    is_rounded = cycle(TURNS)

    def in_turns(network: nn.Module, batch: Batch) -> Tensor:
        round_inside(network, is_on=next(is_rounded))
        return loss(network, batch)

    return in_turns


def score_of_both(validate: Validator) -> Validator:
    """Score a network in float32, then rounded, whose figures end in ``_int8``; the mean of both decides."""

    def validate_both(network: nn.Module) -> dict[str, float]:
        round_inside(network, is_on=False)
        exact = validate(network)
        round_inside(network, is_on=True)
        rounded = {f"{name}_int8": score for name, score in validate(network).items()}
        return exact | rounded | {"score": 0.5 * (exact["score"] + rounded["score_int8"])}

    return validate_both
