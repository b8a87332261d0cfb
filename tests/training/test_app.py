"""What `rawtool train` calls, from scenes to a model that a darkroom opens."""

import json
import os
import signal
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("matplotlib")
pytest.importorskip("onnx")

from rawtool.errors import ConfigError, DeviceError, ModelNotFoundError  # noqa: E402 - after the checks
from rawtool.nets.eightbit import RANGE  # noqa: E402
from rawtool.pipelines.darkroom import open_darkroom  # noqa: E402
from rawtool.training import app, export  # noqa: E402
from rawtool.training.app import TrainOptions, export_run, train  # noqa: E402
from rawtool.training.checkpoint import load_checkpoint  # noqa: E402
from rawtool.training.recipes import cameranet  # noqa: E402
from rawtool.training.runs import read_run, training_summary  # noqa: E402
from rawtool.training.settings import StageConfig  # noqa: E402

TINY = tuple(
    f"{stage}.{word}"
    for stage in ("restore", "enhance", "joint")
    for word in ("crop=32", "batch=2", "minutes=100")
)


@pytest.fixture(scope="module", autouse=True)
def small_proofs():
    """One small picture is proof enough here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "proof_sizes", lambda card: ((card.min_size + 5, card.min_size + 2),))
        yield


@pytest.fixture
def asked(workshop, tmp_path):
    """Two steps of each stage on tiny crops."""
    return TrainOptions(
        data=workshop.folder,
        out=tmp_path / "run",
        config=None,
        overrides=(*TINY, "crops_per_frame=1", "workers=0"),
        size="s",
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


@pytest.fixture(scope="module")
def finished(workshop, tmp_path_factory):
    """A run of two steps of each stage that ended as planned."""
    out = tmp_path_factory.mktemp("finished") / "run"
    words = (*TINY, "crops_per_frame=1", "workers=0")
    options = TrainOptions(
        workshop.folder, out, None, words, "s", None, "cpu", 1, "fp32", 2, None, 4, False, False
    )
    assert train("cameranet", options) == 0
    return out, options


def steps(folder):
    return {path.stem: load_checkpoint(path).step for path in folder.glob("*-last.pt")}


def test_a_run_leaves_settings_facts_log_curves_and_checkpoints(finished):
    out, _ = finished

    names = {path.name for path in out.iterdir()}
    assert {
        "settings.toml",
        "run.json",
        "log.jsonl",
        "curves.png",
        "restore-best.pt",
        "joint-last.pt",
    } <= names
    assert steps(out) == {"restore-last": 2, "enhance-last": 2, "joint-last": 2}
    assert not [name for name in names if name.endswith(".part")]
    facts = json.loads((out / "run.json").read_text())
    assert (facts["recipe"], facts["precision"], facts["device"]) == ("cameranet", "fp32", "cpu")


def test_the_settings_that_are_written_down_are_those_of_the_run(finished):
    config = read_run(finished[0])

    assert config.seed == 4
    assert config.restore == StageConfig(100.0, 32, 2, 1.5e-3, 2)


def test_a_run_that_exists_is_neither_begun_again_nor_touched(finished):
    out, options = finished
    before = (out / "log.jsonl").read_bytes()

    with pytest.raises(ConfigError, match=r"holds a run already; add --resume"):
        train("cameranet", replace(options, max_steps=9))

    assert (out / "log.jsonl").read_bytes() == before
    assert read_run(out).restore.steps == 2


def test_a_run_is_not_resumed_with_another_size_or_recipe_and_keeps_its_settings(finished):
    out, options = finished
    kept = {name: (out / name).read_bytes() for name in ("settings.toml", "run.json", "log.jsonl")}

    with pytest.raises(ConfigError, match=r"was begun with --size s; resume it with the same size"):
        train("cameranet", replace(options, size="paper", is_resumed=True))
    with pytest.raises(
        ConfigError, match=r"run is a run of cameranet; resume it with: rawtool train cameranet"
    ):
        train("hdrunet", replace(options, is_resumed=True))

    assert {name: (out / name).read_bytes() for name in kept} == kept


@pytest.mark.slow
def test_a_resumed_run_goes_on(asked):
    train("cameranet", asked)

    assert train("cameranet", replace(asked, max_steps=4, is_resumed=True)) == 0

    assert steps(asked.out) == {"restore-last": 4, "enhance-last": 4, "joint-last": 4}


def best(folder, step):
    return load_checkpoint(folder / f"{step}-best.pt").average


def test_a_run_begins_with_what_another_came_to_and_trains_only_what_it_is_told(finished, asked):
    start, _ = finished
    words = ("restore.optimiser='muon'", "restore.rate=1e-9", "joint.rate=1e-9")
    only = replace(
        asked, start=start, only=("restore", "joint"), overrides=(*asked.overrides, *words), max_steps=3
    )

    assert train("cameranet", only) == 0

    assert steps(asked.out) == {"restore-last": 3, "enhance-last": 0, "joint-last": 3}
    tuned = best(start, "joint")
    kept, moved, joint = (best(asked.out, step) for step in ("enhance", "restore", "joint"))
    assert all(torch.equal(value, tuned[f"enhancer.{name}"]) for name, value in kept.items())
    # At a rate of nothing the restoration is still that of the run it began with, and so is the joint step's.
    for name, value in moved.items():
        if name.endswith(RANGE):  # follows what is seen, at any rate
            continue
        torch.testing.assert_close(value, tuned[f"restorer.{name}"], rtol=0, atol=1e-6)
        torch.testing.assert_close(joint[f"restorer.{name}"], value, rtol=0, atol=1e-6)
    assert set(load_checkpoint(asked.out / "restore-last.pt").optimisers) == {"adam", "muon"}
    assert json.loads((asked.out / "run.json").read_text())["start"] == "run"
    assert "enhance: taken from run" in training_summary(read_run(asked.out), asked.out)


def test_steps_that_are_unknown_or_have_nothing_to_stand_on_are_refused(finished, asked):
    start, _ = finished
    for words, why in (
        ({"only": ("restore",)}, "--from RUN"),
        ({"only": ("develop",), "start": start}, "it has restore, enhance, joint"),
        ({"start": asked.data}, "neither a training run nor a model"),
        ({"start": start, "size": "paper"}, "--size s"),
    ):
        with pytest.raises(ConfigError, match=why):
            train("cameranet", replace(asked, **words))
    assert not asked.out.exists()


def test_an_interrupt_ends_the_run_with_a_checkpoint_and_no_further_stage(asked, monkeypatch):
    learned = cameranet.restore_loss

    def interrupted(network, batch, kind):
        os.kill(os.getpid(), signal.SIGINT)
        return learned(network, batch, kind)

    monkeypatch.setattr(cameranet, "restore_loss", interrupted)

    assert train("cameranet", replace(asked, max_steps=50)) == 0
    assert steps(asked.out) == {"restore-last": 1}


def test_the_time_limit_is_shared_by_the_stages(asked):
    assert train("cameranet", replace(asked, max_steps=None, max_minutes=0.02)) == 0

    assert sorted(steps(asked.out)) == ["enhance-last", "joint-last", "restore-last"]
    assert load_checkpoint(asked.out / "restore-last.pt").seconds >= 0.4


def test_a_dry_run_takes_one_step_of_each_stage_says_its_pace_and_leaves_nothing(asked, tmp_path):
    said = []

    assert train("cameranet", replace(asked, is_dry=True), said.append) == 0

    assert [words.split(":")[0] for words in said] == ["restore", "enhance", "joint", "memory"]
    assert all("million pixels per second" in words for words in said[:3])
    assert not asked.out.exists()


def test_a_dry_run_does_not_touch_a_run_that_exists(finished):
    out, options = finished
    before = sorted((path.name, path.stat().st_mtime_ns) for path in out.iterdir())

    assert train("cameranet", replace(options, is_dry=True)) == 0

    assert sorted((path.name, path.stat().st_mtime_ns) for path in out.iterdir()) == before


def test_all_mistakes_of_the_settings_are_told_before_a_folder_is_made(asked, tmp_path):
    config = tmp_path / "a.toml"
    config.write_text("sed = 1\n[joint]\ncrop = 33\n")

    with pytest.raises(ConfigError, match=r"sed is not a setting; joint\.crop = 33 is not a multiple of 32"):
        train("cameranet", replace(asked, config=config, overrides=("crops_per_frame=1",)))

    assert not asked.out.exists()


def test_an_option_wins_over_the_settings_file(asked, tmp_path):
    config = tmp_path / "a.toml"
    config.write_text('loss = "paper"\nseed = 11\n')

    found = app._config("cameranet", replace(asked, config=config, loss="encoded"))

    assert (found.loss, found.seed) == ("encoded", 11)
    assert app._config("cameranet", replace(asked, config=config)).loss == "paper"


def test_the_size_paper_has_the_papers_losses(asked):
    found = app._config("cameranet", replace(asked, size="paper", overrides=()))

    assert (found.size, found.loss, found.restore.rate) == ("paper", "paper", 1e-4)


@pytest.mark.parametrize(("device", "n_devices"), [("abacus", 1), ("cuda", 64)])
def test_a_device_that_is_not_there_is_code_8_and_leaves_nothing(asked, device, n_devices):
    with pytest.raises(DeviceError, match=f"^device {device} cannot be used"):
        train("cameranet", replace(asked, device=device, n_devices=n_devices))

    assert not asked.out.exists()


def test_a_folder_that_holds_no_scenes_is_code_3(asked, tmp_path):
    with pytest.raises(ConfigError, match="is not a scene folder"):
        train("cameranet", replace(asked, data=tmp_path))

    assert not asked.out.exists()


def test_scenes_without_cameras_are_refused_before_a_folder_is_made(asked, workshop, tmp_path):
    from rawtool.training.scenes import prepare_scenes

    pictures = tmp_path / "deep" / "pictures"
    pictures.mkdir(parents=True)
    for path in (workshop.folder.parent / "pictures").iterdir():
        (pictures / path.name).write_bytes(path.read_bytes())
    prepare_scenes([pictures], tmp_path / "data")

    with pytest.raises(ConfigError, match="knows no cameras"):
        train("cameranet", replace(asked, data=tmp_path / "data"))

    assert not asked.out.exists()


def test_a_run_becomes_a_model_that_a_darkroom_opens(finished, tmp_path):
    export_run(finished[0], tmp_path / "models" / "cameranet-s-v9")

    darkroom = open_darkroom(str(tmp_path / "models" / "cameranet-s-v9"), device="cpu", threads=1)

    assert "restore: 2 steps of 2 x 32 px" in darkroom.restore.card.training
    assert (tmp_path / "models" / "index.toml").is_file()


def test_a_run_is_exported_and_scored_as_its_model_is(finished, workshop, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(app, "evaluate_develop", lambda *told: seen.append(told) or [])

    assert app.evaluate(str(finished[0]), workshop.folder, 3) == []

    ((darkroom, scenes, max_scenes),) = seen
    assert darkroom.model.name == "cameranet-s"
    assert (scenes.folder, max_scenes) == (workshop.folder, 3)
    assert not darkroom.model.folder.exists()


def test_a_model_that_is_not_here_is_named(workshop):
    with pytest.raises(ModelNotFoundError, match="no-such-model"):
        app.evaluate("no-such-model", workshop.folder)
