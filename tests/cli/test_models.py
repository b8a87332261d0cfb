import json
import os
import subprocess
import sys

import pytest

from rawtool.cli.main import run
from tests.cli import cards


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    models = tmp_path / "models"
    monkeypatch.setattr("rawtool.runtime.catalog.model_folders", lambda: (models,))
    return cards.install(models)


@pytest.fixture
def hdr_folder(folder):
    return cards.install(folder.parent, "tiny-light", "hdr")


def test_the_list_names_every_model_and_its_folder(capsys, folder):
    assert run(["models", "list"]) == 0
    assert capsys.readouterr().out == f"tiny@1  s  develop  {folder}\n"


def test_the_list_says_in_columns_what_each_model_is_for(capsys, folder, hdr_folder):
    assert run(["models", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"tiny@1        s  develop  {folder}",
        f"tiny-light@1  s  hdr      {hdr_folder}",
    ]


def test_the_list_as_json(capsys, folder):
    assert run(["models", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "v": 1,
        "event": "model",
        "name": "tiny",
        "version": "1",
        "size": "s",
        "command": "develop",
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


def test_a_model_for_hdr_is_shown_with_its_one_stage(capsys, hdr_folder):
    assert run(["models", "show", "tiny-light"]) == 0
    out = capsys.readouterr().out
    assert f"s  hdr  {hdr_folder}" in out
    assert "  takes      3 channels, display: a finished picture" in out
    assert "  gives      3 channels, scene-linear: light" in out
    assert "may invent detail" in out

    assert run(["models", "show", str(hdr_folder), "--json"]) == 0
    event = json.loads(capsys.readouterr().out)
    assert (event["command"], list(event["cards"])) == ("hdr", ["hdr"])


@pytest.mark.parametrize("words", [[], ["tiny", "tiny-light-v1"]])
def test_models_of_every_command_are_verified(words, capsys, hdr_folder):
    assert run(["models", "verify", *words]) == 0
    assert capsys.readouterr().out == "tiny@1  ok\ntiny-light@1  ok\n"

    (hdr_folder / "hdr_tile.onnx").write_bytes(b"other")
    assert run(["models", "verify", *words]) == 5
    captured = capsys.readouterr()
    assert captured.out == "tiny@1  ok\n"
    assert "hdr_tile.onnx" in captured.err


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


def test_a_reader_that_goes_away_is_no_error_and_stops_nothing():
    nobody, pipe = os.pipe()
    os.close(nobody)

    command = [sys.executable, "-m", "rawtool", "models", "verify"]
    done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(pipe)

    assert (done.returncode, done.stderr) == (0, b"")
