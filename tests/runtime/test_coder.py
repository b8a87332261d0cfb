"""A codec's network: only the published files are opened, and what decides bits runs on the CPU."""

import shutil

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from rawtool.errors import ModelContractError, ModelError
from rawtool.runtime.catalog import read_model
from rawtool.runtime.coder import CoderNetwork
from rawtool.training.coder_export import coder_card, export_coder, proof_inputs
from tests import coders


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("coder") / "raw-metadata-s-v1"
    export_coder(coders.network(), coder_card("raw-metadata-s", "1", "untrained, for tests"), made)
    return made


def opened(folder, runtime="onnx", device="cpu"):
    return CoderNetwork(read_model(folder).coder, folder, device, runtime, 1)


def test_parts_run_by_name_and_exact_ones_give_whole_numbers(folder):
    network = opened(folder)
    inputs = proof_inputs(network.card, 32)

    found = network.run("y_step", inputs["y_step"])

    assert set(found) == {"mean", "step", "scale"}
    for value in found.values():
        assert np.array_equal(value, np.rint(value))


def test_a_changed_file_is_not_opened(folder, tmp_path):
    copy = tmp_path / "model"
    shutil.copytree(folder, copy)
    with (copy / "pack_y_step.onnx").open("ab") as stream:
        stream.write(b"\0")

    with pytest.raises(ModelError, match="SHA-256"):
        opened(copy).session("y_step")
    assert opened(copy).session("z_step").device == "cpu"


def test_what_decides_bits_runs_on_the_cpu_whatever_device_was_named(folder, monkeypatch):
    asked = {}
    session = opened(folder).session("y_step")

    def remember(path, device, runtime, threads):
        asked[path.name] = device
        return session

    monkeypatch.setattr("rawtool.runtime.coder.open_session", remember)
    network = opened(folder, device="cuda")
    for part in ("synthesis", "y_step"):
        network.session(part)

    assert asked == {"pack_synthesis.onnx": "cuda", "pack_y_step.onnx": "cpu"}


def test_a_card_without_graphs_for_the_runtime_is_refused(folder):
    from dataclasses import replace

    card = replace(read_model(folder).coder, torch_graphs=None)

    with pytest.raises(ModelContractError, match="torch"):
        CoderNetwork(card, folder, "cpu", "torch", 1)
