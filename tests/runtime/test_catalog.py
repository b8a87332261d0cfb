import hashlib
import os
from dataclasses import replace

import pytest

from rawtool.errors import ModelContractError, ModelError, ModelNotFoundError
from rawtool.runtime import catalog
from rawtool.runtime.card import GraphFile, GraphPair, dumps
from rawtool.runtime.catalog import digest, find_model, index_entry, list_models, read_model, verify_model
from rawtool.vocabulary import Task
from tests.runtime.cards import plain_card


def make_model(models, name="tiny-net", version="1", size="s"):
    """A model with two stages of one fake graph each; the index is written anew."""
    folder = models / f"{name}-v{version}"
    folder.mkdir(parents=True)
    for task in Task:
        content = f"{name} {version} {task.value}".encode()
        path = folder / f"{task.value}_tile.onnx"
        path.write_bytes(content)
        file = GraphFile(path.name, hashlib.sha256(content).hexdigest(), len(content))
        card = plain_card(task, name=name, version=version, size=size, graphs=GraphPair(file, None))
        (folder / f"{task.value}.json").write_text(dumps(card))
    entries = [index_entry(read_model(path)) for path in sorted(models.iterdir()) if path.is_dir()]
    (models / "index.toml").write_text("\n".join(entries))
    return folder


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder of two models, the only one that is searched."""
    folder = tmp_path / "models"
    make_model(folder)
    make_model(folder, version="1.10")
    make_model(folder, version="1.9")
    make_model(folder, name="large-net", size="paper")
    monkeypatch.setattr(catalog, "model_folders", lambda: (tmp_path / "none", folder))
    return folder


def test_all_models_are_listed(models):
    listed = {(model.name, model.version, model.size) for model in list_models()}
    assert listed == {
        ("tiny-net", "1", "s"),
        ("tiny-net", "1.9", "s"),
        ("tiny-net", "1.10", "s"),
        ("large-net", "1", "paper"),
    }


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("tiny-net", None, "tiny-net-v1.10"),
        ("tiny-net@1.9", None, "tiny-net-v1.9"),
        ("tiny-net-v1", None, "tiny-net-v1"),
        (None, "paper", "large-net-v1"),
        (None, "s", "tiny-net-v1.10"),
        ("large-net", "paper", "large-net-v1"),
    ],
)
def test_a_model_is_found_by_name_version_folder_or_size(models, name, size, expected):
    assert find_model(name, size).folder.name == expected


def test_a_model_is_found_by_the_path_of_its_folder(models):
    model = find_model(str(models / "tiny-net-v1"))
    assert (model.name, model.card_digests) == ("tiny-net", None)
    assert model.card(Task.ENHANCE).task is Task.ENHANCE


@pytest.mark.parametrize(("name", "size"), [("other", None), ("tiny-net", "paper"), ("tiny-net@7", None)])
def test_a_model_that_is_not_here_is_told_with_the_way_to_get_it(models, name, size):
    with pytest.raises(ModelNotFoundError, match="RAWTOOL_MODELS_DIR") as caught:
        find_model(name, size)
    assert "installed: large-net@1, tiny-net@1" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_without_a_model_is_told(tmp_path):
    with pytest.raises(ModelNotFoundError, match="no model folder"):
        find_model(str(tmp_path / "nothing"))
    with pytest.raises(ModelNotFoundError, match="cannot be read"):
        find_model(str(tmp_path))


def test_untouched_models_are_verified(models):
    for model in list_models():
        verify_model(model)


@pytest.mark.parametrize("file", ["restore_tile.onnx", "enhance_tile.onnx", "restore.json", "enhance.json"])
def test_a_changed_file_is_refused(models, file):
    model = find_model("tiny-net@1")
    path = model.folder / file
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelError, match=rf"{file} is not the published file"):
        verify_model(model)


def test_a_missing_file_is_refused(models):
    model = find_model("tiny-net@1")
    (model.folder / "enhance_tile.onnx").unlink()
    with pytest.raises(ModelNotFoundError, match="fetch the model again"):
        verify_model(model)


def test_the_digest_follows_the_graphs_and_not_their_place(models, tmp_path):
    model = find_model("tiny-net@1")
    other = find_model("tiny-net@1.9")
    moved = model.folder.rename(tmp_path / "elsewhere")
    assert digest(read_model(moved)) == digest(model)
    assert digest(other) != digest(model)
    assert len(digest(model)) == 12


def test_an_index_that_disagrees_with_its_cards_is_refused(models):
    index = models / "index.toml"
    index.write_text(index.read_text().replace('version = "1.9"', 'version = "2"'))
    with pytest.raises(ModelContractError, match="tiny-net@2"):
        list_models()


@pytest.mark.parametrize("text", ["[[model]", "model = 3", '[[model]]\nname = "a"', "[[model]]\nname = 3"])
def test_a_broken_index_is_refused(models, text):
    (models / "index.toml").write_text(text)
    with pytest.raises(ModelError, match=r"index\.toml"):
        list_models()


def test_cards_of_two_models_in_one_folder_are_refused(models):
    folder = models / "tiny-net-v1"
    card = read_model(folder).enhance
    (folder / "enhance.json").write_text(dumps(replace(card, version="3")))
    with pytest.raises(ModelContractError, match="different models"):
        read_model(folder)


def test_a_card_of_the_wrong_stage_is_refused(models):
    folder = models / "tiny-net-v1"
    (folder / "enhance.json").write_text((folder / "restore.json").read_text())
    with pytest.raises(ModelContractError, match="is for restore, not enhance"):
        read_model(folder)


def test_folders_of_the_environment_come_first_then_the_users_then_the_packages(monkeypatch, tmp_path):
    named = [tmp_path / "a", tmp_path / "b"]
    monkeypatch.setenv("RAWTOOL_MODELS_DIR", os.pathsep.join(map(str, named)))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    folders = catalog.model_folders()
    assert list(folders[:2]) == named
    assert folders[2].name == "models"
    assert [folders[3].name, folders[3].parent.name] == ["_models", "rawtool"]
    assert folders[4] == folders[3].parents[1] / "models"


def test_the_first_folder_wins_for_the_same_version(models, tmp_path, monkeypatch):
    other = tmp_path / "other"
    make_model(other)
    monkeypatch.setattr(catalog, "model_folders", lambda: (other, models))
    assert find_model("tiny-net@1").folder.parent == other
