"""CameraNet s: small enough, an identity before training, and blind beyond its halo."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402 - after the check

from rawtool.color.matrices import SRGB_FROM_XYZ, XYZ_FROM_SRGB  # noqa: E402
from rawtool.nets import cameranet_s  # noqa: E402
from rawtool.nets.cameranet_s import (  # noqa: E402
    N_QUANTILES,
    EnhanceNetS,
    RestoreNetS,
    quantiles,
    root_decode,
    root_encode,
)

CONDITION = torch.tensor([[1e-4, 1e-4, 2e-4, 1e-7, 1e-7, 2e-7, 1.0, 0.0]])
FLOP_LIMIT = 60_000


def light(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_the_code_is_odd_and_goes_back_to_light():
    x = torch.linspace(-0.2, 4.0, 101, dtype=torch.float64)

    torch.testing.assert_close(root_decode(root_encode(x)), x, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(root_encode(-x), -root_encode(x))
    assert root_encode(torch.ones(())).item() == pytest.approx(cameranet_s.WHITE_CODE, abs=1e-6)


def test_the_slope_of_the_code_at_black_is_that_of_the_srgb_curve():
    step = torch.tensor(1e-6, dtype=torch.float64)

    # IEC 61966-2-1: 12.92 near black.
    assert (root_encode(step) / step).item() == pytest.approx(12.92, rel=0.01)


def test_an_untrained_restoration_gives_its_xyz_back():
    net = RestoreNetS()
    picture = light(2, 4, 16, 24) - 0.05
    vector, _ = net.global_vector(light(2, 3, 64, 64), CONDITION.expand(2, 8))

    torch.testing.assert_close(
        net(picture, CONDITION.expand(2, 8), vector), picture[:, :3], rtol=0, atol=2e-5
    )


def test_an_untrained_restoration_takes_the_light_for_d65():
    _, neutral = RestoreNetS().global_vector(light(1, 3, 64, 64), CONDITION)

    white = XYZ_FROM_SRGB.sum(axis=1)
    np.testing.assert_allclose(neutral[0].detach(), white / white[1], atol=1e-5)


def test_an_untrained_enhancement_is_the_square_root_code_of_its_light():
    net = EnhanceNetS()
    picture = light(1, 3, 32, 64)

    found = net(picture, net.global_vector(light(1, 3, 64, 64)))

    toe = 0.0015
    expected = (torch.sqrt(picture + toe) - toe**0.5) / ((1 + toe) ** 0.5 - toe**0.5)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_both_networks_know_the_published_matrix():
    np.testing.assert_allclose(RestoreNetS().rgb_from_picture[:3, :3], SRGB_FROM_XYZ, atol=1e-7)


def test_the_two_stages_together_take_at_most_60_kflop_a_pixel():
    side = 64
    restore, enhance = RestoreNetS(), EnhanceNetS()
    picture, thumbnail = light(1, 4, side, side), light(1, 3, 64, 64)
    with torch.no_grad():
        vectors = restore.global_vector(thumbnail, CONDITION)[0], enhance.global_vector(thumbnail)

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        restore(picture, CONDITION, vectors[0])
        enhance(picture[:, :3], vectors[1])

    assert 10_000 < counter.get_total_flops() / side**2 <= FLOP_LIMIT


def test_the_image_wide_passes_are_small_beside_a_picture_of_one_megapixel():
    restore, enhance = RestoreNetS(), EnhanceNetS()

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        restore.global_vector(light(1, 3, 64, 64), CONDITION)
        enhance.global_vector(light(1, 3, 64, 64))

    assert counter.get_total_flops() < 0.01 * FLOP_LIMIT * 1e6


def trained_a_little(net):
    torch.manual_seed(3)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.05 if parameter.dim() == 1 else parameter[0].numel() ** -0.5)
    return net.eval()


def reach(net, *rest):
    """Give how far from a pixel its result still depends on the picture, at the worse of two places."""
    side = 2 * net.halo + 32
    found = 0
    for place in (side // 2 + 3, side // 2 + 5):
        picture = light(1, 3 if net.stride == 16 else 4, side, side).requires_grad_()
        net(picture, *rest)[0, :, place, place].sum().backward()
        rows = torch.nonzero(picture.grad.abs().sum(dim=(0, 1, 3))).flatten()
        found = max(found, place - int(rows.min()), int(rows.max()) - place)
    return found


def test_both_networks_are_blind_beyond_their_halo():
    for net in (RestoreNetS(), EnhanceNetS()):
        for parameter in net.parameters():
            # All positive, so that nothing cancels and no activation is shut.
            torch.nn.init.uniform_(parameter, 0.002, 0.006)
        vector = torch.zeros(1, net.vector_size)
        rest = (vector,) if isinstance(net, EnhanceNetS) else (CONDITION, vector)

        assert net.halo - net.stride < reach(net, *rest) <= net.halo


def test_the_noise_level_and_the_vector_change_the_restoration():
    net = trained_a_little(RestoreNetS())
    picture = light(1, 4, 32, 32)
    vector, _ = net.global_vector(light(1, 3, 64, 64), CONDITION)

    with torch.no_grad():
        usual = net(picture, CONDITION, vector)
        noisy = net(picture, CONDITION * 100, vector)
        other = net(picture, CONDITION, vector + 0.5)

    assert (usual - noisy).abs().max() > 1e-3
    assert (usual - other).abs().max() > 1e-3


def test_the_estimate_of_the_light_does_not_see_the_gains():
    net = trained_a_little(RestoreNetS())
    thumbnail = light(1, 3, 64, 64)

    lights = [net.global_vector(thumbnail, condition)[1] for condition in (CONDITION, CONDITION * 7)]

    torch.testing.assert_close(*lights)


@pytest.mark.parametrize("kept", [(0, 0, 96, 128), (16, 32, 48, 64), (0, 64, 96, 64), (48, 0, 48, 16)])
def test_a_kept_rectangle_is_that_part_of_the_whole(kept):
    net = trained_a_little(EnhanceNetS())
    picture = light(1, 3, 96, 128)
    top, left, height, width = kept

    with torch.no_grad():
        vector = net.global_vector(light(1, 3, 64, 64))
        whole = net(picture, vector)
        found = net(picture, vector, torch.tensor([kept], dtype=torch.float32))

    torch.testing.assert_close(found, whole[:, :, top : top + height, left : left + width])


@pytest.mark.parametrize("kept", [(0, 0, 96, 128), (16, 32, 48, 64), (0, 72, 96, 56), (56, 0, 40, 8)])
def test_a_kept_rectangle_of_a_restoration_is_that_part_of_the_whole(kept):
    net = trained_a_little(RestoreNetS())
    picture = light(1, 4, 96, 128)
    top, left, height, width = kept

    with torch.no_grad():
        vector, _ = net.global_vector(light(1, 3, 64, 64), CONDITION)
        whole = net(picture, CONDITION, vector)
        found = net(picture, CONDITION, vector, torch.tensor([kept], dtype=torch.float32))

    torch.testing.assert_close(found, whole[:, :, top : top + height, left : left + width])


def test_the_enhancement_ignores_light_below_black():
    net = trained_a_little(EnhanceNetS())
    picture = light(1, 3, 32, 32) - 0.5

    with torch.no_grad():
        vector = net.global_vector(light(1, 3, 64, 64))
        torch.testing.assert_close(net(picture, vector), net(picture.clamp(min=0), vector))


def test_the_picture_s_brightness_is_seen_as_quantiles():
    dark, bright = light(1, 3, 64, 64) * 0.01, light(1, 3, 64, 64)

    found = [quantiles(picture.mean(dim=1, keepdim=True)) for picture in (dark, bright)]

    assert found[0].shape == (1, N_QUANTILES)
    for levels in found:
        assert torch.all(levels.diff() >= 0.0)
    assert torch.all(found[1] > found[0])
    shuffled = bright.flatten(2)[..., torch.randperm(64 * 64)].reshape(bright.shape)
    torch.testing.assert_close(quantiles(shuffled.mean(dim=1, keepdim=True)), found[1])
