"""The order of places: a quarter for each turn, learned by who gains from waiting."""

import pytest

torch = pytest.importorskip("torch")

from rawtool.nets.raw_metadata_order import N_GROUPS, order_signal, ranks  # noqa: E402 - after the check


def test_equal_scores_go_corner_to_corner():
    assert ranks(torch.zeros(1, 1, 2, 4))[0, 0].tolist() == [[0.0, 2.0, 0.0, 2.0], [3.0, 1.0, 3.0, 1.0]]


def test_a_place_that_gains_most_by_waiting_learns_to_wait():
    scores = torch.zeros(1, 1, 2, 2, requires_grad=True)
    rank = ranks(scores.detach())
    # What each place costs, turn by turn: only the second, at the lower right, is cheaper for waiting.
    costs = [torch.full((1, 1, 2, 2), 9.0) for _ in range(N_GROUPS)]
    for late in costs[1:]:
        late[..., 1, 1] = 4.0

    signal = order_signal(scores, rank, costs)
    signal.sum().backward()

    assert float(signal.detach()) == 0.0
    # Scores fall along the gradient: a lower one comes later.
    assert float(scores.grad[0, 0, 1, 1]) > 0 > float(scores.grad[0, 0, 0, 0])
