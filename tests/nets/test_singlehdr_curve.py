"""SingleHDR's Linearization-Net is the published one: features, trunk, projection and lookup."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rawtool.color.response import CurveBasis, own_basis  # noqa: E402 - after the check
from rawtool.errors import ConfigError  # noqa: E402
from rawtool.nets.singlehdr_curve import (  # noqa: E402
    CurveFeatures,
    LinearizationNet,
    _pad_for_seven,
    apply_curve,
    rising,
)
from tests.nets.golden import fill, wave  # noqa: E402

PLACES = [256, 512, 768]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def features():
    return CurveFeatures().double()(wave(64, 96))


@pytest.fixture(scope="module")
def golden():
    """The filled network in float64, with the basis in all its digits."""
    net = LinearizationNet()
    fill(net.trunk)
    fill(net.head, start=91)
    net.double().eval()
    net.basis_mean.data = torch.tensor(own_basis().mean)
    net.basis_components.data = torch.tensor(own_basis().components)
    return net


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_the_counts_are_the_published_ones():
    net = LinearizationNet()

    assert (count(net.trunk), count(net.head), count(net)) == (1_195_328, 5_643, 1_200_971)


def test_features_have_their_golden_values(features):
    assert features.shape == (1, 102, 64, 96)
    found = [float(v) for v in (features.mean(), features.std(correction=0), features[0, 0, 0, 0])]
    assert found == pytest.approx([0.102932143, 0.300652871, 0.5], abs=6e-10)
    assert float(features[0, 51, 32, 48]) == float(features[0, -1, -1, -1]) == 0.0


def test_edges_and_histograms_of_one_pixel_have_their_golden_values(features):
    pixel = features[0, :, 5, 7]
    bins = {n: pixel[start : start + 3 * (n + 1)].view(n + 1, 3) for n, start in ((4, 9), (8, 24), (16, 51))}

    assert float(pixel[1]) == pytest.approx(0.090861, abs=6e-7)
    assert pixel[5:7].tolist() == pytest.approx([-0.446598419, -0.672716102], abs=6e-10)
    assert bins[4][:2, 1].tolist() == pytest.approx([0.636554, 0.363446], abs=6e-7)
    assert bins[8][:2, 1].tolist() == pytest.approx([0.273108, 0.726892], abs=6e-7)
    assert bins[16][1:3, 1].tolist() == pytest.approx([0.546217, 0.453783], abs=6e-7)


def test_the_bins_of_every_histogram_sum_to_one_at_every_pixel(features):
    for start, n in ((9, 5), (24, 9), (51, 17)):
        total = features[0, start : start + 3 * n].view(n, 3, 64, 96).sum(dim=0)
        torch.testing.assert_close(total, torch.ones_like(total))


def test_edges_reflect_at_the_border(features):
    picture = wave(64, 96)[0, 2].numpy()
    padded = np.pad(picture, 1, mode="reflect")
    down = padded[2:] - padded[:-2]
    expected = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]

    np.testing.assert_allclose(features[0, 7], expected, atol=1e-12)


def test_the_trunk_has_its_golden_values(golden, features):
    with torch.inference_mode():
        pooled = golden.trunk(features)[0]

    found = [float(v) for v in (pooled.mean(), pooled.std(correction=0), pooled[0], pooled[-1])]
    assert found == pytest.approx([0.422487924, 0.399993478, 1.050818619, 0.978911774], abs=6e-10)


def test_the_head_has_its_golden_values(golden):
    expected = [1.135064356, 1.367369097, 1.489874944, 1.503353326, 1.420553922, 1.258940428]
    expected += [1.033903664, 0.755549259, 0.430303281, 0.066158358, -0.321456246]

    with torch.inference_mode():
        assert golden.weights(wave(64, 96))[0].tolist() == pytest.approx(expected, abs=6e-10)


def test_the_curve_has_its_golden_values(golden):
    with torch.inference_mode():
        curve = golden(wave(64, 96))[0]

    expected = [0.008389951, 0.240858415, 0.476581090, 0.723740200, 0.997900476]
    assert curve[[1, *PLACES, 1022]].tolist() == pytest.approx(expected, abs=6e-10)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([0.0], [0.088042580, 0.248967128, 0.514163639]),
        ([1.0], [0.107038823, 0.285286760, 0.558847857]),
        ([-12.0, 4.0], [0.087271778, 0.104026342, 0.151747412]),
    ],
)
def test_curves_that_were_made_to_rise_have_their_golden_values(weights, expected):
    curve = torch.from_numpy(own_basis().curve(np.array(weights)))[None]

    risen = rising(curve)[0]

    assert risen[PLACES].tolist() == pytest.approx(expected, abs=6e-10)
    assert float(risen[0]) == 0.0
    assert float(risen[-1]) == pytest.approx(1.0, abs=1e-12)
    assert float(risen.diff().min()) >= 0.0


def test_every_curve_of_a_batch_is_raised_by_its_own_steps():
    curves = torch.rand(3, 50, generator=torch.Generator().manual_seed(2))

    together = rising(curves)

    for curve, found in zip(curves, together, strict=True):
        torch.testing.assert_close(rising(curve[None])[0], found)


def test_the_projection_has_a_gradient_through_its_smallest_step():
    curve = torch.tensor([[0.0, 0.5, 0.3, 1.0]], dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(rising, curve)


def test_a_lookup_interpolates_as_numpy_does():
    rng = np.random.default_rng(0)
    curves = np.sort(rng.random((2, 1024)))
    picture = rng.random((2, 3, 5, 4))
    picture[0, 0, 0, :3] = [0, 1, 512 / 1023]

    found = apply_curve(torch.from_numpy(curves), torch.from_numpy(picture))

    grid = np.arange(1024) / 1023
    expected = [np.interp(values, grid, curve) for values, curve in zip(picture, curves, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_lookup_has_gradients_for_curve_and_picture():
    curve = torch.linspace(0, 1, 6, dtype=torch.float64).square()[None].requires_grad_()
    picture = torch.tensor([0.11, 0.5, 0.93], dtype=torch.float64).view(1, 3, 1, 1).requires_grad_()

    assert torch.autograd.gradcheck(apply_curve, (curve, picture))


@pytest.mark.parametrize(("length", "before", "after"), [(64, 2, 3), (65, 3, 3)])
def test_the_first_convolution_is_padded_as_tensorflow_same(length, before, after):
    padded = _pad_for_seven(torch.ones(1, 1, length, 8))[0, 0, :, 4]

    assert padded.tolist() == [0.0] * before + [1.0] * length + [0.0] * after


@pytest.mark.parametrize(("height", "width"), [(64, 96), (65, 96), (37, 51)])
def test_pictures_of_any_size_have_a_curve(height, width):
    net = LinearizationNet(0.125).eval()

    curve = net(torch.rand(1, 3, height, width)).detach()

    assert curve.shape == (1, 1024)
    assert float(curve[0, -1]) == pytest.approx(1.0, abs=1e-5)


def test_another_basis_is_kept_with_the_weights():
    own = own_basis()
    other = CurveBasis(own.mean**2, -own.components, own.spread, is_inverse=True)
    net = LinearizationNet(0.1, other)

    kept = LinearizationNet(0.1)
    kept.load_state_dict(net.state_dict())

    np.testing.assert_allclose(kept.basis_mean, own.mean**2, atol=1e-7)
    np.testing.assert_allclose(kept.basis_components, -own.components, atol=1e-7)


def test_a_basis_of_forward_curves_is_refused():
    own = own_basis()
    forward = CurveBasis(own.mean, own.components, own.spread, is_inverse=False)

    with pytest.raises(ConfigError, match="needs invemor"):
        LinearizationNet(0.1, forward)
