"""Both HDR networks behind one face: encoded values in, the network's own terms out."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional as F  # noqa: E402, N812 - after the check

from rawtool.color import transfer  # noqa: E402
from rawtool.nets.hdr_s import THUMBNAIL, HdrNetS  # noqa: E402
from rawtool.nets.hdrunet import HdrUnet  # noqa: E402
from rawtool.training.configs import HDRUNET_PAPER, HdrUnetConfig  # noqa: E402
from rawtool.training.recipes.hdr_wrappers import (  # noqa: E402
    DARKEST,
    ReconstructorPaper,
    ReconstructorS,
    from_power,
    reconstructor,
    to_power,
)
from tests.lively import lively  # noqa: E402

TINY = replace(HDRUNET_PAPER, width=8, n_blocks=1)


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_sizes_have_their_own_networks_and_terms():
    small, paper = reconstructor(HdrUnetConfig()), reconstructor(TINY)

    assert isinstance(small, ReconstructorS)
    assert isinstance(small.net, HdrNetS)
    assert (small.thumbnail_size, small.is_powered) == (THUMBNAIL, False)
    assert isinstance(paper, ReconstructorPaper)
    assert isinstance(paper.net, HdrUnet)
    assert (paper.thumbnail_size, paper.is_powered) == (None, True)


def test_width_blocks_and_parts_are_as_asked():
    def shapes(**changes):
        return {
            k: tuple(v.shape) for k, v in reconstructor(replace(TINY, **changes)).net.state_dict().items()
        }

    wide, deep = shapes(width=12), shapes(n_blocks=3)
    assert wide["conv_last.weight"] == (3, 12, 3, 3)
    assert wide["CondNet1.2.weight"][0] == 6
    assert len({name.split(".")[1] for name in deep if name.startswith("recon_trunk2")}) == 3
    assert len({name.split(".")[1] for name in deep if name.startswith("recon_trunk1")}) == 2
    assert any(name.startswith("mask_est") for name in shapes())
    assert not any(name.startswith("mask_est") for name in shapes(has_weighting=False))
    assert not any(name.startswith("Cond") for name in shapes(has_condition=False))


def test_the_published_size_is_that_of_the_paper():
    n_parameters = sum(value.numel() for value in reconstructor(HDRUNET_PAPER).parameters())

    assert n_parameters == sum(value.numel() for value in HdrUnet().parameters())


def test_the_small_network_samples_its_guide_over_the_whole_picture():
    torch.manual_seed(3)
    wrapper = ReconstructorS()
    wrapper.net = lively(HdrNetS())
    picture, thumbnail = noise(2, 3, 32, 96), noise(2, 3, THUMBNAIL, THUMBNAIL, seed=1)

    with torch.no_grad():
        found = wrapper(picture, thumbnail)
        guide = wrapper.net.guide(thumbnail)
        # A sample at the middle of each of 4 x 12 cells.
        y, x = (2 * (torch.arange(n) + 0.5) / n - 1 for n in (4, 12))
        at = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1).expand(2, 4, 12, 2)
        sampled = F.grid_sample(guide, at, align_corners=False, padding_mode="border")
        torch.testing.assert_close(found, wrapper.net(picture, sampled), rtol=1e-3, atol=1e-4)
        assert (found - wrapper(picture, thumbnail.flip(0))).abs().max() > 1e-3


def test_an_untrained_small_network_gives_the_light_of_the_srgb_curve():
    picture = 0.85 * noise(1, 3, 16, 24)

    with torch.no_grad():
        found = ReconstructorS()(picture, noise(1, 3, THUMBNAIL, THUMBNAIL))

    np.testing.assert_allclose(found, transfer.srgb_decode(picture.numpy()), rtol=1e-5, atol=1e-6)


class Seen(torch.nn.Module):
    """Gives back what it is shown."""

    def forward(self, picture):
        return picture


def test_the_papers_network_sees_light_to_the_power_of_its_data_and_no_thumbnail():
    wrapper, picture = ReconstructorPaper(TINY), noise(2, 3, 8, 8)
    wrapper.net = Seen()

    found = wrapper(picture, torch.empty(2, 3, 0, 0))

    light = transfer.srgb_decode(picture.numpy().astype(np.float64))
    np.testing.assert_allclose(found, np.maximum(light, DARKEST) ** (1 / 2.24), rtol=1e-5)
    assert wrapper(torch.ones(1, 3, 4, 4), picture).max() == pytest.approx(1.0)


def test_the_power_goes_back_and_bounds_its_slope():
    light = torch.tensor([0.0, 1e-7, 1e-6, 0.01, 1.0, 50.0], dtype=torch.float64, requires_grad=True)

    powered = to_power(light)
    powered.sum().backward()

    torch.testing.assert_close(from_power(powered), light.clamp(min=DARKEST))
    torch.testing.assert_close(powered[3:], light[3:] ** (1 / 2.24))
    assert torch.isfinite(light.grad).all()
    assert torch.equal(from_power(torch.tensor([-0.5, -1e-9])), torch.zeros(2))


def test_what_is_below_black_has_a_slope_of_zero_and_not_none():
    powered = torch.tensor([-0.5, 0.0, 0.5], requires_grad=True)

    from_power(powered).sum().backward()

    assert powered.grad[0] == 0.0
    assert torch.isfinite(powered.grad).all()
