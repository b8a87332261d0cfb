"""SingleHDR joined: the chain's golden vector, its blend, its halo, and that it exports."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.nets import singlehdr  # noqa: E402 - after the checks
from rawtool.nets.hdrunet import HdrUnet  # noqa: E402
from rawtool.nets.singlehdr import SingleHdr, clipped_share  # noqa: E402
from rawtool.nets.singlehdr_hallucination import REACH as HALLUCINATION_REACH  # noqa: E402
from rawtool.nets.singlehdr_unet import REACH as UNET_REACH  # noqa: E402
from rawtool.runtime import session  # noqa: E402
from rawtool.runtime.card import SCHEMA, Card, TensorSpec  # noqa: E402
from rawtool.training.export import export_stage  # noqa: E402
from rawtool.vocabulary import Encoding, GlobalPass, Space, Task  # noqa: E402
from tests.nets.golden import farthest, fill, positive, wave  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small graphs gain nothing from threads, and a busy machine makes them wait for each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "n_cores", lambda: 1)
        torch.set_num_threads(1)
        yield


CURVE = torch.linspace(0, 1, 1024)[None]


def lively(net, gain=1.2):
    """Weights that let every scale speak; the normalisations stay near one."""
    torch.manual_seed(5)
    for parameter in net.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=gain * parameter[0].numel() ** -0.5)
    return net.eval()


def test_the_four_networks_have_the_papers_count():
    net = SingleHdr(has_refinement=True)

    assert sum(p.numel() for p in net.parameters()) == 29_036_815
    assert sum(p.numel() for p in SingleHdr().parameters()) == 27_769_868


class AsItIs(torch.nn.Module):
    """In place of the dequantisation, which the golden chain leaves out."""

    def forward(self, picture):
        return picture


def test_the_chain_has_its_golden_values():
    net = SingleHdr()
    net.dequantization = AsItIs()
    fill(net.linearization.trunk)
    fill(net.linearization.head, start=91)
    fill(net.hallucination)
    picture = wave(64, 96)

    with torch.inference_mode():
        net.double()
        curve = net.global_vector(picture)
        light = net(picture, curve)

    # The basis is kept in float32, which costs the last digits.
    found = [float(v) for v in (light.mean(), light.std(correction=0), light[0, 1, 32, 48])]
    assert found == pytest.approx([0.576623734, 0.436405825, 0.855604081], abs=1e-6)
    clipped = singlehdr.apply_curve(curve, picture)
    found = [float(v) for v in (clipped.mean(), clipped.std(correction=0), clipped_share(clipped).mean())]
    assert found == pytest.approx([0.494623038, 0.341292287, 0.388617246], abs=1e-6)


def test_the_blend_begins_at_088_and_ends_at_white():
    red = torch.tensor([0.5, 0.88, 0.91, 0.94, 1.0])
    light = torch.stack([red, torch.zeros(5), torch.full((5,), 0.3)])[None, :, None]

    assert clipped_share(light)[0, 0, 0].tolist() == pytest.approx([0, 0, 0.25, 0.5, 1], abs=1e-6)


def test_light_is_the_decoded_picture_where_nothing_is_clipped_and_never_less():
    net = lively(SingleHdr(0.05))
    net.dequantization = AsItIs()
    dark, bright = 0.85 * torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64).clamp(min=0.85)

    with torch.no_grad():
        torch.testing.assert_close(net(dark, CURVE.square()), dark.square(), atol=1e-5, rtol=0)
        gain = net(bright, CURVE) - bright

    assert float(gain.min()) > -1e-6
    assert float(gain.max()) > 1e-3


def test_the_curve_is_that_of_the_dequantised_thumbnail():
    net, thumbnail = lively(SingleHdr(0.05)), torch.rand(2, 3, 64, 64)

    with torch.no_grad():
        vector = net.global_vector(thumbnail)
        expected = net.linearization(net.dequantization(thumbnail).clamp(0, 1))

    assert vector.shape == (2, net.vector_size)
    assert torch.equal(vector, expected)


def test_refinement_sees_light_clipped_light_and_codes():
    net = lively(SingleHdr(0.05, has_refinement=True))
    seen = []
    net.refinement.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    picture = torch.rand(1, 3, 32, 32)

    with torch.no_grad():
        refined = net(picture, CURVE.square())
        encoded = net.dequantised(picture)
        plain = lively(SingleHdr(0.05))
        plain.load_state_dict(net.state_dict(), strict=False)

        expected = [plain(picture, CURVE.square()), encoded.square(), encoded]

    torch.testing.assert_close(seen[0], torch.cat(expected, dim=1), atol=1e-5, rtol=1e-5)
    assert float(refined.min()) >= 0


def chain_reach(net, monkeypatch):
    """Let an impulse through: light is hallucinated everywhere, and black stays 0."""
    monkeypatch.setattr(singlehdr, "clipped_share", lambda light: torch.ones_like(light[:, :1]))
    net.hallucination.vgg_mean.zero_()
    curve = CURVE.double()

    def run(picture):
        return net(picture, curve)

    return farthest(lambda h, w: torch.zeros(1, 3, h, w).double(), run, length=960, stride=32, height=32)


def test_the_halo_is_enough_for_what_an_impulse_shows(monkeypatch):
    net = positive(SingleHdr(0.01), 0.05)
    bound = UNET_REACH + HALLUCINATION_REACH

    assert net.halo - net.stride < chain_reach(net, monkeypatch) <= bound <= net.halo


@pytest.mark.slow
def test_the_halo_is_enough_with_refinement_too(monkeypatch):
    net = positive(SingleHdr(0.01, has_refinement=True), 0.05)
    bound = 2 * UNET_REACH + HALLUCINATION_REACH

    assert net.halo - net.stride < chain_reach(net, monkeypatch) <= bound <= net.halo


def hdr_card(net, encoding, output_encoding, thumbnail=None):
    """The card of a network for HDR, as export needs it."""

    def spec(name, space, curve, high):
        return TensorSpec(
            name, 3, space, curve, is_balanced=True, low=0.0, high=high, description="for tests"
        )

    small = spec("thumbnail", Space.DISPLAY, encoding, 1.0) if thumbnail else None
    return Card(
        schema=SCHEMA,
        name="hdr-test",
        version="1",
        size="paper",
        task=Task.HDR,
        input=spec("picture", Space.DISPLAY, encoding, 1.0),
        output=spec("light", Space.SCENE_LINEAR, output_encoding, None),
        thumbnail=small,
        stride=net.stride,
        halo=net.halo,
        global_halo=0,
        min_size=net.stride,
        global_pass=GlobalPass.THUMBNAIL if thumbnail else GlobalPass.NONE,
        thumbnail_size=thumbnail,
        vector_size=net.vector_size if thumbnail else 0,
        condition_size=0,
        has_mosaic_input=False,
        has_neutral_output=False,
        has_kept_input=False,
        bytes_per_pixel=400,
        opset=17,
        tolerance=1e-4,
        licence="Apache-2.0",
        may_invent_detail=True,
        training="for tests",
        measured=(),
        graphs=None,
        torch_graphs=None,
    )


@pytest.mark.parametrize("has_refinement", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_it_exports_and_engines_and_tiles_agree_with_it(tmp_path, has_refinement):
    net = lively(SingleHdr(0.05, has_refinement=has_refinement))
    card = hdr_card(net, Encoding.SRGB, Encoding.LINEAR, thumbnail=64)

    result = export_stage(net, card, tmp_path, sizes=[(37, 45), (50, 2 * net.halo + 135)])

    assert {row.who for row in result.parity} == {"onnx whole", "onnx tiled", "torch whole", "torch tiled"}
    assert max(row.difference for row in result.parity) <= 1e-4
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".onnx", ".onnx", ".pt", ".pt"]


def test_a_narrow_hdrunet_exports_and_engines_and_tiles_agree_with_it(tmp_path):
    net = lively(HdrUnet(8, 4), gain=1.0)
    card = hdr_card(net, Encoding.GAMMA_224, Encoding.GAMMA_224)

    result = export_stage(net, card, tmp_path, sizes=[(33, 37), (50, 301)])

    assert max(row.difference for row in result.parity) <= 1e-4
