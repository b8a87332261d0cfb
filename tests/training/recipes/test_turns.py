"""Every other step is rounded, and both precisions are scored."""

import pytest

torch = pytest.importorskip("torch")

from rawtool.nets.eightbit import EightBit  # noqa: E402 - after the check
from rawtool.training.recipes.turns import loss_in_turns, score_of_both  # noqa: E402


def test_every_other_step_is_rounded():
    network = EightBit()
    loss = loss_in_turns(lambda each, _batch: torch.tensor(each.is_on))

    assert [bool(loss(network, None)) for _ in range(5)] == [True, False, True, False, True]


def test_both_precisions_are_scored_and_their_mean_decides():
    network = EightBit().eval()
    network.range.copy_(torch.tensor([0.0, 255.0]))
    picture = torch.full((1, 1, 2, 2), 0.75)
    validate = score_of_both(lambda each: {"psnr": 1.0, "score": float(each(picture).mean())})

    assert validate(network) == {"psnr": 1.0, "psnr_int8": 1.0, "score_int8": 1.0, "score": 0.875}
