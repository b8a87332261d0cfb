"""Groups, symbols and likelihoods of J4."""

import math

import pytest

torch = pytest.importorskip("torch")

from rawtool.nets.raw_metadata_groups import (  # noqa: E402 - after the check
    GroupCoder,
    Rate,
    _chosen,
    known,
    likelihood,
    noisy,
    rounded,
)
from rawtool.nets.raw_metadata_plan import Plan  # noqa: E402
from tests.nets.lively import lively, with_every_nth_pixel  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(5)


def double(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_the_likelihood_is_the_area_under_the_bell_over_one_step():
    def phi(x):
        return 0.5 * (1 + math.erf(x / math.sqrt(2)))

    found = likelihood(double(0.7, -0.7), double(0.4, 0.4), double(0.5, 0.5))

    assert found.tolist() == pytest.approx([phi(0.95 / 0.4) - phi(0.45 / 0.4)] * 2, rel=1e-12)


def test_the_likelihoods_of_all_symbols_sum_to_one():
    symbols = torch.arange(-60, 61, dtype=torch.float64)
    scale, step = torch.full_like(symbols, 1.3), torch.full_like(symbols, 0.25)

    assert float(likelihood(symbols * step, scale, step).sum()) == pytest.approx(1.0, abs=2e-5)


def test_likelihoods_and_scales_have_their_floors():
    one, far = double(1.0), double(50.0)

    assert float(likelihood(far, one, one)) == 1e-7
    assert -math.log2(float(likelihood(far, one, one))) == pytest.approx(23.25, abs=0.01)
    # A step as wide as the least scale: half a deviation to each side.
    within = math.erf(0.5 / math.sqrt(2))
    assert float(likelihood(0 * one, -3 * one, 0.01 * one)) == pytest.approx(within, rel=1e-12)


def test_a_scale_below_its_floor_may_rise():
    scale, one = double(-1.0).requires_grad_(), double(1.0)

    (-torch.log2(likelihood(0.505 * one, scale, one))).sum().backward()

    assert scale.grad.item() < 0


def test_rounding_is_to_even_and_lets_slopes_pass():
    latent = double(0.5, 1.5, -0.5, 0.74).requires_grad_()
    mean, step = torch.zeros(4).double(), torch.ones(4).double()

    symbols = rounded(latent)(mean, step)
    symbols.sum().backward()

    assert symbols.tolist() == [0.0, 2.0, 0.0, 1.0]
    assert latent.grad.tolist() == [1.0] * 4


def test_rounding_is_around_the_mean_in_steps():
    assert rounded(double(1.3))(double(0.25), double(0.5)).item() == 2.0


def test_noise_is_one_step_wide_and_around_the_latent():
    latent = torch.full((20_000,), 3.0)
    mean, step = torch.full_like(latent, 1.0), torch.full_like(latent, 0.5)

    error = noisy(latent)(mean, step) * step + mean - latent

    assert float(error.abs().max()) <= 0.25 + 1e-6
    assert float(error.std()) == pytest.approx(0.5 / math.sqrt(12), rel=0.03)
    assert float(error.mean()) == pytest.approx(0.0, abs=0.01)


def test_masks_are_the_arg_max_where_nothing_is_sampled():
    logits = double(0.1, 0.3, 0.2, 0.3, -0.2, 0.2).view(1, 2, 1, 3)

    assert _chosen(logits, is_training=False).flatten().tolist() == [0.0, 1.0, 1.0]


def test_sampled_masks_are_whole_as_often_as_their_softmax_says_and_have_its_slope():
    logits = torch.stack([torch.full((100, 100), 1.0), torch.zeros(100, 100)])[None].requires_grad_()

    mask = _chosen(logits, is_training=True)
    mask.sum().backward()

    assert set(mask.flatten().tolist()) == {0.0, 1.0}
    assert float(mask.detach().mean()) == pytest.approx(math.e / (1 + math.e), abs=0.015)
    assert (logits.grad[:, 0] > 0).all()
    torch.testing.assert_close(logits.grad[:, 0], -logits.grad[:, 1])


def coder(**switches):
    return lively(GroupCoder(Plan(16, **switches)))


def in_turn(**switches):
    return with_every_nth_pixel(coder(**switches))


def place():
    return torch.randn(1, 4, 6, 8), torch.rand(1, 3, 24, 32)


@pytest.mark.parametrize("is_training", [False, True])
def test_every_pixel_is_in_one_group(is_training):
    net = coder(n_groups=3).train(is_training)

    groups = net.groups(*place())

    assert groups.shape == (1, 3, 6, 8)
    assert set(groups.flatten().tolist()) == {0.0, 1.0}
    assert groups.sum(dim=1).eq(1).all()


def test_the_published_rule_leaves_pixels_out_without_charge():
    net, (params, guide) = coder(takes_rest=False), place()

    coded = net(params, guide, known(torch.full((1, 2, 6, 8), 3.0)))

    taken = coded.groups.sum(dim=1, keepdim=True)
    assert 0 < taken.sum() < taken.numel()
    assert (coded.values * (1 - taken)).eq(0).all()
    assert coded.bits.isfinite().all()


def test_a_group_depends_on_those_before_it_and_on_no_later_one():
    net, (params, guide) = in_turn(), place()
    symbols = torch.randint(-3, 4, (1, 2, 6, 8)).float()
    usual = net(params, guide, known(symbols))
    for group in range(4):
        changed = net(params, guide, known(symbols + usual.groups[:, group : group + 1]))

        assert torch.equal(changed.bits[:, :group], usual.bits[:, :group])
        assert not torch.equal(changed.bits[:, group:], usual.bits[:, group:])
        if group < 3:
            assert not torch.equal(changed.bits[:, group + 1 :], usual.bits[:, group + 1 :])


def test_without_a_context_model_groups_do_not_know_of_each_other():
    net, (params, guide) = in_turn(has_context=False), place()
    symbols = torch.randint(-3, 4, (1, 2, 6, 8)).float()
    usual = net(params, guide, known(symbols))

    changed = net(params, guide, known(symbols + usual.groups[:, :1]))

    assert net.context is None
    assert torch.equal(changed.bits[:, 1:], usual.bits[:, 1:])


def test_a_single_group_needs_no_mask_net():
    net, (params, guide) = coder(n_groups=1), place()

    coded = net(params, guide, known(torch.zeros(1, 2, 6, 8)))

    assert net.mask is None
    assert coded.groups.eq(1).all()
    with pytest.raises(ValueError, match="single group"):
        net.logits(params, params[:, :1], guide)


def test_values_are_symbols_times_steps_plus_means_and_bits_their_likelihoods():
    net, (params, guide) = coder(n_groups=1), place()
    symbols = torch.randint(-3, 4, (1, 2, 6, 8)).float()
    nothing = torch.zeros(1, 2, 6, 8), torch.zeros(1, 2, 6, 8), torch.zeros(1, 1, 6, 8)

    coded = net(params, guide, known(symbols))

    scale, mean, exponent = net.gaussians(params, nothing, guide)
    step = 2.0**exponent
    torch.testing.assert_close(coded.values, symbols * step + mean)
    bits = -torch.log2(likelihood(symbols * step, scale, step)).sum()
    torch.testing.assert_close(coded.bits.sum(), bits)


def test_means_stand_in_for_dropped_groups():
    net, (params, guide) = in_turn(), place()
    symbols = torch.randint(-3, 4, (1, 2, 6, 8)).float()

    dropped = net(params, guide, known(symbols), Rate(n_dropped=2))

    kept = dropped.groups[:, :2].sum(dim=1, keepdim=True)
    assert torch.equal(dropped.values, net(params, guide, known(symbols * kept)).values)
    assert torch.equal(dropped.symbols, symbols * kept)


def test_coarser_doubles_the_steps_of_the_last_group_that_is_sent():
    net, (params, guide) = in_turn(), place()
    third = net(params, guide, known(torch.zeros(1, 2, 6, 8))).groups[:, 2:3].expand(-1, 2, -1, -1)

    def steps(rate):
        """What a symbol of the third group adds to its value."""
        plain, raised = (net(params, guide, known(s * third), rate).values for s in (0.0, 1.0))
        return (raised - plain)[third > 0]

    torch.testing.assert_close(steps(Rate(1, coarser=1.0)), 2 * steps(Rate(1)))
    torch.testing.assert_close(steps(Rate(0, coarser=1.0)), steps(Rate(0)))


@pytest.mark.parametrize("n_dropped", [-1, 5])
def test_more_groups_than_there_are_cannot_be_dropped(n_dropped):
    with pytest.raises(ValueError, match="dropped"):
        coder()(*place(), known(torch.zeros(1, 2, 6, 8)), Rate(n_dropped))
