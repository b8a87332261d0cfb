import hashlib
import os
import tomllib
from dataclasses import replace

import pytest

from rawtool.errors import ModelContractError, ModelError, ModelNotFoundError
from rawtool.runtime import catalog
from rawtool.runtime.card import GraphFile, GraphPair, dumps
from rawtool.runtime.catalog import (
    VERBS,
    digest,
    find_model,
    index_entry,
    list_models,
    read_model,
    verify_model,
)
from rawtool.vocabulary import GlobalPass, Task
from tests.runtime.cards import hdr_card, plain_card

WITHOUT_VECTOR = {
    "global_pass": GlobalPass.NONE,
    "thumbnail": None,
    "thumbnail_size": None,
    "vector_size": 0,
}


def stage_card(task, **changes):
    return hdr_card(**WITHOUT_VECTOR, **changes) if task is Task.HDR else plain_card(task, **changes)


def make_model(models, name="tiny-net", version="1", size="s", verb="develop"):
    """A model with one fake graph a stage; the index is written anew."""
    folder = models / f"{name}-v{version}"
    folder.mkdir(parents=True)
    for task in VERBS[verb]:
        content = f"{name} {version} {task.value}".encode()
        path = folder / f"{task.value}_tile.onnx"
        path.write_bytes(content)
        file = GraphFile(path.name, hashlib.sha256(content).hexdigest(), len(content))
        card = stage_card(task, name=name, version=version, size=size, graphs=GraphPair(file, None))
        (folder / f"{task.value}.json").write_text(dumps(card))
    entries = [index_entry(read_model(path)) for path in sorted(models.iterdir()) if path.is_dir()]
    (models / "index.toml").write_text("\n".join(entries))
    return folder


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder of models for develop, the only one that is searched."""
    folder = tmp_path / "models"
    make_model(folder)
    make_model(folder, version="1.10")
    make_model(folder, version="1.9")
    make_model(folder, name="large-net", size="paper")
    monkeypatch.setattr(catalog, "model_folders", lambda: (tmp_path / "none", folder))
    return folder


@pytest.fixture
def hdr_models(models):
    """Models for hdr beside them, of higher versions; the index lists them among the others."""
    make_model(models, "light-paper", "9", "paper", "hdr")
    make_model(models, "light-s", "3", "s", "hdr")
    make_model(models, "light-s", "7", "s", "hdr")
    return models


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
        (None, None, "tiny-net-v1.10"),
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


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        (None, None, "light-s-v7"),
        (None, "paper", "light-paper-v9"),
        ("light-s@3", None, "light-s-v3"),
        ("light-paper-v9", None, "light-paper-v9"),
    ],
)
def test_each_command_finds_its_own_models(hdr_models, name, size, expected):
    model = find_model(name, size, Task.HDR)
    assert (model.folder.name, model.verb, model.tasks) == (expected, "hdr", {Task.HDR})
    assert find_model(model.label, task=None) == model


def test_models_for_hdr_do_not_change_what_develop_takes(hdr_models):
    for task in (Task.RESTORE, Task.ENHANCE):
        assert find_model(task=task).folder.name == "tiny-net-v1.10"
    assert find_model().verb == "develop"
    assert find_model(size="paper").folder.name == "large-net-v1"


def test_size_s_comes_before_a_newer_version(models):
    make_model(models, "huge-net", "30", "paper")
    assert find_model().folder.name == "tiny-net-v1.10"


def test_a_model_for_another_command_is_refused_with_those_that_would_do(hdr_models):
    ours = "large-net@1, tiny-net@1, tiny-net@1.10, tiny-net@1.9"
    for name in ("light-s-v7", "light-s@7", str(hdr_models / "light-s-v7")):
        with pytest.raises(ModelContractError) as caught:
            find_model(name)
        assert str(caught.value) == (
            f"light-s@7 reconstructs HDR, it does not develop raws; choose one of: {ours}"
        )
    with pytest.raises(ModelContractError, match=r"^tiny-net@1 develops raws, it does not reconstruct HDR; "):
        find_model("tiny-net@1", task=Task.HDR)


def test_a_model_for_another_command_is_refused_where_nothing_else_is(models):
    with pytest.raises(ModelContractError, match="see: rawtool models list"):
        find_model("tiny-net", task=Task.HDR)
    with pytest.raises(ModelNotFoundError, match=r"^no model for rawtool hdr; installed: none; put"):
        find_model(task=Task.HDR)


def test_a_stage_that_a_model_has_not_is_refused(hdr_models):
    light, tiny = find_model(task=Task.HDR), find_model()
    assert light.hdr.task is Task.HDR
    assert (tiny.restore.task, tiny.enhance.task) == (Task.RESTORE, Task.ENHANCE)
    for ask in (lambda: light.restore, lambda: light.enhance, lambda: light.card(Task.RESTORE)):
        with pytest.raises(ModelContractError, match="it does not develop raws"):
            ask()
    with pytest.raises(ModelContractError, match="it does not reconstruct HDR"):
        _ = tiny.hdr


@pytest.mark.parametrize(("name", "size"), [("other", None), ("tiny-net", "paper"), ("tiny-net@7", None)])
def test_a_model_that_is_not_here_is_told_with_the_way_to_get_it(models, name, size):
    with pytest.raises(ModelNotFoundError, match="RAWTOOL_MODELS_DIR") as caught:
        find_model(name, size)
    assert "installed: large-net@1, tiny-net@1" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_without_a_model_is_told(tmp_path):
    with pytest.raises(ModelNotFoundError, match="no model folder"):
        find_model(str(tmp_path / "nothing"))
    with pytest.raises(ModelNotFoundError, match=r"is no model: it has no restore\.json or hdr\.json"):
        find_model(str(tmp_path))


def test_a_model_that_lacks_a_card_is_refused(models):
    folder = models / "tiny-net-v1"
    (folder / "enhance.json").unlink()
    for find in (lambda: read_model(folder), list_models):
        with pytest.raises(ModelNotFoundError, match=r"enhance\.json cannot be read"):
            find()


def test_untouched_models_are_verified(hdr_models):
    for model in list_models():
        verify_model(model)


@pytest.mark.parametrize("file", ["restore_tile.onnx", "enhance_tile.onnx", "restore.json", "enhance.json"])
def test_a_changed_file_is_refused(models, file):
    model = find_model("tiny-net@1")
    path = model.folder / file
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelError, match=rf"{file} is not the published file"):
        verify_model(model)


@pytest.mark.parametrize("file", ["hdr_tile.onnx", "hdr.json"])
def test_a_changed_file_of_an_hdr_model_is_refused(hdr_models, file):
    model = find_model("light-s@3", task=Task.HDR)
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


def test_the_index_names_the_stages_that_there_are(hdr_models):
    index = tomllib.loads((hdr_models / "index.toml").read_text())
    stages = {entry["folder"]: list(entry["stages"]) for entry in index["model"]}
    assert stages["light-s-v3"] == ["hdr"]
    assert stages["tiny-net-v1"] == ["restore", "enhance"]


@pytest.mark.parametrize("stages", ["", 'restore = "1"', 'hdr = "1"\nrestore = "2"', 'paint = "1"'])
def test_an_index_with_stages_of_no_command_is_refused(models, stages):
    head = 'name = "tiny-net"\nversion = "1"\nsize = "s"\nfolder = "tiny-net-v1"'
    (models / "index.toml").write_text(f"[[model]]\n{head}\n[model.stages]\n{stages}\n")
    with pytest.raises(ModelError, match=r"index\.toml: the stages of tiny-net are of no command"):
        list_models()


def test_the_shipped_index_is_the_one_that_would_be_written(root):
    folders = sorted({card.parent for card in (root / "models").glob("*/*.json")})
    text = "\n".join(index_entry(read_model(folder)) for folder in folders)
    assert (root / "models" / "index.toml").read_text() == text


def test_cards_of_two_models_in_one_folder_are_refused(models):
    folder = models / "tiny-net-v1"
    card = read_model(folder).enhance
    (folder / "enhance.json").write_text(dumps(replace(card, version="3")))
    with pytest.raises(ModelContractError, match="different models"):
        read_model(folder)


def test_cards_for_two_commands_in_one_folder_are_refused(hdr_models):
    folder = hdr_models / "tiny-net-v1"
    (folder / "hdr.json").write_text((hdr_models / "light-s-v3" / "hdr.json").read_text())
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
