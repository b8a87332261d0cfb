import warnings

import numpy as np
import pytest

from rawtool.errors import (
    DeviceError,
    EngineMissingError,
    MemoryLimitError,
    ModelContractError,
    ModelNotFoundError,
    VerificationError,
)
from rawtool.runtime import devices
from rawtool.runtime.card import CARD_KEY
from rawtool.runtime.session import open_session

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
from onnx import TensorProto, helper  # noqa: E402 - after the check that it is there

from rawtool.runtime import onnx as engine  # noqa: E402
from rawtool.runtime import torchscript  # noqa: E402


@pytest.fixture
def logarithm(tmp_path):
    """A graph that takes the logarithm of a row of any length."""
    shape = [1, "n"]
    graph = helper.make_graph(
        [helper.make_node("Log", ["picture"], ["restored"])],
        "logarithm",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("restored", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {CARD_KEY: "the card"})
    path = tmp_path / "log.onnx"
    onnx.save(model, path)
    return path


class Logarithm(torch.nn.Module):
    def forward(self, picture):
        return torch.log(picture)


@pytest.fixture
def scripted(tmp_path):
    path = tmp_path / "log.pt"
    names = '{"inputs": ["picture"], "outputs": ["restored"]}'
    extra = {CARD_KEY: "the card", torchscript.NAMES_KEY: names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.trace(Logarithm(), torch.ones(1, 3)), str(path), _extra_files=extra)
    return path


@pytest.fixture(params=["logarithm", "scripted"])
def graph(request):
    return request.getfixturevalue(request.param)


def test_a_graph_runs_by_the_names_of_its_tensors(graph):
    session = open_session(graph, threads=1)
    outputs = session.run({"picture": np.array([[1.0, np.e, 4.0]])})
    assert list(outputs) == ["restored"]
    assert outputs["restored"][0] == pytest.approx([0.0, 1.0, np.log(4.0)], abs=1e-6)
    assert outputs["restored"].dtype == np.float32


def test_a_session_says_what_it_runs_on_and_carries_its_card(graph):
    session = open_session(graph, "cpu", threads=1)
    assert (session.device, session.card_text) == ("cpu", "the card")
    assert session.provider in ("CPUExecutionProvider", "torch cpu")


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_values_that_are_not_finite_are_refused(graph, value):
    session = open_session(graph, threads=1)
    with pytest.raises(VerificationError, match="not finite"):
        session.run({"picture": np.array([[1.0, value]])})


def test_wrong_inputs_are_a_broken_contract(graph):
    session = open_session(graph, threads=1)
    with pytest.raises(ModelContractError, match=r"log\.(onnx|pt)"):
        session.run({"image": np.ones((1, 3))})


@pytest.mark.parametrize("suffix", [".onnx", ".pt"])
def test_a_file_that_is_no_graph_is_refused(tmp_path, suffix):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(b"not a graph")
    with pytest.raises(ModelContractError, match="cannot be run"):
        open_session(path)


def test_a_missing_file_and_a_strange_one_are_refused(tmp_path):
    with pytest.raises(ModelNotFoundError, match="missing"):
        open_session(tmp_path / "none.onnx")
    with pytest.raises(ModelContractError, match=r"\.onnx or \.pt"):
        open_session(tmp_path / "net.tflite")


def test_a_named_runtime_is_binding(logarithm):
    with pytest.raises(ModelContractError, match="--runtime onnx"):
        open_session(logarithm, runtime="torch")


def test_a_named_device_is_binding(logarithm, monkeypatch):
    monkeypatch.setattr(devices, "installed_engines", lambda: (devices.Engine("onnxruntime", "1"),))
    monkeypatch.setattr(engine, "available_devices", lambda: ("cpu",))
    with pytest.raises(DeviceError, match=r"^device cuda was asked for but onnxruntime \(CPU wheel\)"):
        open_session(logarithm, "cuda")


def test_a_provider_that_falls_back_silently_is_refused(logarithm, monkeypatch):
    monkeypatch.setattr(engine, "available_devices", lambda: ("cuda", "cpu"))
    loaded = engine._load(logarithm, devices.Device("cpu"), 1)
    monkeypatch.setattr(engine, "_load", lambda *_: loaded)
    with pytest.raises(DeviceError, match="device cuda:0 was asked for"):
        open_session(logarithm, "cuda:0")
    assert open_session(logarithm, "auto").device == "cpu"


def test_a_torch_device_that_is_not_here_is_refused(scripted, monkeypatch):
    monkeypatch.setattr(torchscript, "available_devices", lambda: ("cpu",))
    with pytest.raises(DeviceError, match="torch finds none here"):
        open_session(scripted, "cuda")


def test_missing_packages_are_explained(logarithm, scripted, monkeypatch):
    monkeypatch.setattr(devices, "installed_engines", lambda: ())
    with pytest.raises(EngineMissingError, match=r"rawtool\[cpu\]"):
        open_session(logarithm)
    monkeypatch.setattr(devices, "has_package", lambda _: False)
    with pytest.raises(EngineMissingError, match=r"rawtool\[train\]"):
        open_session(scripted)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("Failed to allocate memory for requested buffer of size 99"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_memory_that_ran_out_is_told_with_the_way_out(logarithm, error):
    translated = engine._translated(error, logarithm)
    assert isinstance(translated, MemoryLimitError)
    assert "--tile" in str(translated)


def test_torch_memory_that_ran_out_is_told_too(scripted):
    error = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    assert isinstance(torchscript._translated(error, scripted), MemoryLimitError)
