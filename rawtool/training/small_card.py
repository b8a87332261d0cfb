"""The cards of size s: what its graphs promise, from the geometry of the nets."""

from rawtool.nets import cameranet_s
from rawtool.runtime.card import SCHEMA, Card, TensorSpec
from rawtool.vocabulary import Encoding, GlobalPass, Space, Task

NAME = "cameranet-s"
VERSION = "9"
LICENCE = "Apache-2.0"
BYTES_PER_PIXEL = {Task.RESTORE: 340, Task.ENHANCE: 280}
"""ONNX Runtime on the CPU: what a run takes per pixel of the window at most, its arena's reserve included."""
OPSET = 17
TOLERANCE = 1e-4


def small_card(task: Task, training: str) -> Card:
    """Give the card of one stage, without files and measurements; training sums up data and recipe."""
    is_restore = task is Task.RESTORE
    net = cameranet_s.RestoreNetS if is_restore else cameranet_s.EnhanceNetS
    return Card(
        schema=SCHEMA,
        name=NAME,
        version=VERSION,
        size="s",
        task=task,
        input=_restore_input() if is_restore else _enhance_input(),
        output=_restored() if is_restore else _finished(),
        thumbnail=_thumbnail(is_restore=is_restore),
        stride=net.stride,
        halo=net.halo,
        global_halo=0,
        min_size=net.stride,
        global_pass=GlobalPass.THUMBNAIL,
        thumbnail_size=cameranet_s.THUMBNAIL,
        vector_size=net.vector_size,
        condition_size=cameranet_s.CONDITION_SIZE if is_restore else 0,
        has_mosaic_input=is_restore,
        has_neutral_output=is_restore,
        has_kept_input=True,
        bytes_per_pixel=BYTES_PER_PIXEL[task],
        opset=OPSET,
        tolerance=TOLERANCE,
        licence=LICENCE,
        may_invent_detail=False,
        training=training,
        measured=(),
        graphs=None,
        torch_graphs=None,
    )


def _restore_input() -> TensorSpec:
    what = (
        "XYZ D65 of the initial demosaic and the RGGB mosaic (fourth channel), both white-balanced and "
        "cut at 1 = white level; noise below 0 is kept"
    )
    return TensorSpec(
        "picture", 4, Space.XYZ, Encoding.LINEAR, is_balanced=True, low=None, high=1.1, description=what
    )


def _restored() -> TensorSpec:
    what = "clean XYZ D65"
    return TensorSpec(
        "restored", 3, Space.XYZ, Encoding.LINEAR, is_balanced=True, low=None, high=1.1, description=what
    )


def _enhance_input() -> TensorSpec:
    what = "scene-linear light, Rec.709 primaries, 1 = white level"
    return TensorSpec(
        "picture",
        3,
        Space.SCENE_LINEAR,
        Encoding.LINEAR,
        is_balanced=True,
        low=0.0,
        high=None,
        description=what,
    )


def _finished() -> TensorSpec:
    what = "display-encoded sRGB, not clipped"
    return TensorSpec(
        "finished", 3, Space.DISPLAY, Encoding.SRGB, is_balanced=True, low=0.0, high=1.0, description=what
    )


def _thumbnail(*, is_restore: bool) -> TensorSpec:
    if is_restore:
        what = "area mean of XYZ before white balance, through the camera's matrix for balanced values"
        return TensorSpec(
            "thumbnail", 3, Space.XYZ, Encoding.LINEAR, is_balanced=False, low=0.0, high=1.1, description=what
        )
    what = "area mean of the whole picture before any correction of exposure"
    return TensorSpec(
        "thumbnail",
        3,
        Space.SCENE_LINEAR,
        Encoding.LINEAR,
        is_balanced=True,
        low=0.0,
        high=1.1,
        description=what,
    )
