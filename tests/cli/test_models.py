import json

import pytest

from rawtool.cli.main import run
from tests.cli import cards


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    models = tmp_path / "models"
    monkeypatch.setattr("rawtool.runtime.catalog.model_folders", lambda: (models,))
    return cards.install(models)


def test_the_list_names_every_model_and_its_folder(capsys, folder):
    assert run(["models", "list"]) == 0
    assert capsys.readouterr().out == f"tiny@1  s  {folder}\n"


def test_the_list_as_json(capsys, folder):
    assert run(["models", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "v": 1,
        "event": "model",
        "name": "tiny",
        "version": "1",
        "size": "s",
        "folder": str(folder),
    }


def test_an_empty_list_says_where_to_look(capsys, monkeypatch):
    monkeypatch.setattr("rawtool.runtime.catalog.model_folders", lambda: ())

    assert run(["models", "list"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no model is installed" in captured.err


def test_a_card_is_shown_with_its_licence_quality_and_page(capsys, folder):
    (folder / "card.md").write_text("# Tiny\nMade for tests.\n", encoding="utf-8")

    assert run(["models", "show", "tiny"]) == 0

    out = capsys.readouterr().out
    assert "Apache-2.0" in out
    assert "PSNR 40.5 dB (held-out scenes)" in out
    assert "invents no detail" in out
    assert out.endswith("Made for tests.\n\n")


def test_a_card_as_json_holds_both_stages(capsys):
    assert run(["models", "show", "tiny@1", "--json"]) == 0

    event = json.loads(capsys.readouterr().out)
    assert event["cards"]["restore"]["halo"] == 16
    assert event["cards"]["enhance"]["task"] == "enhance"


def test_an_unknown_model_is_code_5(capsys):
    assert run(["models", "show", "huge"]) == 5
    assert capsys.readouterr().err.startswith("rawtool: error: no model huge")


@pytest.mark.parametrize("words", [[], ["--all"], ["tiny"], ["tiny@1"]])
def test_whole_models_are_verified(words, capsys):
    assert run(["models", "verify", *words]) == 0
    assert capsys.readouterr().out == "tiny@1  ok\n"


@pytest.mark.parametrize("file", ["restore_tile.onnx", "enhance_tile.onnx", "restore.json"])
def test_a_changed_file_is_found(file, capsys, folder):
    path = folder / file
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")

    assert run(["models", "verify"]) == 5

    captured = capsys.readouterr()
    assert captured.out == ""
    assert file in captured.err
    assert captured.err.count("\n") == 1


def test_one_damaged_model_does_not_hide_the_others(capsys):
    assert run(["models", "verify", "huge", "tiny"]) == 5

    captured = capsys.readouterr()
    assert captured.out == "tiny@1  ok\n"
    assert "huge" in captured.err


def test_the_folders_are_said_in_their_order(capsys, tmp_path):
    assert run(["models", "path"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'models'}\n"
