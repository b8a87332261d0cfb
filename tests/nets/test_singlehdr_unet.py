"""SingleHDR's U-Nets are the published ones: counts, golden vectors, TensorFlow's doubling, reach."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rawtool.nets import singlehdr_unet as unet  # noqa: E402 - after the check
from rawtool.nets.singlehdr_unet import DequantizationNet, RefinementNet, doubled  # noqa: E402
from tests.nets.golden import farthest, fill, positive, summary, wave  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.mark.parametrize(("net", "count"), [(DequantizationNet, 1_999_779), (RefinementNet, 1_266_947)])
def test_the_counts_are_the_published_ones(net, count):
    tensors = list(net().parameters())

    assert (len(tensors), sum(t.numel() for t in tensors)) == (38, count)


@pytest.mark.parametrize(
    ("net", "channels", "expected"),
    [
        (DequantizationNet, 3, [0.513639154, 0.488005681, 0.755904774, 0.568014446, -0.609361059]),
        (RefinementNet, 9, [0.622883603, 2.800287990, 1.090981780, 0.616527314, -1.840083710]),
    ],
)
def test_golden_vectors_of_the_published_graphs(net, channels, expected):
    with torch.inference_mode():
        found = summary(fill(net())(wave(64, 96, channels)))

    # The second row is given to eight digits.
    assert found == pytest.approx(expected, rel=0, abs=4e-9)


def test_doubling_is_tensorflow_1s():
    """Source = target / 2: even places copy, odd ones average, the last repeats (computed with numpy)."""
    x = np.random.default_rng(0).random((1, 2, 5, 4))
    places = [np.minimum(np.arange(2 * n) / 2, n - 1) for n in x.shape[2:]]
    rows = np.apply_along_axis(lambda v: np.interp(places[0], np.arange(5), v), 2, x)
    expected = np.apply_along_axis(lambda v: np.interp(places[1], np.arange(4), v), 3, rows)

    np.testing.assert_allclose(doubled(torch.from_numpy(x)), expected, atol=1e-12)


def test_an_encoded_value_changes_by_one_at_most():
    net = positive(DequantizationNet(0.1), 10.0)
    picture = wave(16, 16)

    change = net(picture).detach() - picture

    assert float(change.max()) == pytest.approx(1.0)


def test_the_reach_is_what_an_impulse_shows():
    net = positive(DequantizationNet(0.01), 0.05)

    reach = farthest(lambda h, w: torch.zeros(1, 3, h, w).double(), net, length=400, stride=16, height=16)

    assert reach == unet.REACH


def test_a_narrow_network_has_fewer_channels_and_the_same_shape():
    narrow = DequantizationNet(0.25)

    assert sum(t.numel() for t in narrow.parameters()) < 1_999_779 / 14
    assert narrow(torch.rand(2, 3, 32, 48)).shape == (2, 3, 32, 48)
    assert unet.scaled(16, 0.01) == 1


def test_convolutions_begin_as_glorots():
    layer = DequantizationNet().body.down[4][1]
    bound = (6 / (2 * 256 * 9)) ** 0.5

    assert float(layer.weight.detach().abs().max()) == pytest.approx(bound, rel=1e-3)
    assert float(layer.bias.detach().abs().max()) == 0.0
