"""A studio opens only with a network for HDR that is what it promises to be."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.errors import DeviceError, ModelContractError, ModelError, ModelNotFoundError  # noqa: E402
from rawtool.pipelines.studio import HdrSettings, HdrTargets, open_studio  # noqa: E402
from rawtool.runtime.catalog import digest  # noqa: E402
from rawtool.training.export import export_stage, write_index  # noqa: E402
from rawtool.vocabulary import Format, Task  # noqa: E402
from tests import hdrnets  # noqa: E402
from tests.runtime.cards import hdr_card  # noqa: E402


class Glow(torch.nn.Module):
    """Twice the light."""

    def forward(self, picture):
        return 2 * picture**2.2


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "toy-v1"
    card = hdr_card(**(hdrnets.SMALL | hdrnets.WITHOUT_TERM), version="1", size="s")
    card = replace(card, graphs=None, torch_graphs=None)
    export_stage(Glow(), card, folder, is_with_torch=False, sizes=[(20, 24)])
    write_index(folder.parent)
    return folder


def test_the_network_is_loaded_and_the_digest_is_that_of_the_files(model, monkeypatch):
    monkeypatch.setenv("RAWTOOL_MODELS_DIR", str(model.parent))

    studio = open_studio("toy", device="cpu", threads=1)

    assert studio.network.card.task is Task.HDR
    assert (studio.model.label, studio.sha256) == ("toy@1", digest(studio.model))
    assert (studio.device, studio.model.folder) == ("cpu", model)
    assert "CPU" in studio.provider


def test_a_damaged_file_is_refused_before_it_is_loaded(model, tmp_path):
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    with (folder / "hdr_tile.onnx").open("r+b") as graph:
        graph.seek(40)
        graph.write(b"damage")

    with pytest.raises(ModelError, match="SHA-256 differs"):
        open_studio(str(folder), device="cpu")


def test_without_a_model_for_hdr_one_line_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("rawtool.runtime.catalog.model_folders", lambda: (tmp_path,))

    with pytest.raises(ModelNotFoundError, match="no model for rawtool hdr; installed: none"):
        open_studio()


def test_a_model_for_something_else_is_refused(untrained_model):
    with pytest.raises(ModelContractError, match="does not reconstruct HDR"):
        open_studio(str(untrained_model))


def test_an_unknown_device_is_refused(model):
    with pytest.raises(DeviceError):
        open_studio(str(model), device="abacus")


def test_the_defaults_are_those_of_the_manual():
    settings = HdrSettings()

    assert (settings.format, settings.white_nits, settings.peak_nits) == (Format.EXR, 203.0, None)
    assert (settings.highlight_strength, settings.max_gain_ev) == (100.0, 8.0)
    assert (settings.gain_map_scale, settings.gain_map_channels, settings.gain_map_quality) == (1, 3, 95)


def test_targets_know_their_formats():
    targets = HdrTargets(((Format.EXR, Path("a.exr")), (Format.UHDR, Path("a.jpg"))))

    assert targets.formats == {Format.EXR, Format.UHDR}
