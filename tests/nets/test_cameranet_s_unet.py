"""The U-Net of size s: rounded it is nearly the same, and a part of it is the same part."""

import pytest

torch = pytest.importorskip("torch")

from rawtool.nets.cameranet_s_unet import MARGIN, UNet  # noqa: E402 - after the check
from rawtool.nets.eightbit import EightBit, round_inside  # noqa: E402


@pytest.fixture
def unet():
    torch.manual_seed(2)
    net = UNet((8, 8), (1, 2), is_eight_bit=True)
    round_inside(net, is_on=True)
    with torch.no_grad():
        net(features(), torch.zeros(1, 16))
    # Nothing is cut, as what a trained network would bear.
    for module in net.modules():
        if isinstance(module, EightBit):
            module.range /= module.share
    return net.eval()


def features():
    return torch.rand(1, 8, 32, 48, generator=torch.Generator().manual_seed(1))


def run(net, *rest, is_on):
    round_inside(net, is_on=is_on)
    with torch.no_grad():
        return net(features(), torch.full((1, 16), 0.1), *rest)


def test_rounding_changes_little(unet):
    exact, rounded = (run(unet, is_on=is_on) for is_on in (False, True))

    assert 0 < (rounded - exact).square().mean().sqrt() < 0.5 * exact.std()


@pytest.mark.parametrize("is_on", [False, True])
def test_a_kept_rectangle_is_a_cut_from_the_whole(unet, is_on):
    whole = run(unet, is_on=is_on)
    part = run(unet, torch.tensor([8, 12, 16, 20]), is_on=is_on)

    inner = part[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN]
    torch.testing.assert_close(inner, whole[:, :, 8:24, 12:32], rtol=0, atol=1e-6)


def test_the_vector_scales_and_shifts_the_coarsest_scale(unet):
    round_inside(unet, is_on=False)
    found = [unet(features(), torch.full((1, 16), level)) for level in (0.0, 0.5)]

    assert (found[0] - found[1]).abs().max() > 0.01


def test_a_network_without_eight_bits_has_no_ranges():
    net = UNet((8, 8), (2, 0))
    round_inside(net, is_on=True)

    assert not net.is_rounded
    assert not [name for name in net.state_dict() if name.endswith(".range")]


def shifted(shift, *, is_steering_linear):
    """Features of which no layer but the steering is left, shifted so far."""
    torch.manual_seed(2)
    net = UNet((8, 8), (1, 2), is_steering_linear=is_steering_linear)
    net.deep = torch.nn.Identity()
    net.up_blocks[0] = torch.nn.Identity()
    torch.nn.init.ones_(net.ups[0].weight)
    with torch.no_grad():
        return net(features(), torch.cat([torch.zeros(1, 8), torch.full((1, 8), shift)], dim=1))


@pytest.mark.parametrize(("is_steering_linear", "change"), [(True, -80.0), (False, -16.0)])
def test_steering_may_be_linear(is_steering_linear, change):
    near, far = (shifted(s, is_steering_linear=is_steering_linear) for s in (-20.0, -30.0))

    torch.testing.assert_close(far - near, torch.full_like(near, change), rtol=1e-4, atol=0)
