"""Encodings of tensors equal those of arrays, also in float32, and have gradients everywhere."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rawtool.color import transfer  # noqa: E402 - after the check
from rawtool.nets import encodings  # noqa: E402

# cd/m2 of the published test vectors.
NITS = torch.tensor([0.005, 0.01, 0.1, 1, 10, 100, 203, 1000, 4000, 10000], dtype=torch.float64)
PQ = [0.015076, 0.021486, 0.062337, 0.149946, 0.299699, 0.508078, 0.580689, 0.751827, 0.902572, 1.0]
PU21 = [0, 0.3722, 5.7171, 36.5439, 123.6475, 256.3839, 303.8002, 420.0969, 527.4939, 595.3939]


def test_absolute_encodings_have_the_published_values():
    np.testing.assert_allclose(encodings.pq_encode(NITS), PQ, atol=6e-7)
    np.testing.assert_allclose(encodings.pu21_encode(NITS), PU21, atol=6e-5)


def test_relative_encodings_have_the_published_values():
    light = torch.tensor([1e-4, 1e-3, 1e-2, 0.1, 0.18, 0.5, 1.0])
    mu = [0.047604, 0.210365, 0.461623, 0.729872, 0.798778, 0.918643, 1.0]

    np.testing.assert_allclose(encodings.mu_law_encode(light), mu, atol=6e-7)
    found = encodings.log_encode(torch.tensor([0.05, 0.5, 1.0, 8.0]))
    np.testing.assert_allclose(found, [0.169092, 0.747222, 1.0, 1.832628], atol=6e-7)


def dense():
    return np.concatenate([np.geomspace(0.005, 1e4, 4001), [0.005, 1e4]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_absolute_encodings_equal_those_of_arrays(dtype):
    nits = torch.tensor(dense(), dtype=dtype)

    pq, pu21 = encodings.pq_encode(nits), encodings.pu21_encode(nits)

    assert pq.dtype == pu21.dtype == dtype
    np.testing.assert_allclose(pq, transfer.pq_encode(dense()), rtol=0, atol=1e-6)
    np.testing.assert_allclose(pu21 / 595.4, transfer.pu21_encode(dense()) / 595.4, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_relative_encodings_equal_those_of_arrays(dtype):
    light = np.linspace(-0.2, 3, 1001)

    found = encodings.mu_law_encode(torch.tensor(light, dtype=dtype))

    np.testing.assert_allclose(found, transfer.mu_law_encode(light), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["pq", "pu21"])
def test_absolute_decoding_equals_that_of_arrays(name):
    codes = np.linspace(0.02, 1, 999)
    codes = codes * 595.39392 if name == "pu21" else codes

    found = getattr(encodings, f"{name}_decode")(torch.from_numpy(codes))

    np.testing.assert_allclose(found, getattr(transfer, f"{name}_decode")(codes), rtol=1e-9)


PAIRS = ["pq", "pu21", "mu_law", "log"]


def pair(name):
    return getattr(encodings, f"{name}_encode"), getattr(encodings, f"{name}_decode")


@pytest.mark.parametrize("name", PAIRS)
def test_decoding_undoes_encoding(name):
    encode, decode = pair(name)

    torch.testing.assert_close(decode(encode(NITS)), NITS, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", ["mu_law", "log"])
def test_relative_encodings_are_odd(name):
    encode, decode = pair(name)
    light = torch.linspace(0, 3, 50)

    assert torch.equal(encode(-light), -encode(light))
    torch.testing.assert_close(decode(encode(-light)), -light)


@pytest.mark.parametrize(("name", "peak"), [("pq", 1.0), ("pu21", 595.3939)])
def test_light_outside_the_range_is_clamped(name, peak):
    encode = pair(name)[0]
    outside = torch.tensor([-3.0, 0.0, 0.005, 1e4, 1e6])

    codes = encode(outside)

    assert codes[0] == codes[1] == codes[2] < 0.016
    assert codes[3] == codes[4] == pytest.approx(peak, rel=1e-6)


@pytest.mark.parametrize("name", PAIRS)
def test_gradients_are_finite_everywhere(name):
    for curve in pair(name):
        values = torch.tensor([-1.7, -1e-3, 0.0, 1e-8, 0.005, 0.5, 1.0, 1.7], requires_grad=True)
        curve(values).sum().backward()
        assert torch.isfinite(values.grad).all()


@pytest.mark.parametrize(("name", "slope"), [("mu_law", 5000 / np.log(5001)), ("log", 10 / np.log(11))])
def test_the_slope_of_relative_encodings_at_black_is_that_of_their_formula(name, slope):
    zero = torch.zeros(1, requires_grad=True)
    pair(name)[0](zero).sum().backward()

    assert zero.grad.item() == pytest.approx(slope, rel=1e-5)


def test_slopes_of_absolute_encodings_are_the_published_ones():
    nits = torch.tensor([0.01, 100.0], dtype=torch.float64, requires_grad=True)
    pq = torch.autograd.grad(encodings.pq_encode(nits).sum(), nits)[0]
    pu21 = torch.autograd.grad(encodings.pu21_encode(nits).sum() / 595.39392, nits)[0]

    assert pq.tolist() == pytest.approx([1.0758, 0.001004], rel=1e-3)
    assert pu21.tolist() == pytest.approx([0.1211, 0.001091], rel=1e-3)
