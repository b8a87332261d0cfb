"""What a run begins with: another run's weights, or those in a model's files."""

import copy
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.errors import ConfigError, ModelError  # noqa: E402 - after the checks
from rawtool.nets.cameranet_s import RestoreNetS  # noqa: E402
from rawtool.nets.eightbit import RANGE  # noqa: E402
from rawtool.nets.exact import freeze  # noqa: E402
from rawtool.nets.raw_metadata_s import RawMetadataS  # noqa: E402
from rawtool.training.checkpoint import load_checkpoint  # noqa: E402
from rawtool.training.coder_export import coder_card, export_coder  # noqa: E402
from rawtool.training.configs import CameraNetConfig, HdrUnetConfig, RawMetadataConfig  # noqa: E402
from rawtool.training.recipes.hdr_wrappers import reconstructor  # noqa: E402
from rawtool.training.recipes.wrappers import enhancer, restorer  # noqa: E402
from rawtool.training.starts import hand_on, open_start  # noqa: E402
from tests import coders  # noqa: E402


@pytest.mark.parametrize(
    ("name", "step", "config", "build"),
    [
        ("cameranet-s", "restore", CameraNetConfig(), lambda: restorer("s")),
        ("cameranet-s", "enhance", CameraNetConfig(), lambda: enhancer("s")),
        ("hdr-s", "reconstruct", HdrUnetConfig(), lambda: reconstructor(HdrUnetConfig())),
        ("raw-metadata-s", "codec", RawMetadataConfig(), RawMetadataS),
    ],
)
def test_a_shipped_model_gives_every_weight_of_its_network(name, step, config, build):
    network = build()

    found = open_start(Path(name)).weights(step, config)

    ranges = {name: value for name, value in network.state_dict().items() if name.endswith(RANGE)}
    network.load_state_dict(ranges | dict(found))  # strict: every name, every shape


def test_weights_of_a_model_are_those_that_were_exported(untrained_model):
    torch.manual_seed(1)
    exported = RestoreNetS()

    found = open_start(untrained_model).weights("restore", CameraNetConfig())

    for name, value in exported.state_dict().items():
        if not name.endswith(RANGE):
            assert torch.equal(found[f"net.{name}"], value)


def test_steps_begin_with_the_model_and_the_others_are_done(untrained_model, tmp_path):
    start, config = open_start(untrained_model), CameraNetConfig()

    hand_on(start, tmp_path, config, ("restore",))

    assert {path.name for path in tmp_path.iterdir()} == {
        "restore-last.pt",
        "enhance-last.pt",
        "enhance-best.pt",
    }
    kept = load_checkpoint(tmp_path / "enhance-best.pt")
    assert kept.step == 0
    enhancer("s").load_state_dict(kept.average)


def test_a_step_that_the_model_lacks_begins_anew_or_is_refused(untrained_model, tmp_path):
    start = open_start(untrained_model)

    with pytest.raises(ConfigError, match="has no step codec to take; leave --only enhance out"):
        hand_on(start, tmp_path, RawMetadataConfig(), ("enhance",))
    hand_on(start, tmp_path, RawMetadataConfig(), ())

    assert not list(tmp_path.iterdir())


def test_weights_of_another_recipe_are_refused(untrained_model, tmp_path):
    with pytest.raises(ConfigError, match="holds no weights that hdrunet can begin with"):
        open_start(untrained_model).check(HdrUnetConfig())
    open_start(untrained_model).check(replace(CameraNetConfig(), seed=9))
    (tmp_path / "pictures").mkdir()
    with pytest.raises(ConfigError, match="is neither a training run nor a model"):
        open_start(tmp_path / "pictures")


def test_a_damaged_model_is_refused_before_anything_is_made(untrained_model, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(untrained_model, damaged)
    graph = damaged / "restore_tile.onnx"
    graph.write_bytes(graph.read_bytes()[: graph.stat().st_size // 2])

    with pytest.raises(ModelError, match="SHA-256 differs"):
        open_start(damaged)


def test_a_codec_begins_with_what_its_model_computes(tmp_path):
    original = coders.network()
    export_coder(original, coder_card("raw-metadata-s", "9", ""), tmp_path / "raw-metadata-s-v9")
    exported, begun = copy.deepcopy(original), RawMetadataS().eval()
    freeze(exported)

    begun.load_state_dict(open_start(tmp_path / "raw-metadata-s-v9").weights("codec", RawMetadataConfig()))

    freeze(begun)
    for name, value in exported.state_dict().items():
        torch.testing.assert_close(begun.state_dict()[name], value, rtol=0, atol=0)
