"""Eight bits: what is rounded, to which values, and that it can still learn."""

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402 - after the check

from rawtool.nets.cameranet_s import EnhanceNetS, RestoreNetS  # noqa: E402
from rawtool.nets.eightbit import (  # noqa: E402
    COARSE,
    FINE_END,
    MOST,
    MOST_WEIGHT,
    PASSING_SHARE,
    RANGE_SHARE,
    SAMPLED_EVERY,
    TIMES,
    EightBit,
    EightBitConv,
    EightBitLeaky,
    EightBitOut,
    has_ranges,
    ranges_of,
    round_inside,
    rounded_weight,
    weight_scale,
)


def values(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def seen(x):
    """A rounder that has seen one tensor, ready for use."""
    rounder = EightBit()
    rounder.is_on = True
    rounder(x)
    return rounder.eval()


def test_switched_off_nothing_is_rounded():
    x = values(1, 4, 8, 8)
    conv, out = EightBitConv(4, 6, 3, stride=2), EightBitOut(4, 6)

    assert torch.equal(EightBit()(x), x)
    assert torch.equal(conv(x), functional.conv2d(x, conv.weight, conv.bias, 2, 1))
    assert torch.equal(out(x), functional.conv2d(x, out.weight, out.bias, padding=1))


def test_a_range_has_256_values_and_zero_is_one_of_them():
    x = values(1, 4, 60, 60)
    rounder = seen(x)

    found = rounder(x)

    low, high = rounder.range.tolist()
    step = (high - low) / MOST
    inside = (x > low) & (x < high)
    assert found.unique().numel() <= MOST + 1
    assert (found - x)[inside].abs().max() <= 0.5001 * step
    assert rounder(torch.zeros(1, 1, 1, 1)).item() == 0.0


def test_values_of_one_sign_keep_zero_in_their_range():
    low, high = seen(values(1, 1, 9, 9).abs() + 3).range.tolist()

    assert (low, high > 3 * RANGE_SHARE) == (0.0, True)


def test_a_range_follows_slowly_and_only_in_training():
    rounder = seen(values(1, 4, 9, 9))
    before = rounder.range.clone()

    rounder(100 * values(1, 4, 9, 9))
    assert torch.equal(rounder.range, before)
    rounder.train()(100 * values(1, 4, 9, 9))
    assert before[1] < rounder.range[1] < 10 * before[1]


def test_weights_are_whole_numbers_whose_products_fit_into_sixteen_bits():
    weight = values(6, 4, 3, 3)

    whole = rounded_weight(weight) / weight_scale(weight)[:, None, None, None]

    torch.testing.assert_close(whole, whole.round(), rtol=0, atol=1e-4)
    torch.testing.assert_close(whole.abs().amax(dim=(1, 2, 3)), torch.full((6,), float(MOST_WEIGHT)))
    assert 2 * MOST * MOST_WEIGHT < 2**15


def test_small_results_keep_fine_steps_and_large_ones_coarse_steps():
    out = EightBitOut(1, 1)
    with torch.no_grad():
        out.weight.zero_()[0, 0, 1, 1] = 1.0
        out.bias.zero_()
    out.is_on = True
    x = torch.linspace(-0.95, 0.95, 2001).reshape(1, 1, 1, -1)

    error = (out(x) - x).abs().flatten()

    is_small = x.flatten().abs() < FINE_END
    assert error[is_small].max() <= 0.501 * COARSE / TIMES
    assert error[~is_small].max() <= 0.501 * COARSE
    assert error[~is_small].max() > COARSE / TIMES
    assert torch.equal(out(torch.tensor([[[[5.0, -5.0]]]])), torch.tensor([[[[127.0, -128.0]]]]) * COARSE)


def test_a_rounded_network_still_learns():
    net = RestoreNetS()
    round_inside(net, is_on=True)
    torch.nn.init.normal_(net.out.weight, std=0.1)
    code = net.restore_code(values(1, 4, 32, 32).abs(), torch.full((1, 8), 1e-3), torch.zeros(1, 96))

    code.square().mean().backward()

    for part in (net.stem, net.body.deep.second, net.body.up_blocks[0].first, net.out):
        assert part.weight.grad.abs().max() > 0


def test_a_network_can_be_exported_in_eight_bits_once_it_has_seen_pictures():
    net = RestoreNetS()
    assert not has_ranges(net)
    round_inside(net, is_on=True)
    net.restore_code(values(1, 4, 32, 32).abs(), torch.full((1, 8), 1e-3), torch.zeros(1, 96))

    assert has_ranges(net)
    assert set(ranges_of(net)) == {name for name in net.state_dict() if name.endswith(".range")}


def test_the_finishing_has_nothing_to_round():
    assert not ranges_of(EnhanceNetS())
    assert not has_ranges(EnhanceNetS())


def test_what_passes_an_activation_has_a_narrower_range_than_what_comes_out():
    x = values(1, 4, 31, 31)
    leaky = EightBitLeaky()
    round_inside(leaky, is_on=True)
    leaky(x)

    most, high = float(x[:, :, ::SAMPLED_EVERY, ::SAMPLED_EVERY].max()), float(leaky.before.range[1])
    assert high == pytest.approx(PASSING_SHARE * most)
    assert float(leaky.after.range[1]) == pytest.approx(RANGE_SHARE * high, rel=0.02)
