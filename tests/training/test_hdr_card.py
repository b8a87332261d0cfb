"""The cards of the HDR networks: what they promise is what the networks do, in files as in torch."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.errors import VerificationError  # noqa: E402 - after the checks
from rawtool.nets.hdr_s import THUMBNAIL  # noqa: E402
from rawtool.runtime import session  # noqa: E402
from rawtool.runtime.card import dumps, loads  # noqa: E402
from rawtool.runtime.network import find_terms, open_network, reader, run_picture  # noqa: E402
from rawtool.runtime.thumbnails import thumbnail  # noqa: E402
from rawtool.training.configs import HDRUNET_PAPER, HdrUnetConfig  # noqa: E402
from rawtool.training.export import export_stage, module_network  # noqa: E402
from rawtool.training.hdr_card import hdr_card  # noqa: E402
from rawtool.training.recipes.hdr_wrappers import ReconstructorS, reconstructor  # noqa: E402
from rawtool.vocabulary import Encoding, GlobalPass, Space, Task  # noqa: E402
from tests.lively import lively  # noqa: E402

SMALL = HdrUnetConfig()
TINY_PAPER = replace(HDRUNET_PAPER, width=8, n_blocks=1)
both_sizes = pytest.mark.parametrize("config", [SMALL, TINY_PAPER], ids=["s", "paper"])


@pytest.fixture(scope="module", autouse=True)
def one_core():
    """Small graphs gain nothing from threads, and a busy machine makes them wait for each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "n_cores", lambda: 1)
        yield


def lively_net(config):
    return lively(reconstructor(config).net)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Both networks with random weights, by size: the folder, and what was found of the files."""
    results = {}
    for config in (SMALL, TINY_PAPER):
        folder = tmp_path_factory.mktemp(config.size)
        results[config.size] = (folder, export_stage(lively_net(config), hdr_card(config, ""), folder))
    return results


def picture_of(height, width, seed=4):
    """Encoded values, a fifth of them clipped."""
    picture = np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)
    return np.minimum(1.25 * picture, np.float32(1.0))


def run(network, picture, tile):
    terms = find_terms(network, reader(picture), picture.shape[:2], tile=tile)
    return run_picture(network, picture, terms, tile)


def test_size_s_takes_srgb_and_gives_light_by_a_guide():
    card = hdr_card(SMALL, "")

    assert (card.name, card.size, card.task) == ("hdr-s", "s", Task.HDR)
    assert (card.input.space, card.input.encoding) == (Space.DISPLAY, Encoding.SRGB)
    assert (card.output.space, card.output.encoding) == (Space.SCENE_LINEAR, Encoding.LINEAR)
    assert card.global_pass is GlobalPass.GUIDE
    assert (card.stride, card.halo, card.thumbnail_size) == (8, 64, THUMBNAIL)
    assert card.may_invent_detail


def test_size_paper_takes_and_gives_the_curve_of_its_data():
    card = hdr_card(HDRUNET_PAPER, "")

    assert (card.name, card.size, card.task) == ("hdrunet-paper", "paper", Task.HDR)
    assert (card.input.space, card.input.encoding) == (Space.DISPLAY, Encoding.GAMMA_224)
    assert (card.output.space, card.output.encoding) == (Space.SCENE_LINEAR, Encoding.GAMMA_224)
    assert (card.global_pass, card.thumbnail, card.vector_size) == (GlobalPass.NONE, None, 0)
    assert (card.stride, card.halo) == (4, 96)


@both_sizes
def test_the_card_is_written_and_read_as_it_is(config):
    card = hdr_card(config, "10 steps on two scenes")

    assert loads(dumps(card)) == card
    assert card.training == "10 steps on two scenes"


@both_sizes
def test_files_and_tiles_agree_with_the_network_at_three_odd_sizes(exported, config):
    folder, result = exported[config.size]

    assert len({(row.height, row.width) for row in result.parity}) == 3
    assert {row.who for row in result.parity} == {"onnx whole", "onnx tiled", "torch whole", "torch tiled"}
    assert max(row.difference for row in result.parity) <= result.card.tolerance
    kinds = ("tile", "global") if config.size == "s" else ("tile",)
    graphs = {f"hdr_{kind}.{suffix}" for kind in kinds for suffix in ("onnx", "pt")}
    assert {path.name for path in folder.iterdir()} == {"hdr.json"} | graphs


@both_sizes
def test_without_its_halo_tiles_would_show_and_nothing_is_exported(tmp_path, config):
    card = replace(hdr_card(config, ""), halo=0)

    with pytest.raises(VerificationError, match=rf"{card.name} hdr: .* tiled differs"):
        export_stage(lively_net(config), card, tmp_path, is_with_torch=False, sizes=[(40, 131)])
    assert list(tmp_path.iterdir()) == []


@both_sizes
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (65, 130)])
def test_files_give_the_light_of_pictures_of_any_size(exported, config, size):
    folder, result = exported[config.size]
    picture = picture_of(*size)

    found = run(open_network(result.card, folder, "cpu", threads=1), picture, None)

    expected = run(module_network(lively_net(config), result.card), picture, None)
    assert found.shape == (*size, 3)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_the_files_of_size_s_do_what_is_trained(exported):
    """The runtime's guide, sampled window by window, is the one that the loss saw over a whole frame."""
    folder, result = exported["s"]
    picture = picture_of(96, 136)
    trained = ReconstructorS()
    trained.net = lively_net(SMALL)
    network = open_network(result.card, folder, "cpu", threads=1)
    planes = torch.from_numpy(picture.transpose(2, 0, 1)[None].copy())
    small = thumbnail(reader(picture), (96, 136), THUMBNAIL)
    with torch.no_grad():
        expected = trained(planes, torch.from_numpy(small.transpose(2, 0, 1)[None].copy()))

    found = run(network, picture, 48)

    np.testing.assert_allclose(found, expected[0].numpy().transpose(1, 2, 0), rtol=2e-4, atol=1e-4)
    assert np.std(found) > 0.1


@both_sizes
def test_a_net_that_was_never_trained_is_exported_too(tmp_path, config):
    torch.manual_seed(1)

    result = export_stage(
        reconstructor(config).net, hdr_card(config, ""), tmp_path, is_with_torch=False, sizes=[(13, 21)]
    )

    assert max(row.difference for row in result.parity) <= 1e-4
