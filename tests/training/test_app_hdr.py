"""What `rawtool train` calls for HDR: from scenes to a model that a studio opens, and its scores."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("matplotlib")
pytest.importorskip("onnx")

from rawtool.errors import ConfigError, ModelContractError  # noqa: E402 - after the checks
from rawtool.nets.hdrunet import HdrUnet  # noqa: E402
from rawtool.pipelines.studio import open_studio  # noqa: E402
from rawtool.runtime.catalog import sha256_of  # noqa: E402
from rawtool.training import app, export  # noqa: E402
from rawtool.training.app import TrainOptions, export_run, import_hdrunet, train  # noqa: E402
from rawtool.training.checkpoint import load_checkpoint  # noqa: E402
from rawtool.training.configs import HdrUnetConfig  # noqa: E402
from rawtool.training.hdr_evaluation import DO_NOTHING  # noqa: E402
from rawtool.training.runs import read_run  # noqa: E402

WORDS = ("reconstruct.crop=32", "reconstruct.batch=1", "workers=0", "width=8", "n_blocks=1")


@pytest.fixture(scope="module", autouse=True)
def small_proofs():
    """One small picture is proof enough here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "proof_sizes", lambda card: ((card.min_size + 5, card.min_size + 2),))
        yield


def options_for(workshop, out, **changes):
    asked = TrainOptions(
        data=workshop.folder,
        out=out,
        config=None,
        overrides=WORDS,
        size="paper",
        loss=None,
        device="cpu",
        n_devices=1,
        precision="fp32",
        max_steps=2,
        max_minutes=None,
        seed=4,
        is_resumed=False,
        is_dry=False,
    )
    return replace(asked, **changes)


@pytest.fixture(scope="module")
def finished(workshop, tmp_path_factory):
    """Two steps of HDRUNet at width 8."""
    out = tmp_path_factory.mktemp("finished") / "run"
    assert train("hdrunet", options_for(workshop, out)) == 0
    return out


def test_a_run_leaves_settings_facts_log_pictures_and_checkpoints(finished):
    assert {path.name for path in finished.iterdir()} == {
        "settings.toml",
        "run.json",
        "log.jsonl",
        "curves.png",
        "samples-hdr.png",
        "reconstruct-best.pt",
        "reconstruct-last.pt",
    }
    assert json.loads((finished / "run.json").read_text())["recipe"] == "hdrunet"
    config = read_run(finished)
    assert (config.recipe, config.size, config.loss) == ("hdrunet", "paper", "tanh-l1")
    assert (config.width, config.seed, config.reconstruct.steps) == (8, 4, 2)


def test_a_run_goes_on_where_it_stood_but_not_as_another_recipe(workshop, finished, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    for path in finished.iterdir():
        (out / path.name).write_bytes(path.read_bytes())
    again = options_for(workshop, out, is_resumed=True, max_steps=3)

    with pytest.raises(ConfigError, match=r"is a run of hdrunet; resume it with: rawtool train hdrunet"):
        train("cameranet", replace(again, overrides=()))
    with pytest.raises(ConfigError, match=r"was begun with --size paper"):
        train("hdrunet", replace(again, size="s"))
    assert train("hdrunet", again) == 0

    assert load_checkpoint(out / "reconstruct-last.pt").step == 3


def test_the_loss_may_be_chosen_and_one_of_another_recipe_not(workshop, tmp_path):
    asked = options_for(workshop, tmp_path / "run")

    assert app._config("hdrunet", replace(asked, loss="pq")).loss == "pq"
    assert app._config("hdrunet", replace(asked, size="s")).loss == HdrUnetConfig().loss
    with pytest.raises(ConfigError, match=r"loss = 'encoded' is none of pu21.*, l2;"):
        train("hdrunet", replace(asked, loss="encoded"))
    assert not asked.out.exists()


def test_a_dry_run_says_its_pace_and_leaves_nothing(workshop, tmp_path):
    said = []

    assert train("hdrunet", options_for(workshop, tmp_path / "run", is_dry=True), said.append) == 0

    assert [words.split(":")[0] for words in said] == ["reconstruct", "memory"]
    assert not (tmp_path / "run").exists()


def test_scenes_without_cameras_are_enough(workshop, tmp_path):
    from rawtool.training.scenes import prepare_scenes

    pictures = tmp_path / "deep" / "pictures"
    pictures.mkdir(parents=True)
    for path in (workshop.folder.parent / "pictures").iterdir():
        (pictures / path.name).write_bytes(path.read_bytes())
    bare = prepare_scenes([pictures], tmp_path / "data")

    assert bare.cameras == ()
    assert train("hdrunet", options_for(bare, tmp_path / "run", max_steps=1)) == 0


def test_scenes_of_one_side_only_are_refused_before_a_folder_is_made(workshop, tmp_path):
    from rawtool.training.scenes import prepare_scenes

    pictures = workshop.folder.parent / "pictures"
    prepare_scenes([pictures / "lake_1.hdr", pictures / "quarry_1.png"], tmp_path / "data")

    with pytest.raises(ConfigError, match="has no scene to measure on"):
        train("hdrunet", options_for(workshop, tmp_path / "run", data=tmp_path / "data"))

    assert not (tmp_path / "run").exists()


def test_a_run_becomes_a_model_that_a_studio_opens(finished, tmp_path):
    export_run(finished, tmp_path / "models" / "hdrunet-paper-v1")

    studio = open_studio(str(tmp_path / "models" / "hdrunet-paper-v1"), device="cpu", threads=1)

    assert studio.model.label == "hdrunet-paper@1"
    assert "reconstruct: 2 steps of 1 x 32 px" in studio.network.card.training
    assert "[model.stages]" in (tmp_path / "models" / "index.toml").read_text(encoding="utf-8")


def test_a_run_is_scored_beside_doing_nothing(finished, workshop):
    ours, nothing = app.evaluate(str(finished), workshop.folder)

    assert (ours.method, nothing.method) == ("rawtool hdrunet-paper", DO_NOTHING)
    assert (nothing.mean_gain, nothing.worst_gain) == (0.0, 0.0)
    assert np.isfinite([ours.pu21_psnr, ours.mean_gain]).all()


def test_a_model_is_scored_by_what_it_is_for(finished, untrained_model, workshop, tmp_path, monkeypatch):
    export_run(finished, tmp_path / "hdrunet-paper-v1")
    monkeypatch.setenv("RAWTOOL_MODELS_DIR", str(tmp_path))
    scored = []
    monkeypatch.setattr(app, "evaluate_develop", lambda room, *_: scored.append(room.model.name) or [])
    monkeypatch.setattr(app, "evaluate_hdr", lambda studio, *_: scored.append(studio.model.name) or [])

    for subject in (str(untrained_model), str(tmp_path / "hdrunet-paper-v1"), "hdrunet-paper"):
        assert app.evaluate(subject, workshop.folder) == []

    assert scored == ["cameranet-s", "hdrunet-paper", "hdrunet-paper"]


def test_published_weights_become_a_model_that_says_where_they_are_from(tmp_path, monkeypatch):
    monkeypatch.setattr(app, "HdrUnet", lambda: HdrUnet(8, 4, (1, 1, 1)))
    torch.manual_seed(3)
    net = HdrUnet(8, 4, (1, 1, 1))
    checkpoint = tmp_path / "pretrained_model.pth"
    torch.save({f"module.{name}": value for name, value in net.state_dict().items()}, checkpoint)

    import_hdrunet(checkpoint, tmp_path / "models" / "hdrunet-paper-v1")

    studio = open_studio(str(tmp_path / "models" / "hdrunet-paper-v1"), device="cpu", threads=1)
    training = studio.network.card.training
    assert training.startswith(f"imported from pretrained_model.pth, SHA-256 {sha256_of(checkpoint)}")
    assert (tmp_path / "models" / "index.toml").is_file()
    picture = np.random.default_rng(1).random((1, 3, 16, 24), dtype=np.float32)
    with torch.no_grad():
        expected = net.eval()(torch.from_numpy(picture)).numpy()
    found = studio.network.tile_session.run({"picture": picture})["light"]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_weights_of_another_network_make_no_model(tmp_path):
    checkpoint = tmp_path / "other.pth"
    torch.save(HdrUnet(8, 4, (1, 1, 1)).state_dict(), checkpoint)

    with pytest.raises(ModelContractError, match="does not fit HdrUnet"):
        import_hdrunet(checkpoint, tmp_path / "model")

    assert not (tmp_path / "model").exists()


@pytest.mark.slow
def test_size_s_goes_from_scenes_to_a_scored_model(workshop, tmp_path):
    words = ("reconstruct.crop=32", "reconstruct.batch=1", "workers=0")
    out = tmp_path / "run"

    assert train("hdrunet", options_for(workshop, out, size="s", overrides=words)) == 0

    ours, _ = app.evaluate(str(out), workshop.folder, 1)
    assert ours.method == "rawtool hdr-s"
