import shutil
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.errors import ModelContractError, VerificationError  # noqa: E402 - after the checks
from rawtool.nets.cameranet import enhance_net, restore_net  # noqa: E402
from rawtool.runtime import catalog, session  # noqa: E402
from rawtool.runtime.card import SCHEMA, THUMBNAIL_CHANNELS, Card, TensorSpec  # noqa: E402
from rawtool.runtime.catalog import VERBS, find_model, verify_model  # noqa: E402
from rawtool.runtime.network import find_terms, open_network, reader, run_picture  # noqa: E402
from rawtool.runtime.session import open_session  # noqa: E402
from rawtool.training import export  # noqa: E402
from rawtool.training.cameranet_card import paper_card  # noqa: E402
from rawtool.training.export import export_stage, module_network, write_card, write_index  # noqa: E402
from rawtool.vocabulary import Encoding, GlobalPass, Space, Task  # noqa: E402

PAPER_TASKS = VERBS["develop"]


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


class FarLightNet(torch.nn.Module):
    """Light from a display-encoded picture: a curve, and behind clipping what far cells of 64 pixels say.

    The curve is a power of 2.2, or comes from a thumbnail as 1024 samples.
    """

    def __init__(self, *, has_vector):
        super().__init__()
        self.far = torch.nn.Conv2d(3, 3, 3, padding=4, dilation=4)
        self.exponent = torch.nn.Linear(THUMBNAIL_CHANNELS, 1) if has_vector else None

    def global_vector(self, thumbnail):
        exponent = 1 + torch.sigmoid(self.exponent(thumbnail.mean(dim=(2, 3))))
        return torch.linspace(0, 1, 1024)[None] ** exponent

    def forward(self, picture, vector=None):
        light = picture**2.2 if vector is None else self.look_up(picture, vector[0])
        cells = torch.nn.functional.avg_pool2d(picture, 64)
        behind = torch.nn.functional.interpolate(self.far(cells), scale_factor=64.0)
        return light + torch.clamp((picture - 0.88) / 0.12, 0, 1) * torch.exp(3 * behind)

    @staticmethod
    def look_up(picture, curve):
        below = torch.clamp((picture * 1023).long(), max=1022)
        return curve[below] + (picture * 1023 - below) * (curve[below + 1] - curve[below])


def light_card(*, has_vector):
    taken = TensorSpec("picture", 3, Space.DISPLAY, Encoding.SRGB, True, 0.0, 1.0, "a finished picture")
    return Card(
        schema=SCHEMA,
        name="far-light",
        version="1",
        size="s",
        task=Task.HDR,
        input=taken,
        output=replace(taken, name="light", space=Space.SCENE_LINEAR, encoding=Encoding.LINEAR, high=None),
        thumbnail=replace(taken, name="thumbnail") if has_vector else None,
        stride=64,
        halo=256,
        global_halo=0,
        min_size=64,
        global_pass=GlobalPass.THUMBNAIL if has_vector else GlobalPass.NONE,
        thumbnail_size=32 if has_vector else None,
        vector_size=1024 if has_vector else 0,
        condition_size=0,
        has_mosaic_input=False,
        has_neutral_output=False,
        has_kept_input=False,
        bytes_per_pixel=200,
        opset=17,
        tolerance=1e-4,
        licence="Apache-2.0",
        may_invent_detail=True,
        training="random weights",
        measured=(),
        graphs=None,
        torch_graphs=None,
    )


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small graphs gain nothing from threads, and a busy machine makes them wait for each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "n_cores", lambda: 1)
        torch.set_num_threads(1)
        yield


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The paper's two nets at base width 2 in one folder of models."""
    folder = tmp_path_factory.mktemp("models") / "cameranet-paper-v1"
    results = {task: export_stage(*paper(task, 2), folder) for task in PAPER_TASKS}
    write_index(folder.parent)
    return folder, results


@pytest.mark.parametrize("task", PAPER_TASKS)
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


@pytest.mark.parametrize("task", PAPER_TASKS)
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


@pytest.mark.parametrize("has_vector", [True, False])
def test_an_hdr_net_is_exported_proved_and_indexed_beside_a_model_for_develop(
    exported, tmp_path, monkeypatch, has_vector
):
    torch.manual_seed(7)
    net = FarLightNet(has_vector=has_vector)
    shutil.copytree(exported[0], tmp_path / exported[0].name)
    folder = tmp_path / "far-light-v1"

    result = export_stage(net, light_card(has_vector=has_vector), folder)
    write_index(tmp_path)

    assert {row.who for row in result.parity} == {"onnx whole", "onnx tiled", "torch whole", "torch tiled"}
    kinds = ("tile", "global") if has_vector else ("tile",)
    graphs = {f"hdr_{kind}.{suffix}" for kind in kinds for suffix in ("onnx", "pt")}
    assert {path.name for path in folder.iterdir()} == graphs | {"hdr.json"}
    monkeypatch.setattr(catalog, "model_folders", lambda: (tmp_path,))
    model = find_model(task=Task.HDR)
    assert (model.folder, model.hdr) == (folder, result.card)
    verify_model(model)
    assert find_model(task=Task.RESTORE).name == "cameranet-paper"


@pytest.mark.parametrize("size", [(1, 1), (63, 1), (65, 130)])
def test_an_exported_hdr_net_gives_the_light_of_pictures_of_any_size(tmp_path, size):
    net, card = FarLightNet(has_vector=True), light_card(has_vector=True)
    card = export_stage(net, card, tmp_path, is_with_torch=False, sizes=[(65, 67)]).card
    picture = np.random.default_rng(2).random((*size, 3), dtype=np.float32)
    picture[0, 0] = 1.0

    found = []
    for network in (module_network(net.eval(), card), open_network(card, tmp_path, "cpu", threads=1)):
        terms = find_terms(network, reader(picture), size)
        found.append(run_picture(network, picture, terms))

    assert terms.vector.shape == (1024,)
    assert found[1].shape == (*size, 3)
    assert np.abs(found[0] - found[1]).max() <= 1e-4
    assert found[1][0, 0].min() > 1.0


def test_an_hdr_net_with_too_small_a_halo_is_not_exported(tmp_path):
    card = replace(light_card(has_vector=False), halo=192)
    with pytest.raises(VerificationError, match=r"far-light hdr: .* tiled differs"):
        export_stage(FarLightNet(has_vector=False), card, tmp_path, is_with_torch=False, sizes=[(775, 64)])


def test_a_display_encoded_picture_is_clipped_in_part_for_the_proof():
    picture, condition = export._proof_inputs(light_card(has_vector=False), (80, 90))
    assert (picture.shape, picture.dtype, condition) == ((80, 90, 3), np.float32, None)
    assert (picture == 1.0).mean() == pytest.approx(0.2, abs=0.02)
    assert picture.min() >= 0.0


@pytest.mark.slow
@pytest.mark.parametrize("task", PAPER_TASKS)
def test_the_papers_full_width_agrees_too(tmp_path, task):
    result = export_stage(*paper(task, 32), tmp_path)
    assert max(row.difference for row in result.parity) <= 1e-4
