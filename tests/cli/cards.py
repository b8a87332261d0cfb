"""A model whose graphs are a few bytes: enough for what looks at cards and digests."""

import hashlib
from dataclasses import replace
from pathlib import Path

from rawtool.runtime import catalog
from rawtool.runtime.card import SCHEMA, Card, GraphFile, GraphPair, Measurement, TensorSpec, dumps
from rawtool.vocabulary import Encoding, GlobalPass, Space, Task


def graph(folder, name):
    content = name.encode()
    (folder / name).write_bytes(content)
    return GraphFile(name, hashlib.sha256(content).hexdigest(), len(content))


def card(folder, task):
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
    result = replace(tensor, name={Task.RESTORE: "restored", Task.ENHANCE: "finished"}[task])
    return Card(
        schema=SCHEMA,
        name="tiny",
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
        condition_size=2,
        has_mosaic_input=False,
        has_neutral_output=False,
        has_kept_input=False,
        bytes_per_pixel=100,
        opset=20,
        tolerance=1e-4,
        licence="Apache-2.0",
        may_invent_detail=False,
        training="on nothing",
        measured=(Measurement("held-out scenes", "PSNR", 40.5, "dB"),),
        graphs=GraphPair(graph(folder, f"{task.value}_tile.onnx"), None),
        torch_graphs=None,
    )


def install(models: Path) -> Path:
    """Put the model into a folder of models, with its index, and return the model's folder."""
    folder = models / "tiny-v1"
    folder.mkdir(parents=True)
    for task in Task:
        (folder / catalog.card_file(task)).write_text(dumps(card(folder, task)), encoding="utf-8")
    (models / catalog.INDEX).write_text(catalog.index_entry(catalog.read_model(folder)), encoding="utf-8")
    return folder
