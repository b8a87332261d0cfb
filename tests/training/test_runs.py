from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.errors import ConfigError  # noqa: E402 - after the checks
from rawtool.nets.cameranet_s import EnhanceNetS, RestoreNetS  # noqa: E402
from rawtool.training import export  # noqa: E402
from rawtool.training.checkpoint import Checkpoint, save_checkpoint  # noqa: E402
from rawtool.training.recipes.wrappers import enhancer, restorer  # noqa: E402
from rawtool.training.runs import card_of, export_run, is_run, read_run, training_summary  # noqa: E402
from rawtool.training.settings import PAPER, CameraNetConfig  # noqa: E402
from rawtool.vocabulary import Task  # noqa: E402


def save(run, stage, network, kind="best", step=7, seconds=90.0):
    weights = network.state_dict()
    save_checkpoint(run / f"{stage}-{kind}.pt", Checkpoint(stage, step, seconds, 1.0, weights, weights, {}))


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "settings.toml").write_text("seed = 3\n", encoding="utf-8")
    return folder


def test_a_run_is_known_by_its_settings(run, tmp_path):
    assert is_run(run)
    assert not is_run(tmp_path)
    assert not is_run(tmp_path / "missing")


def test_settings_are_laid_over_the_recipe(run):
    assert read_run(run) == replace(CameraNetConfig(), seed=3)


def test_another_folder_is_no_run(tmp_path):
    with pytest.raises(ConfigError, match=r"is not a training run: it has no settings\.toml"):
        read_run(tmp_path)


def test_a_run_without_step_2_cannot_be_exported(run, tmp_path):
    save(run, "restore", restorer("s"))

    with pytest.raises(ConfigError, match=r"enhance-best\.pt"):
        export_run(run, tmp_path / "model")


def test_the_averaged_weights_of_both_stages_become_a_model(run, tmp_path, monkeypatch):
    exported, indexed = {}, []

    def keep(net, card, out):
        exported[card.task] = (net, out)

    monkeypatch.setattr(export, "export_stage", keep)
    monkeypatch.setattr(export, "write_index", indexed.append)
    network = restorer("s")
    save(run, "restore", network)
    save(run, "enhance", enhancer("s"))

    export_run(run, tmp_path / "models" / "mine")

    found, out = exported[Task.RESTORE]
    assert {task: type(net) for task, (net, _) in exported.items()} == {
        Task.RESTORE: RestoreNetS,
        Task.ENHANCE: EnhanceNetS,
    }
    assert torch.equal(found.out.bias, network.net.out.bias)
    assert (out, indexed) == (tmp_path / "models" / "mine", [tmp_path / "models"])


def test_the_training_is_summed_up_as_far_as_it_went(run):
    save(run, "restore", restorer("s"), "last")

    summary = training_summary(read_run(run), run)

    stage = CameraNetConfig().restore
    assert summary.startswith(f"restore: 7 steps of {stage.batch} x {stage.crop} px in 2 min; loss encoded")
    assert "enhance" not in summary


@pytest.mark.parametrize(("config", "name"), [(CameraNetConfig(), "cameranet-s"), (PAPER, "cameranet-paper")])
def test_the_card_is_that_of_the_size(run, config, name):
    card = card_of(Task.ENHANCE, config, run)

    assert (card.name, card.task) == (name, Task.ENHANCE)
    assert f"loss {config.loss}" in card.training
