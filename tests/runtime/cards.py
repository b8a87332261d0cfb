"""Cards for the tests of the runtime."""

from dataclasses import replace

from rawtool.runtime.card import SCHEMA, Card, GraphFile, GraphPair, Measurement, TensorSpec
from rawtool.vocabulary import Encoding, GlobalPass, Space, Task

DIGEST = "0123456789abcdef" * 4


def tensor(name: str, channels: int = 3) -> TensorSpec:
    return TensorSpec(name, channels, Space.XYZ, Encoding.LINEAR, True, 0.0, None, "light")


def graph(path: str) -> GraphFile:
    return GraphFile(path, DIGEST, 12)


def display(name: str, encoding: Encoding = Encoding.SRGB) -> TensorSpec:
    return TensorSpec(name, 3, Space.DISPLAY, encoding, True, 0.0, 1.0, "a finished picture")


def light(encoding: Encoding = Encoding.LINEAR) -> TensorSpec:
    return TensorSpec("light", 3, Space.SCENE_LINEAR, encoding, True, 0.0, None, "1 = white of the input")


def restore_card(**changes: object) -> Card:
    """A restoration with mosaic, condition, thumbnail and neutral, and one measured row."""
    card = Card(
        schema=SCHEMA,
        name="tiny-net",
        version="1.2",
        size="s",
        task=Task.RESTORE,
        input=tensor("picture", 4),
        output=tensor("restored"),
        thumbnail=tensor("thumbnail"),
        stride=8,
        halo=16,
        global_halo=0,
        min_size=8,
        global_pass=GlobalPass.THUMBNAIL,
        thumbnail_size=16,
        vector_size=5,
        condition_size=2,
        has_mosaic_input=True,
        has_neutral_output=True,
        has_kept_input=False,
        bytes_per_pixel=400,
        opset=17,
        tolerance=1e-4,
        licence="Apache-2.0",
        may_invent_detail=False,
        training="random",
        measured=(Measurement("held-out scenes", "PSNR", 40.5, "dB"),),
        graphs=GraphPair(graph("restore_tile.onnx"), graph("restore_global.onnx")),
        torch_graphs=None,
    )
    return replace(card, **changes)


def plain_card(task: Task = Task.ENHANCE, **changes: object) -> Card:
    """A network of three channels without any image-wide term."""
    name = "restored" if task is Task.RESTORE else "finished"
    card = restore_card(
        task=task,
        input=tensor("picture"),
        output=tensor(name),
        thumbnail=None,
        global_pass=GlobalPass.NONE,
        thumbnail_size=None,
        vector_size=0,
        condition_size=0,
        has_mosaic_input=False,
        has_neutral_output=False,
        has_kept_input=False,
        graphs=GraphPair(graph(f"{task.value}_tile.onnx"), None),
    )
    return replace(card, **changes)


def hdr_card(**changes: object) -> Card:
    """An HDR reconstruction whose curve comes from a thumbnail; it looks far around."""
    card = restore_card(
        name="tiny-hdr",
        task=Task.HDR,
        input=display("picture"),
        output=light(),
        thumbnail=display("thumbnail"),
        stride=64,
        halo=320,
        min_size=64,
        vector_size=1024,
        condition_size=0,
        has_mosaic_input=False,
        has_neutral_output=False,
        may_invent_detail=True,
        graphs=GraphPair(graph("hdr_tile.onnx"), graph("hdr_global.onnx")),
    )
    return replace(card, **changes)
