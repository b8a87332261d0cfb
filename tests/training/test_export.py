from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.errors import ModelContractError, VerificationError  # noqa: E402 - after the checks
from rawtool.nets.cameranet import enhance_net, restore_net  # noqa: E402
from rawtool.runtime import devices  # noqa: E402
from rawtool.runtime.card import THUMBNAIL_CHANNELS  # noqa: E402
from rawtool.runtime.catalog import find_model, verify_model  # noqa: E402
from rawtool.runtime.network import find_terms, open_network, reader, run_picture  # noqa: E402
from rawtool.runtime.session import open_session  # noqa: E402
from rawtool.training.cameranet_card import paper_card  # noqa: E402
from rawtool.training.export import export_stage, module_network, write_card, write_index  # noqa: E402
from rawtool.vocabulary import GlobalPass, Task  # noqa: E402


def lively(net):
    """Weights that let every scale speak, where the published start leaves the deep ones silent.

    The output is scaled to a standard deviation of 0.3, that of a picture.
    """
    torch.manual_seed(5)
    for parameter in net.parameters():
        gain = 0.05 if parameter.dim() == 1 else 1.4 * parameter[0].numel() ** -0.5
        torch.nn.init.normal_(parameter, std=gain)
    with torch.no_grad():
        spread = net(torch.rand(1, 3, 288, 288)).std()
        for parameter in net.unet.out.parameters():
            parameter.mul_(0.3 / spread)
    return net


def paper(task, width):
    net = restore_net(width) if task is Task.RESTORE else enhance_net(width)
    return lively(net), paper_card(task, width=width)


class ThumbNet(torch.nn.Module):
    """A net with everything a card can ask for: mosaic, condition, thumbnail, neutral."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(4, 3, 3, stride=1, padding=1)
        self.fully = torch.nn.Linear(THUMBNAIL_CHANNELS + 2, 3)

    def global_vector(self, thumbnail, condition):
        mean = thumbnail.mean(dim=(2, 3))
        return self.fully(torch.cat([mean, condition], dim=1)), mean / mean[:, 1:2]

    def forward(self, picture, condition, vector):
        scale = vector[:, :, None, None] + condition.sum()
        return self.conv(picture) * scale


def thumb_card():
    card = paper_card(Task.RESTORE)
    return replace(
        card,
        name="thumb",
        size="s",
        input=replace(card.input, channels=4, is_balanced=True),
        thumbnail=replace(card.input, name="thumbnail"),
        stride=2,
        halo=2,
        global_halo=0,
        min_size=8,
        global_pass=GlobalPass.THUMBNAIL,
        thumbnail_size=16,
        vector_size=3,
        condition_size=2,
        has_mosaic_input=True,
        has_neutral_output=True,
        has_kept_input=False,
    )


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small graphs gain nothing from threads, and a busy machine makes them wait for each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "n_cores", lambda: 1)
        torch.set_num_threads(1)
        yield


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The paper's two nets at base width 2 in one folder of models."""
    folder = tmp_path_factory.mktemp("models") / "cameranet-paper-v1"
    results = {task: export_stage(*paper(task, 2), folder) for task in Task}
    write_index(folder.parent)
    return folder, results


@pytest.mark.parametrize("task", list(Task))
def test_engines_and_tiles_agree_with_the_net_at_three_odd_sizes(exported, task):
    parity = exported[1][task].parity
    assert len({(row.height, row.width) for row in parity}) == 3
    assert all(row.height % 2 or row.width % 2 for row in parity)
    assert {row.who for row in parity} == {"onnx whole", "onnx tiled", "torch whole", "torch tiled"}
    assert max(row.difference for row in parity) <= 1e-4


def test_an_exported_model_is_found_and_verified(exported, monkeypatch):
    folder, results = exported
    monkeypatch.setenv("RAWTOOL_MODELS_DIR", str(folder.parent))
    model = find_model("cameranet-paper@1", "paper")
    assert model.enhance == results[Task.ENHANCE].card
    verify_model(model)


def test_the_graphs_carry_the_card_and_free_sizes(exported):
    folder, results = exported
    card = results[Task.RESTORE].card
    for pair in (card.graphs, card.torch_graphs):
        session = open_session(folder / pair.tile.path, "cpu", threads=1)
        assert '"cameranet-paper"' in session.card_text
        for size in ((64, 96), (128, 64)):
            inputs = {"picture": np.ones((1, 3, *size)), "vector": np.zeros((1, 32))}
            assert session.run(inputs)["restored"].shape == (1, 3, *size)


def test_a_graph_beside_another_card_is_refused(exported):
    folder, results = exported
    card = replace(results[Task.RESTORE].card, halo=0)
    with pytest.raises(ModelContractError, match="carries another card"):
        open_network(card, folder, "cpu")


def test_measured_rows_may_be_added_later(exported, tmp_path):
    folder, results = exported
    card = results[Task.RESTORE].card
    write_card(replace(card, training="random weights"), tmp_path)
    assert (tmp_path / "restore.json").read_text() == (folder / "restore.json").read_text()
    open_network(replace(card, measured=()), folder, "cpu")


@pytest.mark.parametrize("task", list(Task))
def test_a_halo_below_the_reach_is_noticed_and_nothing_is_written(tmp_path, task):
    net, card = paper(task, 2)
    with pytest.raises(VerificationError, match="tiled differs from the network"):
        export_stage(net, replace(card, halo=32), tmp_path / "out", sizes=[(293, 901)], is_with_torch=False)
    assert list((tmp_path / "out").iterdir()) == []


def test_the_image_wide_term_changes_the_picture():
    net, card = paper(Task.RESTORE, 2)
    network = module_network(net, card)
    picture = np.random.default_rng(3).random((64, 192, 3), dtype=np.float32)
    terms = find_terms(network, reader(picture), (64, 192))
    part = find_terms(network, reader(picture[:, :64] * 0.2), (64, 64))
    a, b = (run_picture(network, picture, chosen) for chosen in (terms, part))
    assert np.abs(a - b).max() > 1e-3


def test_a_thumbnail_net_is_exported_with_condition_mosaic_and_neutral(tmp_path):
    torch.manual_seed(1)
    result = export_stage(ThumbNet(), thumb_card(), tmp_path, sizes=[(8, 6), (37, 53), (101, 40)])
    assert max(row.difference for row in result.parity) <= 1e-4
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "restore.json",
        "restore_global.onnx",
        "restore_global.pt",
        "restore_tile.onnx",
        "restore_tile.pt",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("task", list(Task))
def test_the_papers_full_width_agrees_too(tmp_path, task):
    result = export_stage(*paper(task, 32), tmp_path)
    assert max(row.difference for row in result.parity) <= 1e-4
