"""Layers on whole numbers: the same as int64, and gradients that teach."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rawtool.nets.exact import ExactContext, ExactConv, floored, freeze, whole  # noqa: E402 - after the check
from tests import coders  # noqa: E402


def drawn(*shape, low=0, high=127, seed=1):
    return np.random.default_rng(seed).integers(low, high + 1, shape)


def tensor(numbers):
    return torch.from_numpy(numbers[None].astype(np.float32))


def layer(low=0, n_in=40, kernel=3):
    torch.manual_seed(2)
    made = ExactConv(n_in, 9, kernel, low=low)
    torch.nn.init.uniform_(made.bias, -3.0, 3.0)
    return made


@pytest.mark.parametrize("is_training", [True, False])
@pytest.mark.parametrize(("low", "kernel"), [(0, 3), (-127, 1), (0, 5)])
def test_a_layer_equals_whole_arithmetic_to_the_last_bit(low, kernel, is_training):
    made, x = layer(low, kernel=kernel), drawn(40, 12, 17)

    with torch.set_grad_enabled(is_training):
        found = made(tensor(x)).detach().numpy()[0]

    assert np.array_equal(found, coders.layer_of(made, x))
    assert len(np.unique(found)) > 20


def test_a_frozen_layer_holds_whole_numbers_and_gives_the_same():
    made, x = layer(), tensor(drawn(40, 6, 7))
    before = made(x).detach()

    freeze(made)

    assert torch.equal(made.weight, torch.round(made.weight))
    assert torch.equal(made.bias, torch.round(made.bias))
    assert torch.equal(made(x), before)


def test_a_context_divides_by_the_neighbours_that_are_known():
    torch.manual_seed(2)
    made = ExactContext(5, 7)
    values, mask = drawn(5, 9, 11, low=-127), drawn(1, 9, 11, high=1)

    found = made(tensor(values * mask), tensor(mask)).detach().numpy()[0]

    sums = (coders.convolved(values * mask, *coders.numbers(made.conv)) + 32) // 64
    count = np.maximum(coders.convolved(mask, np.ones((1, 1, 5, 5), np.int64), np.zeros(1, np.int64)), 1)
    assert np.array_equal(found, np.clip((8 * sums + count) // (2 * count), 0, 127))
    assert found.max() > 0


def test_sums_that_could_lose_a_bit_are_refused():
    with pytest.raises(ValueError, match="exact"):
        ExactConv(200, 4, 5)


def test_rounding_lets_the_gradient_pass():
    x = torch.tensor([0.3, 1.7, -2.2], requires_grad=True)

    (whole(x) * torch.tensor([1.0, 2.0, 3.0])).sum().backward()

    assert torch.equal(whole(x).detach(), torch.tensor([0.0, 2.0, -2.0]))
    assert torch.equal(floored(x).detach(), torch.tensor([0.0, 1.0, -3.0]))
    assert torch.equal(x.grad, torch.tensor([1.0, 2.0, 3.0]))


def test_a_layer_learns():
    torch.manual_seed(0)
    made = ExactConv(3, 2, 1, low=-127)
    x = tensor(drawn(3, 16, 16))
    wanted = torch.cat([0.8 * x[:, :1], -0.5 * x[:, 1:2]], dim=1)
    optimiser = torch.optim.Adam(made.parameters(), lr=0.02)

    losses = []
    for _ in range(300):
        loss = (made(x) - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))

    assert losses[-1] < 0.02 * losses[0]
