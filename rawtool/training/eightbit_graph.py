"""Whole numbers in place of the weights of a graph whose values torch wrote as rounded to eight bits."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from rawtool.arrays import AnyArray
from rawtool.errors import VerificationError
from rawtool.nets.eightbit import weight_scale

RANGES_KEY = "rawtool.ranges"


def round_weights(graph: onnx.GraphProto) -> int:
    """Round the weights of every convolution of eight-bit values, in place, and say how many there were.

    The graph then says what engines look for: DequantizeLinear before the convolution for values, weights and
    bias, QuantizeLinear after it.
    """
    makers = {node.output[0]: node for node in graph.node}
    known = _constants(graph)
    found = [node for node in graph.node if node.op_type == "Conv" and _is_of_bytes(node, makers)]
    for node in found:
        scale = float(known[makers[node.input[0]].input[1]])
        weight, bias = (known[name] for name in node.input[1:3])
        _lay_under(graph, node, weight, bias, scale)
    _drop_unused(graph)
    return len(found)


def keep_ranges(model: onnx.ModelProto, ranges: Mapping[str, Sequence[float]]) -> None:
    """Keep ranges (low, high) by their names in the metadata: a later training can begin with them."""
    entry = model.metadata_props.add()
    entry.key, entry.value = RANGES_KEY, json.dumps({name: list(ends) for name, ends in ranges.items()})


def kept_ranges(model: onnx.ModelProto) -> dict[str, list[float]]:
    """Give the ranges that a graph keeps, none for most."""
    found = {entry.key: entry.value for entry in model.metadata_props}
    ranges: dict[str, list[float]] = json.loads(found.get(RANGES_KEY, "{}"))
    return ranges


def _is_of_bytes(node: onnx.NodeProto, makers: Mapping[str, onnx.NodeProto]) -> bool:
    maker = makers.get(node.input[0])
    return maker is not None and maker.op_type == "DequantizeLinear"


def _constants(graph: onnx.GraphProto) -> dict[str, AnyArray]:
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    constants = (node for node in graph.node if node.op_type == "Constant")
    return known | {node.output[0]: numpy_helper.to_array(node.attribute[0].t) for node in constants}


def _lay_under(
    graph: onnx.GraphProto, node: onnx.NodeProto, weight: AnyArray, bias: AnyArray, scale: float
) -> None:
    """Give a convolution whole weights and a whole bias, each through a DequantizeLinear."""
    step = weight_scale(torch.tensor(weight)).numpy()
    whole = np.rint(weight / step[:, None, None, None]).astype(np.int8)
    bias_step = (np.float32(scale) * step).astype(np.float32)
    whole_bias = np.rint(bias / bias_step)
    if np.abs(whole_bias).max() >= 2**31:
        raise VerificationError(
            f"the bias of {node.name} is too large for whole numbers; nothing was exported"
        )
    name = node.input[1]
    node.input[1] = _dequantized(graph, node, f"{name}_whole", whole, step)
    node.input[2] = _dequantized(graph, node, f"{name}_bias_whole", whole_bias.astype(np.int32), bias_step)


def _dequantized(
    graph: onnx.GraphProto, before: onnx.NodeProto, name: str, whole: AnyArray, step: AnyArray
) -> str:
    """Put whole numbers with their steps before a node and give the name of what they stand for."""
    zero = np.zeros(len(step), whole.dtype)
    for suffix, value in (("", whole), ("_step", step), ("_zero", zero)):
        graph.initializer.append(numpy_helper.from_array(value, name + suffix))
    inputs = [name, f"{name}_step", f"{name}_zero"]
    made = helper.make_node("DequantizeLinear", inputs, [f"{name}_value"], name=f"{name}_value", axis=0)
    graph.node.insert(list(graph.node).index(before), made)
    return f"{name}_value"


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Leave out the weights that nothing reads any more."""
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
