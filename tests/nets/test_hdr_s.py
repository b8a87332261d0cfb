"""The HDR network of size s: sRGB before training, small enough, and blind beyond its halo."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional as F  # noqa: E402, N812 - after the check
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from rawtool.color import transfer  # noqa: E402
from rawtool.nets import hdr_s  # noqa: E402
from rawtool.nets.hdr_s import HdrNetS, _softplus, bent_curve, clipped_share, srgb_decode  # noqa: E402
from tests.lively import lively, positive  # noqa: E402

FLOP_LIMIT = 25_000


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def clipped_noise(*shape, seed=0):
    """Encoded values of which a fifth are clipped."""
    return (1.25 * noise(*shape, seed=seed)).clamp(max=1.0)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small tensors gain nothing from threads, and a busy machine makes them wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def net():
    return lively(HdrNetS())


@pytest.fixture(scope="module")
def guide(net):
    """The guide over a picture of 64 x 96 pixels."""
    with torch.no_grad():
        found = net.guide(clipped_noise(1, 3, hdr_s.THUMBNAIL, hdr_s.THUMBNAIL, seed=3))
        return F.interpolate(found, size=(8, 12), mode="bilinear", align_corners=False)


def test_the_srgb_curve_is_that_of_the_pictures():
    x = torch.linspace(0.0, 1.0, 1001)

    np.testing.assert_allclose(srgb_decode(x), transfer.srgb_decode(x.numpy()), rtol=2e-6, atol=1e-8)


def test_the_curve_without_a_bend_is_srgb_and_a_bend_leaves_its_ends():
    x = noise(2, 3, 8, 8)
    x[..., 0], x[..., 1] = 0.0, 1.0

    torch.testing.assert_close(bent_curve(x, torch.zeros(2, 4, 1, 1)), srgb_decode(x), rtol=0, atol=0)
    bent = bent_curve(x, 3.0 * noise(2, 4, 1, 1, seed=1) - 1.5)
    assert torch.all(bent[..., 0] == 0.0)
    torch.testing.assert_close(bent[..., 1], torch.ones(2, 3, 8), rtol=0, atol=1e-6)


def test_a_bend_is_four_numbers_of_each_picture():
    x = noise(2, 3, 5, 5).double()
    bend = torch.tensor([[0.3, -0.2, 0.5, 0.1], [-0.4, 0.1, 0.2, -0.3]], dtype=torch.float64)

    found = bent_curve(x, bend[:, :, None, None])

    for picture, encoded, (b0, b1, b2, b3) in zip(found, x, bend, strict=True):
        exponent = (1 - encoded) * (b0 + b1 * encoded + b2 * encoded**2 + b3 * encoded**3)
        torch.testing.assert_close(picture, srgb_decode(encoded) * torch.exp(exponent))


def test_a_small_bend_keeps_the_curve_rising():
    bend = 0.4 * noise(200, 4, 1, 1) - 0.2
    x = torch.linspace(0.0, 1.0, 1025, dtype=torch.float64)[None, None, None].expand(200, 1, 1, -1)

    assert torch.diff(bent_curve(x, bend.double()), dim=3).min() > 0.0


def test_the_curve_has_a_finite_slope_everywhere():
    x = torch.tensor([0.0, 1e-8, 0.04045, 0.05, 1.0])[None, None, None].requires_grad_()
    bend = torch.full((1, 4, 1, 1), 0.2, requires_grad=True)

    bent_curve(x, bend).sum().backward()

    assert torch.isfinite(x.grad).all()
    assert x.grad.min() > 0.0
    assert torch.isfinite(bend.grad).all()


def test_clipping_begins_at_088_and_is_whole_at_white():
    x = torch.tensor([0.0, 0.5, 0.88, 0.91, 0.94, 1.0])

    torch.testing.assert_close(clipped_share(x), torch.tensor([0.0, 0.0, 0.0, 0.25, 0.5, 1.0]))


def test_before_training_light_is_that_of_the_srgb_curve_and_clipped_channels_gain_the_same():
    net, picture = HdrNetS(), clipped_noise(2, 3, 16, 24)
    with torch.no_grad():
        guide = net.guide(noise(2, 3, hdr_s.THUMBNAIL, hdr_s.THUMBNAIL))
        light = net(picture, F.interpolate(guide, size=(2, 3)))

    # softplus(0) is ln 2.
    gain = 2.0 ** (np.log(2.0) * clipped_share(picture))
    torch.testing.assert_close(light, srgb_decode(picture) * gain, rtol=1e-5, atol=1e-6)
    assert torch.all(gain[picture <= 0.88] == 1.0)


def test_only_clipped_channels_gain_and_none_loses(net, guide):
    picture = clipped_noise(1, 3, 64, 96)
    with torch.no_grad():
        residual, ev = net.terms(picture, guide)
        light = net(picture, guide)

    curve = bent_curve((picture + residual).clamp(0.0, 1.0), guide[:, net.n_features :, :1, :1])
    share, gain = clipped_share(picture), light / curve
    is_lit = curve > 1e-4
    torch.testing.assert_close(gain[is_lit], torch.exp2(share * ev)[is_lit], rtol=1e-4, atol=1e-5)
    assert torch.equal(light[share == 0.0], curve[share == 0.0])
    assert (light - curve).min() >= 0.0
    assert (light - curve)[share == 1.0].max() > 0.1


def test_the_graph_of_the_tiles_takes_at_most_25_kflop_a_pixel():
    net = HdrNetS()

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(noise(1, 3, 64, 128), noise(1, net.n_guide, 8, 16))

    assert 10_000 < counter.get_total_flops() / (64 * 128) <= FLOP_LIMIT


def test_the_look_at_the_whole_is_small_beside_a_picture_of_twelve_megapixels():
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        HdrNetS().guide(noise(1, 3, hdr_s.THUMBNAIL, hdr_s.THUMBNAIL))

    assert counter.get_total_flops() < 0.01 * FLOP_LIMIT * 12e6


def seen_columns(net, column):
    """The columns of a wide picture whose light changes when one column of the picture does."""
    picture, guide = noise(1, 3, 16, 320).double(), noise(1, net.n_guide, 2, 40).double()
    changed = picture.clone()
    changed[..., column] += 1.0
    with torch.no_grad():
        before, after = (torch.cat(net.terms(x, guide), dim=1) for x in (picture, changed))
    return np.flatnonzero((before != after).any(dim=1)[0].any(dim=0).numpy())


def test_no_tile_sees_beyond_its_halo_and_the_halo_is_not_wasteful():
    net = positive(HdrNetS())
    # Between two tiles; they begin and end at multiples of the stride, and so do their windows.
    border = 160
    left, right = (
        [seen_columns(net, first + phase) for phase in range(net.stride)]
        for first in (border - net.halo - net.stride, border + net.halo)
    )

    assert max(columns.max() for columns in left) < border
    assert min(columns.min() for columns in right) >= border
    # A halo of one stride less would not do.
    assert seen_columns(net, border - net.halo + net.stride - 1).max() >= border
    assert net.halo % net.stride == 0


def test_a_window_with_its_halo_gives_what_the_whole_gives():
    net = positive(HdrNetS())
    picture, guide = noise(1, 3, 16, 320).double(), noise(1, net.n_guide, 2, 40).double()
    guide[:, net.n_features :] = guide[:, net.n_features :, :1, :1]

    def kept(halo):
        cut = slice(160 - halo, 192 + halo)
        cells = slice(cut.start // 8, cut.stop // 8)
        return net(picture[..., cut], guide[..., cells])[..., halo : halo + 32]

    with torch.no_grad():
        whole = net(picture, guide)[..., 160:192]
        torch.testing.assert_close(kept(net.halo), whole, rtol=0, atol=1e-13)
        assert (kept(net.halo - 8) - whole).abs().max() > 1e-12


def test_the_features_of_a_place_steer_the_light_around_it(net, guide):
    picture = clipped_noise(1, 3, 64, 96)
    # Far from the first columns: the graph looks 64 pixels to each side.
    other = guide.clone()
    other[:, : net.n_features, :, 11] += 1.0

    with torch.no_grad():
        apart = (net(picture, guide) - net(picture, other)).abs().amax(dim=(0, 1, 2))

    assert apart[88:].min() > 1e-3
    assert torch.all(apart[:16] == 0.0)


def test_the_curve_of_the_guide_bends_the_light_of_the_whole_picture(net, guide):
    picture = 0.5 * noise(1, 3, 64, 96)
    other = guide.clone()
    other[:, net.n_features] += 0.3

    with torch.no_grad():
        before, after = net(picture, guide), net(picture, other)
        encoded = (picture + net.terms(picture, guide)[0]).clamp(0.0, 1.0)

    torch.testing.assert_close(after, before * torch.exp(0.3 * (1.0 - encoded)), rtol=1e-4, atol=1e-6)


def test_every_place_of_the_guide_knows_the_whole_thumbnail_and_its_curve_is_one(net):
    thumbnail = noise(1, 3, hdr_s.THUMBNAIL, hdr_s.THUMBNAIL)
    other = thumbnail.clone()
    other[..., -16:, -16:] = 1.0

    with torch.no_grad():
        before, after = net.guide(thumbnail), net.guide(other)

    assert before.shape == (1, net.n_guide, hdr_s.THUMBNAIL // 2, hdr_s.THUMBNAIL // 2)
    assert (before - after)[0, : net.n_features, :8, :8].abs().amax(dim=(1, 2)).min() > 1e-5
    curve = before[:, net.n_features :]
    assert torch.equal(curve, curve[:, :, :1, :1].expand_as(curve))
    assert (curve - after[:, net.n_features :]).abs().max() > 1e-5


def test_thumbnails_of_a_batch_do_not_mix(net):
    thumbnails = noise(2, 3, hdr_s.THUMBNAIL, hdr_s.THUMBNAIL)

    with torch.no_grad():
        both, second = net.guide(thumbnails), net.guide(thumbnails[1:])

    torch.testing.assert_close(both[1:], second, rtol=0, atol=1e-5)


def test_cells_are_laid_out_as_pixel_shuffle_does():
    cells = noise(2, 6 * hdr_s.CELL**2, 5, 7)

    assert torch.equal(hdr_s._unpack(cells), F.pixel_shuffle(cells, hdr_s.CELL))


def test_the_light_depends_on_every_weight():
    net = lively(HdrNetS()).train()
    guide = F.interpolate(
        net.guide(clipped_noise(1, 3, hdr_s.THUMBNAIL, hdr_s.THUMBNAIL)), size=(4, 4), mode="bilinear"
    )

    net(clipped_noise(1, 3, 32, 32), guide).sum().backward()

    without = [name for name, value in net.named_parameters() if value.grad is None or not value.grad.any()]
    assert without == []


def test_what_stands_for_softplus_is_it():
    x = torch.linspace(-25, 29, 1001)

    torch.testing.assert_close(_softplus(x), torch.nn.functional.softplus(x), rtol=1e-6, atol=2e-7)
    assert torch.isfinite(_softplus(torch.tensor([-1e4, 1e4]))).all()
