"""A darkroom opens only with networks that are what they promise to be."""

import shutil

import pytest

from rawtool.errors import DeviceError, ModelContractError, ModelError, ModelNotFoundError
from rawtool.pipelines.darkroom import open_darkroom
from rawtool.pipelines.settings import DevelopSettings
from rawtool.runtime.catalog import digest
from rawtool.vocabulary import Format, Stage, Task
from tests.cli import cards


def test_both_networks_are_loaded_and_the_digest_is_that_of_the_files(darkroom):
    assert (darkroom.restore.card.task, darkroom.enhance.card.task) == (Task.RESTORE, Task.ENHANCE)
    assert darkroom.sha256 == digest(darkroom.model)
    assert darkroom.device == "cpu"
    assert "CPU" in darkroom.provider


def test_a_model_is_found_by_name(untrained_model, monkeypatch):
    monkeypatch.setenv("RAWTOOL_MODELS_DIR", str(untrained_model.parent))

    assert open_darkroom("cameranet-s@9", device="cpu", threads=1).model.folder == untrained_model


def test_a_damaged_file_is_refused_before_it_is_loaded(untrained_model, tmp_path):
    folder = shutil.copytree(untrained_model, tmp_path / "model")
    with (folder / "enhance_tile.onnx").open("r+b") as graph:
        graph.seek(100)
        graph.write(b"damage")

    with pytest.raises(ModelError, match="SHA-256 differs"):
        open_darkroom(str(folder), device="cpu")


def test_a_missing_model_is_named():
    with pytest.raises(ModelNotFoundError, match="no model nonesuch"):
        open_darkroom("nonesuch")


def test_a_model_for_hdr_is_refused_with_those_for_develop(untrained_model, tmp_path, monkeypatch):
    monkeypatch.setenv("RAWTOOL_MODELS_DIR", str(untrained_model.parent))
    folder = cards.install(tmp_path, "tiny-light", "hdr")

    with pytest.raises(ModelContractError, match=r"not develop raws; choose one of: cameranet-s@9"):
        open_darkroom(str(folder), device="cpu")


def test_an_unknown_device_is_refused(untrained_model):
    with pytest.raises(DeviceError):
        open_darkroom(str(untrained_model), device="abacus")


def test_the_defaults_are_those_of_the_manual():
    settings = DevelopSettings()

    assert (settings.stage, settings.format, settings.quality) == (Stage.FULL, Format.JPEG, 95)
    assert (settings.white_balance, settings.strength, settings.exposure_ev) == ("camera", 100.0, 0.0)
