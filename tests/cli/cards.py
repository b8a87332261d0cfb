"""Models whose graphs are a few bytes: enough for what looks at cards and digests."""

import hashlib
from dataclasses import replace
from pathlib import Path

from rawtool.runtime import catalog
from rawtool.runtime.card import (
    SCHEMA,
    Card,
    GraphFile,
    GraphPair,
    Measurement,
    TensorSpec,
    dumps,
    output_name,
)
from rawtool.vocabulary import Encoding, GlobalPass, Space, Task


def graph(folder, name):
    content = name.encode()
    (folder / name).write_bytes(content)
    return GraphFile(name, hashlib.sha256(content).hexdigest(), len(content))


def tensors(task):
    """What a stage takes and gives."""
    tensor = TensorSpec(
        name="picture",
        channels=3,
        space=Space.XYZ,
        encoding=Encoding.LINEAR,
        is_balanced=True,
        low=0.0,
        high=None,
        description="balanced light",
    )
    result = replace(tensor, name=output_name(task))
    if task is not Task.HDR:
        return tensor, result
    taken = replace(tensor, space=Space.DISPLAY, encoding=Encoding.SRGB, description="a finished picture")
    return taken, replace(result, space=Space.SCENE_LINEAR, description="light")


def card(folder, task, name):
    tensor, result = tensors(task)
    return Card(
        schema=SCHEMA,
        name=name,
        version="1",
        size="s",
        task=task,
        input=tensor,
        output=result,
        thumbnail=None,
        stride=8,
        halo=16,
        global_halo=0,
        min_size=64,
        global_pass=GlobalPass.NONE,
        thumbnail_size=None,
        vector_size=0,
        condition_size=0 if task is Task.HDR else 2,
        has_mosaic_input=False,
        has_neutral_output=False,
        has_kept_input=False,
        bytes_per_pixel=100,
        opset=20,
        tolerance=1e-4,
        licence="Apache-2.0",
        may_invent_detail=task is Task.HDR,
        training="on nothing",
        measured=(Measurement("held-out scenes", "PSNR", 40.5, "dB"),),
        graphs=GraphPair(graph(folder, f"{task.value}_tile.onnx"), None),
        torch_graphs=None,
    )


def install(models: Path, name: str = "tiny", verb: str = "develop") -> Path:
    """Put a model for a command into a folder of models, add it to the index and return its folder."""
    folder = models / f"{name}-v1"
    folder.mkdir(parents=True)
    for task in catalog.VERBS[verb]:
        (folder / catalog.card_file(task)).write_text(dumps(card(folder, task, name)), encoding="utf-8")
    with (models / catalog.INDEX).open("a", encoding="utf-8") as index:
        index.write(catalog.index_entry(catalog.read_model(folder)))
    return folder
