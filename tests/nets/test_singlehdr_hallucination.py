"""SingleHDR's Hallucination-Net is the published one: counts, golden vector, beginnings, reach."""

import pytest

torch = pytest.importorskip("torch")

from rawtool.nets import singlehdr_hallucination as hallucination  # noqa: E402 - after the check
from rawtool.nets.singlehdr_hallucination import Fuse, HallucinationNet  # noqa: E402
from tests.nets.golden import farthest, fill, positive, summary, wave  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def test_the_counts_are_the_published_ones():
    net = HallucinationNet()

    assert sum(p.numel() for p in net.parameters()) == 24_569_118
    assert sum(p.numel() for p in net.encoder.parameters()) == 14_714_688


def test_the_golden_vector_of_the_published_graph():
    with torch.inference_mode():
        found = summary(fill(HallucinationNet())(wave(64, 96)))

    expected = [-0.026317546, 0.388700848, -0.801491161, 0.453046484, -0.059636864]
    assert found == pytest.approx(expected, rel=0, abs=6e-10)


def test_a_skip_of_codes_is_added_at_the_start():
    fuse, x, skip = Fuse(5), torch.rand(1, 5, 3, 3), 255 * torch.rand(1, 5, 3, 3)

    torch.testing.assert_close(fuse(x, skip), x + skip / 255)


def test_normalisations_begin_near_one():
    torch.manual_seed(0)
    gains = HallucinationNet().bottleneck_norm.weight.detach()

    assert float(gains.mean()) == pytest.approx(1.0, abs=5e-4)
    assert float(gains.std()) == pytest.approx(0.002, rel=0.15)


def test_the_reach_is_what_an_impulse_shows():
    net = positive(HallucinationNet(0.01), 0.05)
    # Without the mean of VGG's pictures black stays 0.
    net.vgg_mean.zero_()

    reach = farthest(lambda h, w: torch.zeros(1, 3, h, w).double(), net, length=512, stride=32, height=32)

    assert reach == hallucination.REACH


def test_the_smallest_picture_is_one_cell():
    assert HallucinationNet(0.05).eval()(torch.rand(1, 3, 32, 64)).shape == (1, 3, 32, 64)
