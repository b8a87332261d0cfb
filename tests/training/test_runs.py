from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.errors import ConfigError  # noqa: E402 - after the checks
from rawtool.nets.cameranet_s import EnhanceNetS, RestoreNetS  # noqa: E402
from rawtool.training import export  # noqa: E402
from rawtool.training.checkpoint import Checkpoint, save_checkpoint  # noqa: E402
from rawtool.training.configs import HDRUNET_PAPER, CameraNetConfig, HdrUnetConfig  # noqa: E402
from rawtool.training.recipes import cameranet, hdrunet  # noqa: E402
from rawtool.training.recipes.hdr_wrappers import reconstructor  # noqa: E402
from rawtool.training.recipes.wrappers import enhancer, restorer  # noqa: E402
from rawtool.training.runs import export_run, is_run, read_run, training_summary  # noqa: E402
from rawtool.training.settings import dump_config  # noqa: E402
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

    monkeypatch.setattr(cameranet, "export_stage", keep)
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


def test_the_training_says_what_it_began_with(run):
    save(run, "restore", restorer("s"), "last")
    (run / "run.json").write_text('{"recipe": "cameranet", "start": "cameranet-s@9"}', encoding="utf-8")

    assert "in 2 min from cameranet-s@9;" in training_summary(read_run(run), run)


@pytest.mark.parametrize("config", [HdrUnetConfig(seed=5), HDRUNET_PAPER])
def test_the_facts_of_a_run_say_which_recipe_made_it(run, config):
    (run / "settings.toml").write_text(dump_config(config), encoding="utf-8")
    (run / "run.json").write_text('{"recipe": "hdrunet", "precision": "fp32"}', encoding="utf-8")

    assert read_run(run) == config


@pytest.mark.parametrize("facts", ['{"precision": "fp32"}', "[1]", '{"recipe": "hdr', "\xff"])
def test_a_run_whose_facts_name_no_recipe_is_one_of_cameranet(run, facts):
    (run / "run.json").write_bytes(facts.encode("latin-1"))

    assert read_run(run) == replace(CameraNetConfig(), seed=3)


def test_a_run_of_a_recipe_that_is_not_here_is_refused(run):
    (run / "run.json").write_text('{"recipe": "pictures-from-smells"}', encoding="utf-8")

    with pytest.raises(ConfigError, match="run was made by a recipe pictures-from-smells, which"):
        read_run(run)


def test_the_averaged_weights_of_an_hdr_run_become_a_model(run, tmp_path, monkeypatch):
    exported = []
    monkeypatch.setattr(hdrunet, "export_stage", lambda net, card, out: exported.append((net, card, out)))
    monkeypatch.setattr(export, "write_index", exported.append)
    config = HdrUnetConfig(size="paper", loss="l2", width=4, n_blocks=1)
    (run / "settings.toml").write_text(dump_config(config), encoding="utf-8")
    (run / "run.json").write_text('{"recipe": "hdrunet"}', encoding="utf-8")
    network = reconstructor(config)
    for kind in ("best", "last"):
        save(run, "reconstruct", network, kind)

    export_run(run, tmp_path / "models" / "mine")

    (net, card, out), models = exported
    assert torch.equal(net.conv_last.weight, network.net.conv_last.weight)
    assert not net.training
    assert (card.name, card.task) == ("hdrunet-paper", Task.HDR)
    batch = f"{config.reconstruct.batch} x {config.reconstruct.crop} px"
    assert card.training.startswith(f"reconstruct: 7 steps of {batch} in 2 min; loss l2")
    assert (out, models) == (tmp_path / "models" / "mine", tmp_path / "models")
