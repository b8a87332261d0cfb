"""A Restore-Net with a silent third scale, as the network of two scales that does the same."""

import pytest

torch = pytest.importorskip("torch")

from rawtool.training.old_weights import of_two_scales  # noqa: E402 - after the check
from rawtool.training.recipes.wrappers import restorer  # noqa: E402

GONE = {"net.body.downs.1": (64, 48, 3, 3), "net.body.deep.first": (64, 64, 3, 3)}


def of_three_scales(net):
    """Weights as they were before version 8, with the same numbers where there are such."""
    old = {name: value.clone() for name, value in net.state_dict().items() if not name.endswith(".range")}
    for name in list(old):
        if name.startswith("net.body.deep."):
            old[name.replace(".deep.", ".up_blocks.1.")] = old.pop(name)
    for name, shape in GONE.items():
        old[f"{name}.weight"], old[f"{name}.bias"] = torch.ones(shape), torch.ones(shape[0])
    shift = old["net.global_net.out.bias"][48:].clone()
    old["net.body.ups.1.weight"], old["net.body.ups.1.bias"] = torch.ones(48, 64, 1, 1), shift
    old["net.global_net.out.weight"] = torch.ones(128, 96)
    old["net.global_net.out.bias"] = torch.ones(128)
    return old


def test_what_the_silent_scale_said_becomes_a_shift():
    torch.manual_seed(4)
    net = restorer("s")
    with torch.no_grad():
        net.net.global_net.out.bias[48:] = torch.rand(48)

    found = of_two_scales(of_three_scales(net))

    wanted = {name: value for name, value in net.state_dict().items() if not name.endswith(".range")}
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_other_weights_stay_as_they_are():
    weights = {"net.body.deep.first.weight": torch.ones(1), "net.body.ups.0.bias": torch.ones(2)}

    assert of_two_scales(weights) == weights
