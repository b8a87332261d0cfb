"""The codec's network of size s: exact where it decides bits, and trainable."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rawtool.codec.tables import gaussian_scales  # noqa: E402 - after the check
from rawtool.nets.cameranet_s import root_decode  # noqa: E402
from rawtool.nets.raw_metadata_order import N_GROUPS  # noqa: E402
from rawtool.nets.raw_metadata_s import (  # noqa: E402
    N_LATENT,
    N_TERMS,
    RawMetadataS,
    bits_of,
    scale_of,
    start_of,
    waves,
)
from rawtool.pipelines.basefit import guide_channels, terms_of  # noqa: E402
from tests import coders  # noqa: E402


def drawn(*shape, low=0, high=127, seed=1):
    return np.random.default_rng(seed).integers(low, high + 1, shape)


def tensor(numbers):
    return torch.from_numpy(numbers[None].astype(np.float32))


def cells_of(groups):
    return groups.reshape(groups.shape[0] // 2, 2, -1, 2).swapaxes(1, 2).reshape(-1, 4)


def batch(n=2, side=32):
    torch.manual_seed(5)
    planes = torch.rand(n, 4, side, side)
    guide = torch.randint(0, 256, (n, 12, side, side)).float()
    fit = torch.zeros(n, 4, N_TERMS)
    fit[..., 1:4] = 0.3
    return planes, guide, fit, torch.linspace(1.0, 4.0, n)


@pytest.mark.parametrize(("name", "channels", "n_notes"), [("z_level", 8, 10), ("y_level", 64, 42)])
def test_probabilities_equal_a_reference_on_whole_numbers(name, channels, n_notes):
    level = getattr(coders.network(), name)
    values, mask = drawn(channels, 10, 14, low=-700, high=700), drawn(1, 10, 14, high=1)
    notes = drawn(n_notes, 10, 14)

    with torch.no_grad():
        found = level.gaussians(tensor(values), tensor(mask), tensor(notes))
        groups = level.groups(tensor(notes)).numpy()[0]

    expected = coders.gaussians_of(level, values, mask, notes)
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one.numpy()[0], other)
    assert np.array_equal(groups, coders.groups_of(level, notes))
    assert len(np.unique(expected[0])) > 30
    assert set(np.unique(expected[1])) <= {8, 11, 16, 23, 32}
    assert np.bincount(groups.astype(int).ravel()).tolist() == [10 * 14 // N_GROUPS] * N_GROUPS
    assert len({tuple(cell) for cell in cells_of(groups[0])}) > 3


def test_scales_are_those_of_the_shipped_tables():
    found = scale_of(torch.arange(64.0)).numpy()

    assert found == pytest.approx(gaussian_scales(), rel=1e-5)


def test_bits_are_the_logarithm_of_a_gaussians_share():
    scale, symbol = 1.3, 2.0

    def below(x):
        return 0.5 * (1 + math.erf(x / scale / math.sqrt(2)))

    expected = -math.log2(below(symbol + 0.5) - below(symbol - 0.5))
    assert float(bits_of(torch.tensor(symbol), torch.tensor(scale))) == pytest.approx(expected, rel=1e-4)
    # Far out, bits grow with the distance, so that a scale that is too small hears of it.
    far = 23.25 + math.log2(1 + 900 / scale / 5)
    assert float(bits_of(torch.tensor(900.0), torch.tensor(scale))) == pytest.approx(far, abs=0.01)


def test_every_place_costs_bits_once_and_the_network_learns_from_all_its_parts():
    planes, guide, fit, rate = batch()
    network = RawMetadataS().train()

    found, bits = network(planes, guide, fit, rate)
    (bits.sum() / planes.numel() + 100 * (found - planes).square().mean()).backward()

    assert found.shape == planes.shape
    assert bits.shape == (2,)
    assert bool((bits > 0).all())
    silent = [name for name, value in network.named_parameters() if not bool(value.grad.abs().any())]
    # One number for all places of an order says nothing about their turns.
    assert set(silent) <= {"y_level.order_2.bias", "z_level.order_2.bias"}


def test_a_higher_rate_counts_latents_more_finely():
    planes, guide, fit, _ = batch()
    network = RawMetadataS().eval()

    with torch.no_grad():
        coarse, fine = (network.analyse(planes, guide, fit, torch.full((2,), rate))[0] for rate in (0.0, 5.0))
        _, few = network(planes, guide, fit, torch.zeros(2))
        _, many = network(planes, guide, fit, torch.full((2,), 5.0))

    assert float(fine.abs().mean()) > 10 * float(coarse.abs().mean())
    assert float(many.sum()) > float(few.sum())


def test_a_start_is_the_polynomial_that_the_coder_fits():
    rng = np.random.default_rng(3)
    base = rng.integers(0, 256, (8, 12, 3)).astype(np.uint8)
    fit = rng.normal(0, 0.3, (4, N_TERMS)).astype(np.float32)
    light = torch.from_numpy(np.moveaxis(guide_channels(base), 2, 0)[None].astype(np.float32) / 255.0)

    found = start_of(light, torch.from_numpy(fit[None])).numpy()[0]

    for at in range(4):
        colors = base[at // 2 :: 2, at % 2 :: 2].reshape(-1, 3) / 255.0
        assert found[at].ravel() == pytest.approx(terms_of(colors) @ fit[at], abs=1e-5)


def test_waves_are_orthonormal_and_the_first_is_the_mean():
    found = waves().reshape(N_LATENT, 64).double()

    torch.testing.assert_close(found @ found.T, torch.eye(N_LATENT, dtype=torch.float64), rtol=0, atol=1e-6)
    torch.testing.assert_close(found[0], torch.full((64,), 1 / 8, dtype=torch.float64), rtol=0, atol=1e-6)


def quiet():
    """A network whose learned parts say nothing."""
    network = RawMetadataS().eval()
    for layer in (network.synthesis.out, network.analysis.out):
        for parameter in layer.parameters():
            torch.nn.init.zeros_(parameter)
    return network


def test_without_latents_the_start_comes_back():
    _, guide, fit, rate = batch()

    with torch.no_grad():
        found = quiet().synthesise(torch.zeros(2, N_LATENT, 8, 8), guide, fit, rate)

    torch.testing.assert_close(found, root_decode(start_of(guide / 255.0, fit)))


def test_latents_that_are_not_rounded_bring_everything_back():
    planes, guide, fit, rate = batch()
    network = quiet()

    with torch.no_grad():
        y, _ = network.analyse(planes, guide, fit, rate)
        found = network.synthesise(16.0 * y, guide, fit, rate)

    torch.testing.assert_close(found, planes, rtol=0, atol=1e-4)


def test_gains_between_two_rates_lie_between():
    network = RawMetadataS()

    low, middle, high = network.gains(torch.tensor([1.0, 1.5, 2.0])).reshape(3, N_LATENT).detach()

    assert torch.allclose(middle, torch.sqrt(low * high))
