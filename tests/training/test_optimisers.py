"""Adam and Muon: who moves what, how far, and that it learns."""

import pytest

torch = pytest.importorskip("torch")

from rawtool.training.optimisers import ADAM, ADAM_SIZE, MUON, Muon, optimisers, orthogonal  # noqa: E402


def network():
    torch.manual_seed(3)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 24, 3, padding=1), torch.nn.LeakyReLU(0.1), torch.nn.Conv2d(24, 4, 1)
    )


def moved_by(kind):
    """The parameters of each optimiser, by their names in the network."""
    net = network()
    names = {id(value): name for name, value in net.named_parameters()}
    made = optimisers(net, kind, 1e-3)
    return {who: [names[id(p)] for p in each.param_groups[0]["params"]] for who, each in made.items()}


def test_muon_moves_large_matrices_and_adam_the_rest():
    assert moved_by("muon") == {ADAM: ["0.bias", "2.weight", "2.bias"], MUON: ["0.weight"]}
    assert moved_by("adam") == {ADAM: ["0.weight", "0.bias", "2.weight", "2.bias"]}


@pytest.mark.parametrize("shape", [(16, 144), (40, 12), (32, 32)])
def test_all_directions_of_a_step_are_about_equally_long(shape):
    torch.manual_seed(1)
    # Singular values from 1 down to a hundredth.
    u, _, v = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    matrix = u @ torch.diag(torch.logspace(0, -2, min(shape))) @ v

    found = torch.linalg.svdvals(orthogonal(matrix))

    assert float(found.min()) > 0.3
    assert float(found.max()) < 1.3
    # Directions stay: the nearest orthogonal matrix is u v.
    assert float((orthogonal(matrix) * (u @ v)).sum()) / min(shape) > 0.7


def test_a_step_is_as_large_as_one_of_adams():
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.zeros(48, 16, 3, 3))
    weight.grad = torch.randn_like(weight)

    Muon([weight], lr=0.01).step()

    assert float(weight.detach().square().mean().sqrt()) == pytest.approx(0.01 * ADAM_SIZE, rel=0.2)
    assert float((weight.detach() * weight.grad).sum()) < 0


def test_the_momentum_is_that_of_the_state_that_is_loaded():
    torch.manual_seed(0)
    gradients = [torch.randn(16, 20) for _ in range(3)]

    def walked(stop_at):
        weight = torch.nn.Parameter(torch.zeros(16, 20))
        made = Muon([weight], lr=0.1)
        for at, gradient in enumerate(gradients):
            if at == stop_at:
                state = made.state_dict()
                made = Muon([weight], lr=0.5)
                made.load_state_dict(state)
            weight.grad = gradient
            made.step()
        return weight.detach()

    assert torch.equal(walked(None), walked(1))


def test_what_has_no_gradient_stays_and_closures_are_refused():
    weight = torch.nn.Parameter(torch.ones(16, 16))

    Muon([weight], lr=0.1).step()

    assert torch.equal(weight.detach(), torch.ones(16, 16))
    with pytest.raises(NotImplementedError):
        Muon([weight], lr=0.1).step(lambda: 0.0)


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_both_learn_a_small_task(kind):
    net = network()
    torch.manual_seed(5)
    made = optimisers(net, kind, 5e-3)
    losses = []
    for _ in range(60):
        x = torch.rand(4, 3, 8, 8)
        loss = (net(x) - x.sum(dim=1, keepdim=True).expand(-1, 4, -1, -1)).square().mean()
        loss.backward()
        for optimiser in made.values():
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))

    assert losses[-1] < 0.3 * losses[0], losses
