"""Graphs of eight bits: engines find what they can run in bytes, and get what the network gives."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx import helper, numpy_helper  # noqa: E402 - after the checks

from rawtool.errors import DeviceError, ModelContractError, VerificationError  # noqa: E402
from rawtool.nets.cameranet_s import RestoreNetS  # noqa: E402
from rawtool.nets.eightbit import MOST_WEIGHT, ranges_of, round_inside  # noqa: E402
from rawtool.runtime.network import open_network  # noqa: E402
from rawtool.training import eightbit_graph, export  # noqa: E402
from rawtool.training.eightbit_graph import kept_ranges, round_weights  # noqa: E402
from rawtool.training.export import export_stage  # noqa: E402
from rawtool.training.small_card import small_card  # noqa: E402
from rawtool.vocabulary import Precision, Task  # noqa: E402

SIZE = (45, 61)
N_CONVOLUTIONS = 9
"""All but the two at the picture's side of the network, and those of the thumbnail."""


@pytest.fixture(scope="module")
def net():
    """A restoration of random weights that has seen a picture."""
    torch.manual_seed(6)
    made = RestoreNetS()
    torch.nn.init.normal_(made.out.weight, std=0.02)
    round_inside(made, is_on=True)
    with torch.no_grad():
        picture = torch.rand(4, 4, 64, 64)
        made.restore_code(picture, torch.full((4, 8), 1e-3), torch.zeros(4, made.vector_size))
    round_inside(made, is_on=False)
    return made.eval()


@pytest.fixture(scope="module")
def card():
    return small_card(Task.RESTORE, "none")


@pytest.fixture(scope="module")
def exported(net, card, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    return export_stage(net, card, folder, is_with_torch=False, sizes=(SIZE,)), folder


def test_every_inner_convolution_runs_in_bytes(exported, tmp_path):
    found, folder = exported
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 4
    path = folder / found.card.eight_bit.tile.path

    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    graph = onnx.load(tmp_path / "optimised.onnx").graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("QLinearConv") == N_CONVOLUTIONS
    assert kinds.count("Conv") == 2


def test_weights_are_bytes_of_seven_bits(exported):
    found, folder = exported
    graph = onnx.load(folder / found.card.eight_bit.tile.path).graph

    whole = [numpy_helper.to_array(each) for each in graph.initializer if each.name.endswith("weight_whole")]

    assert len(whole) == N_CONVOLUTIONS - 1  # those of the last one are written twice, under another name
    assert all(each.dtype == np.int8 and np.abs(each).max() == MOST_WEIGHT for each in whole)


def test_ranges_travel_in_the_graph(exported, net):
    found, folder = exported
    model = onnx.load(folder / found.card.eight_bit.tile.path)

    assert kept_ranges(model) == {f"net.{name}": value.tolist() for name, value in ranges_of(net).items()}
    assert not kept_ranges(onnx.load(folder / found.card.graphs.tile.path))


def test_tiles_of_eight_bits_equal_the_whole(exported):
    found, _ = exported

    (tiled,) = [row for row in found.parity if row.who == "onnx int8 tiled"]
    assert tiled.difference <= 1e-4


def test_a_net_that_never_saw_a_picture_is_exported_in_float32_only(card, tmp_path):
    found = export_stage(RestoreNetS(), card, tmp_path, is_with_torch=False, sizes=((16, 16),))

    assert found.card.eight_bit is None
    assert not list(tmp_path.glob("*int8*"))


def test_a_graph_that_rounds_worse_than_the_net_is_not_exported(net, card, tmp_path, monkeypatch):
    def spoilt(graph):
        count = round_weights(graph)
        for tensor in graph.initializer:
            if tensor.name.endswith("only.weight") or tensor.name.endswith("weight_whole_step"):
                tensor.CopyFrom(numpy_helper.from_array(3 * numpy_helper.to_array(tensor), tensor.name))
        return count

    monkeypatch.setattr(export, "round_weights", spoilt)

    with pytest.raises(VerificationError, match=r"graph of eight bits is .* from float32"):
        export_stage(net, card, tmp_path, is_with_torch=False, sizes=(SIZE,))
    assert not list(tmp_path.iterdir())


def test_eight_bits_run_where_they_are_asked_for(exported):
    found, folder = exported

    def precision(word):
        return open_network(found.card, folder, "cpu", "auto", 1, word).precision

    assert precision(Precision.INT8) is precision(Precision.AUTO) is Precision.INT8
    assert precision(Precision.FP32) is Precision.FP32
    without = replace(found.card, eight_bit=None)
    assert open_network(without, folder, "cpu", precision=Precision.AUTO).precision is Precision.FP32
    with pytest.raises(ModelContractError, match="no graph of eight bits"):
        open_network(without, folder, "cpu", precision=Precision.INT8)


def test_eight_bits_by_torch_are_refused(net, card, tmp_path):
    found = export_stage(net, card, tmp_path, sizes=((16, 16),))
    by_itself = open_network(found.card, tmp_path, "cpu", "torch", 1, Precision.AUTO)

    assert by_itself.precision is Precision.FP32
    with pytest.raises(DeviceError, match="use --precision fp32"):
        open_network(found.card, tmp_path, "cpu", "torch", 1, Precision.INT8)


def test_a_bias_beyond_whole_numbers_is_refused():
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "s", "z"], ["v"]),
        helper.make_node("Conv", ["v", "w", "b"], ["y"], name="big"),
    ]
    arrays = {
        "s": np.array(1e-9, np.float32),
        "z": np.array(0, np.uint8),
        "w": np.full((1, 1, 1, 1), 1e-3, np.float32),
        "b": np.full(1, 9.0, np.float32),
    }
    graph = helper.make_graph(
        nodes, "g", [], [], [numpy_helper.from_array(value, name) for name, value in arrays.items()]
    )

    with pytest.raises(VerificationError, match="bias of big is too large"):
        eightbit_graph.round_weights(graph)
