"""J4 is the papers' and the published code's: golden vectors and counts; then what makes it a codec."""

import pytest

torch = pytest.importorskip("torch")

from rawtool.nets.raw_metadata import RawMetadataNet, enlarged  # noqa: E402 - after the check
from rawtool.nets.raw_metadata_blocks import GDN  # noqa: E402
from rawtool.nets.raw_metadata_groups import Rate, known, rounded  # noqa: E402
from rawtool.nets.raw_metadata_plan import Plan  # noqa: E402
from tests.nets.golden import fill, summary  # noqa: E402
from tests.nets.lively import lively, with_every_nth_pixel  # noqa: E402

GUIDE_PHASE = 0.5


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def wave(channels=3, height=64, width=96, phase=0.0):
    sizes = (channels, height, width)
    c, y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in sizes), indexing="ij")
    return (0.5 + 0.5 * torch.sin(0.3 * x + 0.2 * y + c + phase))[None]


def parts(net):
    """The nets of the paper, in the order of its table."""
    coders = net.z_coder, net.y_coder
    kinds = ("mask", "context", "entropy")
    return [net.g_a, net.h_a, net.h_s, net.g_s, *(getattr(coder, kind) for kind in kinds for coder in coders)]


def filled(plan):
    """Every net filled by the rule of the golden vectors; GDN keeps its start, without float32's error."""
    net = RawMetadataNet(plan).double().eval()
    for part in parts(net):
        fill(part)
    for layer in net.modules():
        if isinstance(layer, GDN):
            n = len(layer.root_beta)
            layer.root_beta.data = torch.sqrt(torch.ones(n, dtype=torch.float64) + 2.0**-36)
            layer.root_coupling.data = torch.sqrt(0.1 * torch.eye(n, dtype=torch.float64) + 2.0**-36)
    return net


def first_pass(net, guide):
    """Give logits, context and entropy of level z (the paper's v) before anything is decoded."""
    params, mask = torch.zeros(1, 16, 4, 6).double(), torch.zeros(1, 1, 4, 6).double()
    nothing = torch.zeros(1, 8, 4, 6).double(), torch.zeros(1, 8, 4, 6).double(), mask
    return {
        "logits": net.z_coder.logits(params, mask, guide),
        "context": net.z_coder.context(torch.cat(nothing, dim=1), guide),
        "entropy": torch.cat(net.z_coder.gaussians(params, nothing, guide), dim=1),
    }


def observed(*, takes_rest):
    """Run the published sizes on the waves; give the tensors by the names of the table and the result."""
    torch.set_num_threads(1)
    net, picture, guide = filled(Plan(takes_rest=takes_rest)), wave(), wave(phase=GUIDE_PHASE)
    with torch.inference_mode():
        y, z = net.analyse(picture, guide)
        rebuilt = net(picture, guide)
        values = rebuilt.y.values
        params = net.h_s(rebuilt.z.values, guide)
        tensors = {"y": y, "z": z, "z_hat": rebuilt.z.values, "params": params, "y_hat": values}
        tensors |= {"enlarged": enlarged(values), "picture": rebuilt.picture}
        return tensors | first_pass(net, guide), rebuilt


@pytest.fixture(scope="module")
def ours():
    return observed(takes_rest=True)


@pytest.fixture(scope="module")
def published():
    return observed(takes_rest=False)


# Mean, population deviation, first, middle, last; None where the measurement gives no figure.
SHARED = {
    "y": (0.0357585136, 0.115130345, -0.0378023305, 0.194982451, 0.00618884707),
    "z": (0.0115110356, 0.183976741, 0.146730446, -0.119027606, -0.334846961),
    "logits": (0.0511528623, 0.0694795477, 0.0903088052, 0.052208424, 0.169532782),
    "context": (-0.000384553522, 0.110090967, 0.123259902, -0.0037881307, -0.0989542644),
    "entropy": (-0.00180473276, 0.164520509, -0.200010039, -0.0375077, -0.000886057519),
}
PUBLISHED = {
    "z_hat": (-0.0142695223, 0.219539127, None, 0.0, None),
    "params": (-0.00163118518, 1.78247322, 0.234250669, -4.09445418, 1.09569027),
    "y_hat": (0.002337529, 0.164360319, -0.236789462, None, None),
    "enlarged": (0.00234300103, 0.155355602, -0.271764827, 0.00720271025, 0.0755492071),
    "picture": (-0.0251495515, 0.256635866, 0.399665357, -0.0464625307, 0.111291661),
}
OURS = {
    "z_hat": (-0.0218602692, 0.254983242, None, -0.0375075537, None),
    "params": (-0.00132942129, 1.890998, 0.227165426, -2.10608611, 1.17943204),
    "y_hat": (0.000858009525, 0.20037557, -0.236789468, None, None),
    "enlarged": (0.000881941941, 0.193698008, -0.247024327, -0.0110730027, -0.272099462),
    "picture": (-0.0251176317, 0.249060648, 0.411604765, -0.0546043852, 0.11133293),
}


def assert_as_measured(tensor, figures):
    """Nine digits of every figure that was measured."""
    for found, figure in zip(summary(tensor), figures, strict=True):
        if figure is not None:
            assert found == pytest.approx(figure, rel=1e-8, abs=1e-12)
            assert abs(found - figure) <= 0.51 * 10 ** _last_place(figure)


def _last_place(figure):
    """The power of ten of the ninth digit; an exact zero gives nothing away."""
    return -300 if figure == 0 else int(f"{abs(figure):.0e}".split("e")[1]) - 8


@pytest.mark.parametrize("tensor", SHARED)
def test_golden_vectors_before_anything_is_decoded(ours, tensor):
    assert_as_measured(ours[0][tensor], SHARED[tensor])


@pytest.mark.parametrize("tensor", OURS)
def test_golden_vectors_where_the_last_group_takes_the_rest(ours, tensor):
    assert_as_measured(ours[0][tensor], OURS[tensor])


@pytest.mark.parametrize("tensor", PUBLISHED)
def test_golden_vectors_of_the_published_rule(published, tensor):
    assert_as_measured(published[0][tensor], PUBLISHED[tensor])


def assert_coded(coded, sizes, bits, sums):
    assert coded.groups.sum(dim=(0, 2, 3)).tolist() == sizes
    assert float(coded.bits.sum()) == pytest.approx(bits, rel=0, abs=5.1e-7)
    assert (coded.groups[:, :, None] * coded.symbols[:, None]).sum(dim=(0, 2, 3, 4)).tolist() == sums


def test_golden_groups_bits_and_symbols_where_the_last_group_takes_the_rest(ours):
    rebuilt = ours[1]

    assert_coded(rebuilt.z, [13, 2, 1, 8], 239.348249, [-1, 0, 0, -1])
    assert_coded(rebuilt.y, [188, 26, 10, 160], 1000.611924, [29, 3, 0, 13])
    assert float(rebuilt.bpp[0]) == pytest.approx(0.201816434, rel=0, abs=5.1e-10)


def test_golden_groups_bits_and_symbols_of_the_published_rule(published):
    rebuilt = published[1]

    assert_coded(rebuilt.z, [13, 2, 1, 0], 172.570857, [-1, 0, 0, 0])
    assert_coded(rebuilt.y, [219, 25, 6, 1], 764.575493, [30, 5, 0, 0])
    assert float(rebuilt.bpp[0]) == pytest.approx(0.152530330, rel=0, abs=5.1e-10)


def n_values(net):
    return sum(parameter.numel() for parameter in net.parameters())


def test_the_parts_have_the_published_counts():
    counts = [n_values(part) for part in parts(RawMetadataNet())]

    assert counts == [551_916, 123_744, 527_200, 737_716, *[71_352] * 2, *[103_584] * 2, *[42_818] * 2]


@pytest.mark.parametrize(("width", "count"), [(16, 170_712), (32, 623_332), (64, 2_376_084)])
def test_every_width_has_the_published_count(width, count):
    assert n_values(RawMetadataNet(Plan(width))) == count


def small(**switches):
    return lively(RawMetadataNet(Plan(16, **switches)))


def pair(channels=3, guide_channels=3, n=1):
    torch.manual_seed(7)
    return torch.rand(n, channels, 32, 48), torch.rand(n, guide_channels, 32, 48)


def test_the_decoder_rebuilds_the_encoders_picture_from_the_symbols_alone():
    net, (picture, guide) = small(), pair(n=2)

    with torch.inference_mode():
        sent = net(picture, guide)
        found = net.decode(sent.y.symbols, sent.z.symbols, guide)

    assert sent.y.symbols.abs().sum() > 10
    assert torch.equal(sent.y.symbols, sent.y.symbols.round())
    assert torch.equal(found.y.groups, sent.y.groups)
    assert torch.equal(found.picture, sent.picture)


def test_another_guide_gives_another_picture():
    net, (picture, guide) = small(), pair()

    with torch.inference_mode():
        sent = net(picture, guide)
        found = net.decode(sent.y.symbols, sent.z.symbols, guide.roll(1, dims=3))

    assert (found.picture - sent.picture).abs().max() > 1e-2


@pytest.mark.parametrize("n_dropped", [1, 2, 3, 4])
def test_dropped_groups_cost_nothing_and_leave_those_before_as_they_are(n_dropped):
    net, (picture, guide) = with_every_nth_pixel(small()), pair()

    with torch.inference_mode():
        whole, cut = net(picture, guide), net(picture, guide, Rate(n_dropped))

    assert torch.equal(cut.y.bits[:, : 4 - n_dropped], whole.y.bits[:, : 4 - n_dropped])
    assert cut.y.bits[:, 4 - n_dropped :].eq(0).all()
    assert torch.equal(cut.z.bits, whole.z.bits)
    assert float(cut.bits) < float(whole.bits)


def test_the_picture_is_rebuilt_without_looking_at_dropped_symbols():
    net, (picture, guide) = with_every_nth_pixel(small()), pair()

    with torch.inference_mode():
        sent = net(picture, guide, Rate(2))
        first_two = sent.y.groups[:, :2].sum(dim=1, keepdim=True)
        noise = torch.randint(-9, 9, sent.y.symbols.shape) * (1 - first_two)
        found = net.decode(sent.y.symbols + noise, sent.z.symbols, guide, Rate(2))

    assert torch.equal(found.picture, sent.picture)


def test_bits_of_planes_are_shared_by_four_photosites_a_pixel():
    net, (planes, guide) = small(channels=4), pair(4)

    with torch.inference_mode():
        rebuilt = net(planes, guide)

    assert rebuilt.picture.shape == planes.shape
    assert float(rebuilt.bpp) == pytest.approx(float(rebuilt.bits) / (4 * 32 * 48))


def test_the_first_and_the_last_layer_alone_see_the_detail_of_the_guide():
    plain, detailed = RawMetadataNet(Plan(16)), RawMetadataNet(Plan(16, detail_channels=9))
    seeing = [a.shape != b.shape for a, b in zip(plain.parameters(), detailed.parameters(), strict=True)]
    names = [name for (name, _), sees in zip(plain.named_parameters(), seeing, strict=True) if sees]

    assert {name.split(".layer.")[0] for name in names} == {"g_a.layers.0", "g_s.layers.9"}
    assert detailed.eval()(*pair(3, 12)).picture.shape == (1, 3, 32, 48)


def test_a_network_without_a_guide_does_not_look_at_it():
    net, (picture, guide) = small(guide_channels=0), pair()

    with torch.inference_mode():
        found, other = net(picture, guide), net(picture, torch.full_like(guide, torch.nan))

    assert torch.equal(found.picture, other.picture)
    assert found.picture.isfinite().all()


def test_in_training_z_is_rounded_and_y_blurred():
    net, (picture, guide) = small().train(), pair()

    with torch.no_grad():
        rebuilt = net(picture, guide)

    assert torch.equal(rebuilt.z.symbols, rebuilt.z.symbols.round())
    assert (rebuilt.y.symbols - rebuilt.y.symbols.round()).abs().max() > 0.1


@pytest.mark.parametrize("aim", ["bpp", "picture"])
def test_in_training_every_net_learns_from_the_rate_and_from_the_picture(aim):
    net, (picture, guide) = small().train(), pair()

    rebuilt = net(picture, guide)
    loss = rebuilt.bpp.mean() if aim == "bpp" else (rebuilt.picture - picture).abs().mean()
    loss.backward()

    slopes = [sum(p.grad.abs().sum() for p in part.parameters() if p.grad is not None) for part in parts(net)]
    assert [part > 0 for part in slopes] == [aim == "picture" or part is not net.g_s for part in parts(net)]
    assert all(p.grad.isfinite().all() for p in net.parameters() if p.grad is not None)


def test_y_is_told_by_z():
    net, (picture, guide) = small(), pair()

    with torch.inference_mode():
        y, z = net.analyse(picture, guide)
        usual, _ = net.code(rounded(z), rounded(y), guide)
        other, _ = net.code(known(torch.full_like(z, 5.0)), rounded(y), guide)

    assert (usual.values - other.values).abs().max() > 1e-3
