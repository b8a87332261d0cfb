"""CameraNet is the paper's: golden vectors, counts and order of layers of its published graph."""

import pytest
import torch
from torch import nn

from rawtool.nets import blocks
from rawtool.nets.cameranet import (
    ENHANCE_DILATIONS,
    RESTORE_DILATIONS,
    CameraNet,
    StageNet,
    UNet,
    context_reach,
    enhance_input,
    enhance_net,
    minimum_size,
    reach,
    restore_net,
    scene_linear_from_xyz,
)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def filled(net: nn.Module) -> nn.Module:
    """Tensor k, element i: sin(1 + 0.7 i + 1.3 k) times g, in the order of the parameters."""
    for k, parameter in enumerate(net.parameters()):
        index = torch.arange(parameter.numel(), dtype=torch.float64)
        gain = 0.05 if parameter.dim() == 1 else parameter[0].numel() ** -0.5
        parameter.data = (torch.sin(1 + 0.7 * index + 1.3 * k) * gain).view(parameter.shape)
    return net.double().eval()


def wave(channels: int, height: int, width: int) -> torch.Tensor:
    c, y, x = torch.meshgrid(
        *(torch.arange(n, dtype=torch.float64) for n in (channels, height, width)), indexing="ij"
    )
    return (0.5 + 0.5 * torch.sin(0.3 * x + 0.2 * y + c))[None]


def summary(tensor: torch.Tensor) -> list[float]:
    t = tensor[0]
    c, h, w = t.shape
    mid = t[c // 2, h // 2, w // 2]
    return [float(v) for v in (t.mean(), t.std(correction=0), t[0, 0, 0], mid, t[-1, -1, -1])]


@pytest.fixture(scope="module")
def golden() -> dict[str, torch.Tensor]:
    torch.set_num_threads(1)
    restore, enhance = filled(restore_net()), filled(enhance_net())
    with torch.inference_mode():
        picture = wave(3, 288, 320)
        skips, t = restore.unet.contract(blocks.space_to_depth(picture))
        restored = restore(picture)
        gamma = enhance_input(restored)
        return {
            "skip 1": skips[0],
            "skip 4": skips[3],
            "t": t,
            "context": restore.context(picture),
            "restored": restored,
            "told": restore(picture, t.mean(dim=(2, 3))),
            "linear": scene_linear_from_xyz(restored),
            "gamma": gamma,
            "finished": enhance(gamma),
            "enhanced": enhance(picture),
            "odd": enhance(wave(3, 300, 324)),
        }


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        ("skip 1", [0.017730935, 0.034317601, -0.001833711, 0.001080083, -0.012292030]),
        ("skip 4", [6.324345807, 20.858892722, -0.033077480, 0.044370494, 3.883459797]),
        ("t", [36.939255067, 88.756178125, 6.161544070, -35.600665596, 4.985012094]),
        ("restored", [0.006852069, 0.102123067, 0.118306421, 0.066742004, -0.104489671]),
        ("linear", [0.007426366, 0.309530460, 0.351360638, 0.040259156, -0.138209309]),
        ("gamma", [0.256725513, 0.268686793, 0.621618799, 0.232192173, 0.015199111]),
        ("finished", [0.009982433, 0.134500352, 0.175810114, -0.008079638, -0.103072343]),
        ("enhanced", [0.010663046, 0.138669301, 0.204831286, -0.027239958, -0.097343080]),
        ("odd", [0.010661217, 0.138627722, 0.204817652, -0.016372643, -0.059849149]),
    ],
)
def test_golden_vectors_of_the_published_graph(golden, tensor, expected):
    assert summary(golden[tensor]) == pytest.approx(expected, abs=1e-5)


def test_context_is_t_and_its_mean_gives_the_whole_behaviour(golden):
    assert torch.equal(golden["context"], golden["t"])
    assert golden["told"].numpy() == pytest.approx(golden["restored"].numpy(), abs=1e-12)


def test_parameter_counts_are_the_papers():
    net = CameraNet()
    assert sum(p.numel() for p in net.parameters()) == 26_529_944
    assert len(list(net.restore.parameters())) == len(list(net.enhance.parameters())) == 64


@pytest.mark.parametrize(("width", "count"), [(8, 831_004), (16, 3_318_828), (24, 7_463_484)])
def test_parameter_counts_of_other_base_widths(width, count):
    assert sum(p.numel() for p in enhance_net(width).parameters()) == count


def test_parts_have_the_counts_of_the_document():
    unet = restore_net().unet

    def count(module: nn.Module) -> int:
        return sum(p.numel() for p in module.parameters())

    assert [count(block) for block in unet.contracting] == [21_984, 92_352, 369_024, 1_475_328]
    assert [count(pair[0]) for pair in unet.expanding] == [524_288, 131_072, 32_768, 8_192]
    assert [count(pair[1]) for pair in unet.expanding] == [2_360_064, 590_208, 147_648, 36_960]
    assert (count(unet.bottom), count(unet.scale_shift), count(unet.out)) == (5_899_776, 1_574_912, 396)


def test_space_to_depth_has_tensorflows_order():
    packed = blocks.space_to_depth(torch.arange(12.0).reshape(1, 2, 2, 3).permute(0, 3, 1, 2))
    assert packed.flatten().tolist() == list(range(12))
    packed = blocks.space_to_depth(torch.arange(12.0).reshape(1, 3, 2, 2))
    assert packed.flatten().tolist() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]


def test_depth_to_space_undoes_space_to_depth():
    x = torch.rand(2, 3, 6, 10)
    assert torch.equal(blocks.depth_to_space(blocks.space_to_depth(x)), x)


@pytest.mark.parametrize("size", [2, 3, 8, 9])
def test_max_pool_places_its_windows_as_tensorflow_same_does(size):
    x = torch.rand(1, 1, size, 1).expand(-1, -1, -1, size)
    first = -1 if size % 2 else 0
    starts = range(first, size, 2)
    expected = [float(x[0, 0, max(s, 0) : s + 3, 0].max()) for s in starts][: -(-size // 2)]
    assert blocks.max_pool_same(x)[0, 0, :, 0].tolist() == pytest.approx(expected)


class NoTerm(nn.Module):
    """In place of the global branch."""

    def forward(self, x: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
        return x


def forward_reach(net: StageNet, length: int, height: int) -> int:
    """How far to a side one input pixel is felt: with positive weights nothing can cancel."""
    for parameter in net.parameters():
        parameter.data = torch.full_like(parameter, 1.0 if parameter.dim() > 1 else 0.0).double()
    net.unet.scale_shift = NoTerm()
    farthest = 0
    for position in range(length // 2, length // 2 + 32):
        picture = torch.zeros(1, 3, height, length, dtype=torch.float64)
        picture[:, :, :, position] = 1.0
        touched = net(picture)[0].abs().amax(dim=(0, 1)).nonzero().flatten()
        farthest = max(farthest, position - int(touched[0]), int(touched[-1]) - position)
    return farthest


def test_restore_reach_is_what_an_impulse_shows():
    with torch.inference_mode():
        assert forward_reach(restore_net(1).double(), 1024, 64) == reach(RESTORE_DILATIONS) == 337


@pytest.mark.slow
def test_enhance_reach_is_what_an_impulse_shows():
    with torch.inference_mode():
        assert forward_reach(enhance_net(1).double(), 1600, 288) == reach(ENHANCE_DILATIONS) == 741


def test_context_reach_is_less_than_the_whole_reach():
    assert 0 < context_reach(RESTORE_DILATIONS) < reach(RESTORE_DILATIONS)
    assert 0 < context_reach(ENHANCE_DILATIONS) < reach(ENHANCE_DILATIONS)


def test_smallest_sizes_are_the_documents():
    assert (minimum_size(RESTORE_DILATIONS), minimum_size(ENHANCE_DILATIONS)) == (64, 288)
    with torch.inference_mode():
        assert restore_net(2)(torch.rand(1, 3, 64, 64)).shape == (1, 3, 64, 64)
        assert enhance_net(2)(torch.rand(1, 3, 288, 288)).shape == (1, 3, 288, 288)


def test_transposed_convolutions_begin_near_zero_and_biases_at_zero():
    unet: UNet = restore_net(8).unet
    up = unet.expanding[0][0]
    assert 0.0005 < float(up.weight.detach().std()) < 0.0011
    assert up.bias is None
    assert float(unet.bottom.second.conv.bias.detach().abs().max()) == 0.0


def test_adaptive_norm_is_the_identity_at_the_start_and_uses_running_statistics_at_test_time():
    norm = blocks.AdaptiveNorm(4)
    x = torch.rand(1, 4, 6, 6)
    assert torch.equal(norm(x).detach(), x)
    norm.mix.data.fill_(1.0)
    norm.eval()
    with torch.no_grad():
        half, whole = norm(x[..., :3]), norm(x)
    assert half.numpy() == pytest.approx(whole[..., :3].numpy(), abs=1e-6)
    assert not torch.equal(half, x[..., :3])


def test_adaptive_norm_adds_two_parameters_per_inner_convolution():
    plain = sum(p.numel() for p in enhance_net(8).parameters())
    normal = sum(p.numel() for p in enhance_net(8, adaptive_norm=True).parameters())
    assert normal - plain == 2 * 18
