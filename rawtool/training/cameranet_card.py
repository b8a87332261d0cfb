"""The cards of the paper's networks: what their graphs promise, from the geometry of the nets."""

from dataclasses import replace

from rawtool.nets import cameranet
from rawtool.runtime.card import SCHEMA, Card, TensorSpec
from rawtool.vocabulary import Encoding, GlobalPass, Space, Task

# ONNX Runtime on the CPU at base width 32: 279 bytes of peak memory per pixel of the window were measured.
BYTES_PER_PIXEL = 300


def paper_card(task: Task, *, width: int = cameranet.BASE_WIDTH, training: str = "random weights") -> Card:
    """The card of one of the paper's nets at a base width, without files and measurements."""
    is_restore = task is Task.RESTORE
    dilations = cameranet.RESTORE_DILATIONS if is_restore else cameranet.ENHANCE_DILATIONS
    return Card(
        schema=SCHEMA,
        name="cameranet-paper",
        version="1",
        size="paper",
        task=task,
        input=_restore_input() if is_restore else _enhance_input(),
        output=_restored() if is_restore else _finished(),
        thumbnail=None,
        stride=cameranet.STRIDE,
        halo=_aligned(cameranet.reach(dilations)),
        global_halo=_aligned(cameranet.context_reach(dilations)),
        min_size=cameranet.minimum_size(dilations),
        global_pass=GlobalPass.EXACT,
        thumbnail_size=None,
        vector_size=16 * width,
        condition_size=0,
        has_mosaic_input=False,
        has_neutral_output=False,
        has_kept_input=False,
        bytes_per_pixel=BYTES_PER_PIXEL * width // cameranet.BASE_WIDTH,
        opset=17,
        tolerance=1e-4,
        licence="Apache-2.0",
        may_invent_detail=False,
        training=training,
        measured=(),
        graphs=None,
        torch_graphs=None,
    )


def _restore_input() -> TensorSpec:
    return TensorSpec(
        name="picture",
        channels=3,
        space=Space.XYZ,
        encoding=Encoding.LINEAR,
        is_balanced=False,
        low=None,
        high=None,
        description="demosaicked XYZ before white balance, 1 = white level; noise below 0 is kept",
    )


def _restored() -> TensorSpec:
    what = "clean XYZ after white balance"
    return replace(_restore_input(), name="restored", is_balanced=True, description=what)


def _enhance_input() -> TensorSpec:
    return TensorSpec(
        name="picture",
        channels=3,
        space=Space.SCENE_LINEAR,
        encoding=Encoding.GAMMA,
        is_balanced=True,
        low=0.0,
        high=None,
        description="scene-linear sRGB, floored at 1e-4, to the power 1 / 2.2",
    )


def _finished() -> TensorSpec:
    return TensorSpec(
        name="finished",
        channels=3,
        space=Space.DISPLAY,
        encoding=Encoding.SRGB,
        is_balanced=True,
        low=0.0,
        high=1.0,
        description="display-encoded sRGB, not clipped",
    )


def _aligned(pixels: int) -> int:
    """Round a reach up to the stride."""
    return -(-pixels // cameranet.STRIDE) * cameranet.STRIDE
