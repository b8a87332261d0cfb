"""Mends of exported graphs change no value."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402 - after the checks

from rawtool.training.onnx_graph import join_slices  # noqa: E402


def numbers(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def cut(source, target, start, end, axis):
    return helper.make_node("Slice", [source, start, end, axis, "one"], [target], name=f"to_{target}")


def graph(nodes, outputs):
    """Nodes over x (1, 2, h, w); top and left are given when the graph runs."""
    picture = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, "h", "w"])
    places = [helper.make_tensor_value_info(name, TensorProto.INT64, [1]) for name in ("top", "left")]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "c", "p", "q"]) for name in outputs]
    known = [numbers("one", 1), numbers("two", 2), numbers("three", 3), numbers("far", 2**62)]
    return helper.make_graph(nodes, "g", [picture, *places], made, known)


def results(of):
    model = helper.make_model(of, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    picture = np.random.default_rng(1).random((1, 2, 9, 11), np.float32)
    return session.run(None, {"x": picture, "top": np.array([2]), "left": np.array([5])})


def kinds(of):
    return [node.op_type for node in of.node]


def test_slices_of_one_axis_after_the_other_become_one():
    nodes = [
        cut("x", "rows", "top", "far", "two"),
        cut("rows", "part", "left", "far", "three"),
        helper.make_node("Neg", ["part"], ["y"]),
    ]
    before, after = graph(nodes, ["y"]), graph(nodes, ["y"])

    assert join_slices(after) == 1

    assert kinds(after).count("Slice") == 1
    for one, other in zip(results(before), results(after), strict=True):
        assert one.shape == (1, 2, 7, 6)
        assert np.array_equal(one, other)


def test_three_in_a_row_become_one_too():
    nodes = [
        cut("x", "rows", "top", "far", "two"),
        cut("rows", "part", "left", "far", "three"),
        cut("part", "y", "one", "far", "one"),
    ]
    before, after = graph(nodes, ["y"]), graph(nodes, ["y"])

    assert join_slices(after) == 2

    assert kinds(after).count("Slice") == 1
    assert np.array_equal(results(before)[0], results(after)[0])


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        pytest.param(
            [cut("x", "rows", "top", "far", "two"), cut("rows", "y", "top", "far", "two")],
            ["y"],
            id="same axis",
        ),
        pytest.param(
            [cut("x", "rows", "top", "far", "two"), cut("rows", "y", "left", "far", "three")],
            ["y", "rows"],
            id="wanted itself",
        ),
        pytest.param(
            [
                cut("x", "rows", "top", "far", "two"),
                cut("rows", "y", "left", "far", "three"),
                helper.make_node("Neg", ["rows"], ["z"]),
            ],
            ["y", "z"],
            id="read by another",
        ),
    ],
)
def test_other_slices_stay_as_they_are(nodes, outputs):
    before, after = graph(nodes, outputs), graph(nodes, outputs)

    assert join_slices(after) == 0

    assert kinds(after) == kinds(before)
    for one, other in zip(results(before), results(after), strict=True):
        assert np.array_equal(one, other)
