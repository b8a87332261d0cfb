"""Small mends of the graphs that torch writes, which change no value."""

from collections import Counter

import onnx
from onnx import helper

SLICE_INPUTS = 5
"""What torch writes: data, starts, ends, axes, steps."""


def join_slices(graph: onnx.GraphProto) -> int:
    """Make one Slice of each two in a row, in place, and say how many were joined.

    torch cuts one axis after the other, and an engine copies the picture each time. Only slices of
    different axes may be joined; the exporter writes every axis of one indexing once.
    """
    n_joined = 0
    while (pair := _next_pair(graph)) is not None:
        _join(graph, *pair)
        n_joined += 1
    return n_joined


def _next_pair(graph: onnx.GraphProto) -> tuple[onnx.NodeProto, onnx.NodeProto] | None:
    """Find a Slice whose only reader is a Slice of other axes."""
    readers = Counter(name for node in graph.node for name in node.input)
    readers.update(output.name for output in graph.output)
    makers = {node.output[0]: node for node in graph.node if _is_slice(node)}
    axes = _known_axes(graph)
    for second in makers.values():
        first = makers.get(second.input[0])
        if first is None or readers[first.output[0]] > 1:
            continue
        before, after = axes.get(first.input[3]), axes.get(second.input[3])
        if before is not None and after is not None and not set(before) & set(after):
            return first, second
    return None


def _is_slice(node: onnx.NodeProto) -> bool:
    return node.op_type == "Slice" and len(node.input) == SLICE_INPUTS


def _known_axes(graph: onnx.GraphProto) -> dict[str, list[int]]:
    """Give the whole numbers of every constant, by name; the joined ones hold those of both."""
    known = {tensor.name: tensor for tensor in graph.initializer}
    known |= {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"}
    numbers = {
        name: onnx.numpy_helper.to_array(tensor).ravel().tolist()
        for name, tensor in known.items()
        if tensor.data_type == onnx.TensorProto.INT64
    }
    for node in graph.node:
        if node.op_type == "Concat" and all(name in numbers for name in node.input):
            numbers[node.output[0]] = [number for name in node.input for number in numbers[name]]
    return numbers


def _join(graph: onnx.GraphProto, first: onnx.NodeProto, second: onnx.NodeProto) -> None:
    """Let the second slice do the work of both."""
    names, made = [], []
    for what, a, b in zip(
        ("starts", "ends", "axes", "steps"), first.input[1:], second.input[1:], strict=True
    ):
        name = f"{second.output[0]}_{what}"
        made.append(helper.make_node("Concat", [a, b], [name], name=name, axis=0))
        names.append(name)
    joined = helper.make_node(
        "Slice", [first.input[0], *names], [second.output[0]], name=second.name or second.output[0]
    )
    at = list(graph.node).index(second)
    kept = [node for node in graph.node if node is not first and node is not second]
    place = at - 1 if list(graph.node).index(first) < at else at
    kept[place:place] = [*made, joined]
    del graph.node[:]
    graph.node.extend(kept)
