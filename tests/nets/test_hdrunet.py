"""HDRUNet is the paper's: golden vectors, names and counts of its published code, and its reach."""

import pytest

torch = pytest.importorskip("torch")

from rawtool.nets.hdrunet import HdrUnet, ResidualBlock, Sft  # noqa: E402 - after the check


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def filled(net):
    """Tensor k of the sorted names, element i: sin(1 + 0.7 i + 1.3 k) times g."""
    for k, (_, parameter) in enumerate(sorted(net.named_parameters())):
        index = torch.arange(parameter.numel(), dtype=torch.float64)
        gain = 0.05 if parameter.dim() == 1 else parameter[0].numel() ** -0.5
        parameter.data = (torch.sin(1 + 0.7 * index + 1.3 * k) * gain).view(parameter.shape)
    return net.double().eval()


def wave(height, width):
    sizes = (3, height, width)
    c, y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in sizes), indexing="ij")
    return (0.5 + 0.5 * torch.sin(0.3 * x + 0.2 * y + c))[None]


@pytest.fixture(scope="module")
def golden():
    torch.set_num_threads(1)
    net, picture = filled(HdrUnet()), wave(32, 48)
    seen = {}
    hooks = [
        module.register_forward_hook(lambda _, __, found, name=name: seen.__setitem__(name, found))
        for name, module in net.named_children()
    ]
    with torch.inference_mode():
        seen["output"] = net(picture)
    for hook in hooks:
        hook.remove()
    seen["ReLU(conv_first)"] = seen["conv_first"].relu()
    seen["f0"] = seen["HR_conv1"].relu()
    with torch.inference_mode():
        maps = net.maps(picture)
        seen["f1"] = net.recon_trunk1[1](net.recon_trunk1[0](seen["down_conv1"].relu(), maps[1]), maps[1])
    return seen


@pytest.mark.parametrize(
    ("tensor", "mean", "first", "last"),
    [
        ("cond_first", 0.032971765, -0.016172677, 0.024110109),
        ("CondNet1", -0.007366731, -0.106243023, -0.066556260),
        ("CondNet2", -0.005939269, -0.067962045, -0.106877249),
        ("CondNet3", 0.003928259, 0.162460906, -0.112994893),
        ("mask_est", 0.000057457, -0.080312637, 0.014925075),
        ("output", 4.026558542, 74.991405932, 11.537476877),
    ],
)
def test_golden_vectors_of_the_published_graph(golden, tensor, mean, first, last):
    values = golden[tensor]

    found = [float(v) for v in (values.mean(), values[0, 0, 0, 0], values[0, -1, -1, -1])]

    assert found == pytest.approx([mean, first, last], rel=0, abs=6e-10)


@pytest.mark.parametrize(
    ("tensor", "mean"),
    [
        ("ReLU(conv_first)", 0.048939033),
        ("SFT_layer1", 0.047777113),
        ("f0", 0.076644721),
        ("f1", 0.203478180),
    ],
)
def test_golden_means_of_the_base_network(golden, tensor, mean):
    assert float(golden[tensor].mean()) == pytest.approx(mean, rel=0, abs=6e-10)


def test_golden_spread_and_an_inner_value_of_the_output(golden):
    output = golden["output"]

    assert float(output.std(correction=0)) == pytest.approx(50.576788869, rel=0, abs=6e-10)
    assert float(output[0, 1, 16, 24]) == pytest.approx(-39.106669252, rel=0, abs=6e-10)


COUNTS = {
    "conv_first": (2, 1_792),
    "SFT_layer1": (8, 6_336),
    "HR_conv1": (2, 36_928),
    "down_conv1": (2, 36_928),
    "down_conv2": (2, 36_928),
    "recon_trunk1": (40, 173_056),
    "recon_trunk2": (160, 692_224),
    "recon_trunk3": (40, 173_056),
    "up_conv1": (2, 147_712),
    "up_conv2": (2, 147_712),
    "SFT_layer2": (8, 6_336),
    "HR_conv2": (2, 36_928),
    "conv_last": (2, 1_731),
    "cond_first": (6, 10_112),
    "CondNet1": (4, 6_240),
    "CondNet2": (4, 39_008),
    "CondNet3": (4, 55_392),
    "mask_est": (8, 43_075),
}


def test_the_parts_have_the_published_counts_in_the_published_order():
    parts = {name: list(part.parameters()) for name, part in HdrUnet().named_children()}

    found = {name: (len(tensors), sum(t.numel() for t in tensors)) for name, tensors in parts.items()}

    assert list(found.items()) == list(COUNTS.items())
    assert sum(count for _, count in found.values()) == 1_651_494


def test_the_state_has_the_published_names():
    names = list(HdrUnet().state_dict())

    assert len(names) == 298
    block = [name.removeprefix("recon_trunk2.7.") for name in names if name.startswith("recon_trunk2.7.")]
    sft = [f"SFT_{what}_conv{i}" for what in ("scale", "shift") for i in (0, 1)]
    layers = ["conv1", "conv2", *(f"sft{i}.{layer}" for i in (1, 2) for layer in sft)]
    assert block == [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    for part, indices in {"cond_first": (0, 2, 4), "CondNet3": (0, 2), "mask_est": (0, 2, 4, 6)}.items():
        assert [name for name in names if name.startswith(part)] == [
            f"{part}.{i}.{kind}" for i in indices for kind in ("weight", "bias")
        ]
    assert {"up_conv1.0.weight", "SFT_layer2.SFT_shift_conv1.bias"} <= set(names)


def test_residual_blocks_begin_with_a_tenth_of_kaimings_weights_and_without_bias():
    torch.manual_seed(0)
    block = ResidualBlock(64, 32)

    for layer in (block.conv1, block.conv2):
        assert layer.weight.std().item() == pytest.approx(0.1 * (2 / (64 * 9)) ** 0.5, rel=0.02)
        assert layer.bias.abs().max().item() == 0.0
    assert block.sft1.SFT_scale_conv0.bias.abs().max().item() > 0.0


def small(**switches):
    return HdrUnet(8, 4, (1, 2, 1), **switches)


def n_values(net):
    return sum(p.numel() for p in net.parameters())


def test_a_network_without_conditions_has_no_modulation_at_all():
    net = small(has_conditions=False)

    assert not [name for name in net.state_dict() if "SFT" in name or "ond" in name]
    assert n_values(small()) > n_values(net)
    assert net(torch.rand(1, 3, 16, 24)).shape == (1, 3, 16, 24)


def test_a_network_without_weights_adds_the_picture_as_it_is():
    net, picture = small(has_weights=False), torch.rand(1, 3, 16, 24)

    assert not [name for name in net.state_dict() if "mask" in name]
    base = net.base(picture, net.maps(picture))
    torch.testing.assert_close(net(picture) - base, picture, atol=1e-6, rtol=0)


def test_the_modulation_is_around_one():
    sft = Sft(3, 2)
    for parameter in sft.parameters():
        torch.nn.init.zeros_(parameter)
    features = torch.rand(1, 3, 4, 4)

    assert torch.equal(sft(features, torch.rand(1, 2, 4, 4)), features)


def test_the_halo_is_what_an_impulse_shows():
    """With positive weights nothing can cancel; all cells of 4 x 4 behave alike."""
    net = HdrUnet(2, 2).double().eval()
    for parameter in net.parameters():
        parameter.data.fill_(0.25 if parameter.dim() > 1 else 0.0)
    farthest, length = 0, 240
    with torch.inference_mode():
        for place in range(length // 2, length // 2 + net.stride):
            picture = torch.zeros(1, 3, 4, length, dtype=torch.float64)
            picture[..., place] = 1.0
            felt = net(picture)[0].abs().amax(dim=(0, 1)).nonzero().flatten()
            farthest = max(farthest, place - int(felt[0]), int(felt[-1]) - place)

    assert farthest == net.halo


def test_a_tile_with_its_halo_equals_the_whole():
    torch.manual_seed(4)
    net = HdrUnet(16, 8).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.05 if parameter.dim() == 1 else parameter[0].numel() ** -0.5)
    picture = torch.rand(1, 3, 32, 320)

    with torch.inference_mode():
        whole = net(picture)
        window = net(picture[..., 140 - net.halo : 180 + net.halo])
        narrow = net(picture[..., 140 - 16 : 180 + 16])

    scale = float(whole.std())
    kept = whole[..., 140:180]
    assert float((window[..., net.halo : -net.halo] - kept).abs().max()) < 1e-4 * max(scale, 1.0)
    assert float((narrow[..., 16:-16] - kept).abs().max()) > 1e-2 * scale
