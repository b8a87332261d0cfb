import json
import math
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from rawtool.cli.main import run
from rawtool.cli.train import TrainWords
from rawtool.errors import ConfigError
from rawtool.training import app


@dataclass(frozen=True)
class Row:
    name: str
    psnr: float


def test_the_words_are_those_of_the_trainer():
    assert [field.name for field in fields(TrainWords)] == [field.name for field in fields(app.TrainOptions)]


def test_scenes_are_prepared_from_every_source(monkeypatch, capsys):
    calls = []

    def prepare(sources, out, on_scene):
        on_scene("a.hdr")
        calls.append((sources, out))

    monkeypatch.setattr(app, "prepare_scenes", prepare)

    assert run(["train", "scenes", "hdr", "photos", "--out", "data"]) == 0
    assert calls == [([Path("hdr"), Path("photos")], Path("data"))]
    assert capsys.readouterr().err == "rawtool: a.hdr\n"


RECIPES = ("cameranet", "hdrunet", "raw-metadata", "singlehdr")


@pytest.mark.parametrize("recipe", RECIPES)
def test_training_is_told_what_was_typed_and_gives_its_status(recipe, monkeypatch):
    calls = []
    monkeypatch.setattr(app, "train", lambda name, options, say: calls.append((name, options)) or 0)
    words = "--data d -o r --size paper --set a=1 --set b.c=2 --devices 2 --precision bf16".split()

    assert (
        run(
            [
                "train",
                recipe,
                *words,
                "--max-minutes",
                "1.5",
                "--resume",
                *"--from b --only x --only y".split(),
            ]
        )
        == 0
    )
    ((name, options),) = calls
    assert name == recipe
    assert options == (
        app.TrainOptions(
            data=Path("d"),
            out=Path("r"),
            config=None,
            overrides=("a=1", "b.c=2"),
            size="paper",
            loss=None,
            device="auto",
            n_devices=2,
            precision="bf16",
            max_steps=None,
            max_minutes=1.5,
            seed=1,
            is_resumed=True,
            is_dry=False,
            start=Path("b"),
            only=("x", "y"),
        )
    )


def test_every_recipe_has_its_command_and_no_other():
    from rawtool.cli.train import train
    from rawtool.training.recipes.registry import CONFIGS

    assert set(train.commands) - {"scenes", "eval", "export"} == set(RECIPES) == set(CONFIGS)


def test_the_recipe_is_told_which_loss_and_decides_whether_it_has_it(monkeypatch):
    calls = []
    monkeypatch.setattr(app, "train", lambda name, options, say: calls.append((name, options.loss)) or 0)

    assert run(["train", "hdrunet", "--data", "d", "-o", "r", "--loss", "pu21"]) == 0
    assert run(["train", "cameranet", "--data", "d", "-o", "r", "--loss", "anything"]) == 0
    assert calls == [("hdrunet", "pu21"), ("cameranet", "anything")]


def test_what_the_trainer_says_is_said_to_the_user(monkeypatch, capsys):
    monkeypatch.setattr(app, "train", lambda name, options, say: say(f"memory: {name}") or 0)

    assert run(["train", "hdrunet", "--data", "d", "-o", "r", "--dry-run"]) == 0
    assert "memory: hdrunet" in capsys.readouterr().err


def test_a_training_run_without_a_checkpoint_is_no_success(monkeypatch):
    monkeypatch.setattr(app, "train", lambda name, options, say: 1)

    assert run(["train", "cameranet", "--data", "d", "-o", "r"]) == 1


def test_mistakes_of_a_settings_file_are_code_3(monkeypatch, capsys):
    def refuse(name, options, say):
        raise ConfigError("rate: not a number; steps: negative; mend run.toml")

    monkeypatch.setattr(app, "train", refuse)

    assert run(["train", "cameranet", "--data", "d", "-o", "r", "--config", "run.toml"]) == 3
    assert capsys.readouterr().err.startswith("rawtool: error: rate: not a number; steps: negative")


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_scores_are_rows_on_standard_output(words, monkeypatch, capsys):
    monkeypatch.setattr(
        app, "evaluate", lambda subject, data, precision: [Row("ours", 37.125), Row("same", math.inf)]
    )

    assert run(["train", "eval", "run", "--data", "d", *words]) == 0

    lines = capsys.readouterr().out.splitlines()
    if words:
        assert json.loads(lines[0]) == {"v": 1, "event": "score", "name": "ours", "psnr": 37.125}
        assert json.loads(lines[1])["psnr"] is None
    else:
        assert lines[0].split() == ["ours", "37.125"]


def test_a_run_is_exported_into_a_folder(monkeypatch):
    calls = []
    monkeypatch.setattr(app, "export_run", lambda run_folder, out: calls.append((run_folder, out)))

    assert run(["train", "export", "run", "--out", "my-model"]) == 0
    assert calls == [(Path("run"), Path("my-model"))]


@pytest.mark.parametrize(
    "words",
    [["scenes"], ["cameranet", "--data", "d"], ["hdrunet", "-o", "r"], ["eval", "run"], ["export", "run"]],
)
def test_what_is_needed_must_be_said(words):
    assert run(["train", *words]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--data", "a", "--pairs", "b"), "give either --data"),
        ((), "give either --data"),
        (("--pairs", "b", "--only", "restore"), "leave --only out"),
    ],
)
def test_words_that_do_not_fit_together_are_refused(words, said, tmp_path, capsys):
    assert run(["train", "cameranet", "--out", str(tmp_path / "run"), *words]) == 2

    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_pairs_are_learned_from_as_typed(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(app, "train_style", lambda options, say: calls.append(options) or 0)

    assert run(["train", "cameranet", "--pairs", "mine", "-o", "r", "--from", "m", "--max-minutes", "9"]) == 0

    (found,) = calls
    assert (found.data, found.out, found.start, found.max_minutes) == (
        Path("mine"),
        Path("r"),
        Path("m"),
        9.0,
    )
