"""Enhance-Net over a whole picture, tile by tile: scene-linear light to display codes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from rawtool.arrays import AnyArray, Layers, Rgb
from rawtool.color.look import apply_look
from rawtool.color.spaces import convert
from rawtool.color.tone import expose_ev, luminance
from rawtool.color.transfer import decode, encode, quantise
from rawtool.errors import ModelContractError
from rawtool.pipelines.clock import Clock, share_done
from rawtool.pipelines.scratch import release
from rawtool.runtime.network import Network, find_terms, run_network
from rawtool.vocabulary import Encoding, Look, Profile, Space

GAMMA_FLOOR = 1e-4
"""CameraNet's published code: max(x, 1e-4) ** (1 / 2.2) before Enhance-Net."""


class Output(NamedTuple):
    """What the pixels are to be: their profile, their dtype (uint8, uint16 or float32), and the look.

    is_grey is for a sensor that sees no colours: of what the network gives the luminance counts.
    """

    profile: Profile
    dtype: DTypeLike
    look: Look = Look.NATURAL
    is_grey: bool = False


def enhance(
    rgb: Rgb,
    network: Network,
    exposure_ev: float,
    output: Output,
    tile: int | None,
    clock: Clock,
) -> AnyArray:
    """Finish scene-linear RGB (H, W, 3): display-encoded in a profile, as codes or float32 in [0, 1].

    The correction of
    exposure is seen by the tiles only: the network's automatic exposure comes from the picture as it was.
    """
    _check_contract(network)
    shape = (int(rgb.shape[0]), int(rgb.shape[1]))
    profile, dtype, look, is_grey = output
    pixels = np.empty((*shape, 3), dtype=dtype)

    def light(top: int, left: int, height: int, width: int) -> Layers:
        release(rgb)
        return _encoded(rgb[top : top + height, left : left + width], network)

    def read(top: int, left: int, height: int, width: int) -> Layers:
        window = expose_ev(rgb[top : top + height, left : left + width], exposure_ev)
        return _encoded(window, network)

    def keep(top: int, left: int, block: Layers) -> None:
        height, width = block.shape[:2]
        looking = _looking(_greyed(block) if is_grey else block, look)
        pixels[top : top + height, left : left + width] = _in_profile(looking, profile, dtype)
        release(rgb)
        clock.tile(share_done(top, left, block, shape), 0.9)

    terms = find_terms(network, light, shape, tile=tile)
    run_network(network, read, keep, shape, terms=terms, tile=tile)
    return pixels


def _encoded(rgb: Rgb, network: Network) -> Rgb:
    """Encode light as the card asks for."""
    if network.card.input.encoding is Encoding.LINEAR:
        return rgb
    return np.power(np.maximum(rgb, np.float32(GAMMA_FLOOR)), np.float32(1.0 / 2.2))


def _greyed(block: Rgb) -> Rgb:
    """Give three equal channels, the weighted mean of display codes."""
    grey: Rgb = np.repeat(luminance(block)[..., None], 3, axis=2)
    return grey


def _looking(block: Rgb, look: Look) -> Rgb:
    """Apply a look to what the network gave, which may reach beyond [0, 1]."""
    return block if look is Look.NATURAL else apply_look(np.clip(block, 0.0, 1.0), look)


def _in_profile(block: Rgb, profile: Profile, dtype: DTypeLike) -> AnyArray:
    """Bring display-encoded sRGB into an output profile and dtype."""
    if profile is not Profile.SRGB:
        scene_linear = convert(decode(np.clip(block, 0.0, 1.0), Profile.SRGB), Profile.SRGB, profile)
        block = encode(scene_linear, profile)
    if np.dtype(dtype).kind == "f":
        return np.clip(block, 0.0, 1.0)
    return quantise(block, np.dtype(dtype).itemsize * 8)


def _check_contract(network: Network) -> None:
    """Refuse a network that does not turn scene-linear light into a display-encoded picture."""
    card = network.card
    if card.input.space is not Space.SCENE_LINEAR or card.output.space is not Space.DISPLAY:
        raise ModelContractError(
            f"{card.name} does not finish scene-linear light; choose another with --model"
        )
