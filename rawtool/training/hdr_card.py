"""The cards of the HDR networks: what their graphs promise, from the geometry of the nets."""

from dataclasses import replace

from rawtool.nets import hdr_s, hdrunet, singlehdr
from rawtool.runtime.card import SCHEMA, Card, TensorSpec
from rawtool.training.configs import HdrUnetConfig, SingleHdrConfig
from rawtool.vocabulary import Encoding, GlobalPass, Space, Task

VERSION, SMALL_VERSION = "1", "4"
"""Of the networks as published, and of size s."""

LICENCE = "Apache-2.0"
OPSET = 17
TOLERANCE = 1e-4
SMALL_BYTES_PER_PIXEL, HDRUNET_BYTES_PER_PIXEL, SINGLEHDR_BYTES_PER_PIXEL = 200, 2100, 2100
"""ONNX Runtime on the CPU: peak memory of a run per pixel of the window."""


def hdr_card(config: HdrUnetConfig, training: str) -> Card:
    """Give the card of the network of size s or of HDRUNet, without files and measurements."""
    return _small_card(training) if config.size == "s" else _paper_card(training)


def singlehdr_card(config: SingleHdrConfig, halo: int, training: str) -> Card:
    """Give the card of SingleHDR; halo says how many networks stand one after the other."""
    return replace(
        _small_card(training),
        name=f"singlehdr-{config.size}",
        version=VERSION,
        size=config.size,
        stride=singlehdr.SingleHdr.stride,
        min_size=singlehdr.SingleHdr.stride,
        halo=halo,
        global_pass=GlobalPass.THUMBNAIL,
        thumbnail_size=singlehdr.THUMBNAIL,
        vector_size=singlehdr.SingleHdr.vector_size,
        bytes_per_pixel=SINGLEHDR_BYTES_PER_PIXEL,
    )


def _paper_card(training: str) -> Card:
    return replace(
        _small_card(training),
        name="hdrunet-paper",
        version=VERSION,
        size="paper",
        input=_picture("picture", Encoding.GAMMA_224, "a finished picture, display-encoded"),
        output=_light(Encoding.GAMMA_224),
        thumbnail=None,
        stride=hdrunet.HdrUnet.stride,
        min_size=hdrunet.HdrUnet.stride,
        halo=hdrunet.HdrUnet.halo,
        global_pass=GlobalPass.NONE,
        thumbnail_size=None,
        vector_size=0,
        bytes_per_pixel=HDRUNET_BYTES_PER_PIXEL,
    )


def _small_card(training: str) -> Card:
    return Card(
        schema=SCHEMA,
        name="hdr-s",
        version=SMALL_VERSION,
        size="s",
        task=Task.HDR,
        input=_picture("picture", Encoding.SRGB, "a finished picture, display-encoded"),
        output=_light(Encoding.LINEAR),
        thumbnail=_picture("thumbnail", Encoding.SRGB, "the whole picture, shrunk"),
        stride=hdr_s.HdrNetS.stride,
        halo=hdr_s.HdrNetS.halo,
        global_halo=0,
        min_size=hdr_s.HdrNetS.stride,
        global_pass=GlobalPass.GUIDE,
        thumbnail_size=hdr_s.THUMBNAIL,
        vector_size=hdr_s.HdrNetS.n_guide,
        condition_size=0,
        has_mosaic_input=False,
        has_neutral_output=False,
        has_kept_input=False,
        bytes_per_pixel=SMALL_BYTES_PER_PIXEL,
        opset=OPSET,
        tolerance=TOLERANCE,
        licence=LICENCE,
        may_invent_detail=True,
        training=training,
        measured=(),
        graphs=None,
        torch_graphs=None,
    )


def _picture(name: str, encoding: Encoding, what: str) -> TensorSpec:
    return TensorSpec(
        name,
        3,
        Space.DISPLAY,
        encoding,
        is_balanced=True,
        low=0.0,
        high=1.0,
        description=f"{what}; its own primaries",
    )


def _light(encoding: Encoding) -> TensorSpec:
    what = "scene-linear light in the primaries of the picture; 1 is the picture's white"
    return TensorSpec(
        "light", 3, Space.SCENE_LINEAR, encoding, is_balanced=True, low=0.0, high=None, description=what
    )
