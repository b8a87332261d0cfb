"""The network over a whole picture, tile by tile: codes to scene-linear light that keeps its scale."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import DTypeLike

from rawtool.arrays import AnyArray, Layers
from rawtool.color.transfer import srgb_encode
from rawtool.errors import VerificationError
from rawtool.pipelines.clock import Clock, share_done
from rawtool.pipelines.ldr import Ldr
from rawtool.pipelines.scratch import release, scratch
from rawtool.pipelines.studio import HdrSettings
from rawtool.runtime.network import Network, find_terms, run_network
from rawtool.vocabulary import Encoding, Profile

Curve = Callable[[AnyArray], AnyArray]

POWER = 2.24
"""HDRUNet's data (NTIRE 2021): values are light to the power of 1 / 2.24."""

CLIPPED = 254.5 / 255
"""From here on a code is the largest that 8 bits have: there may have been more light."""

FLOOR = 0.5 / 255 / 12.92
"""Half of the smallest step of 8-bit sRGB, in light: what is added to both before a gain is taken."""

LEFT_ALONE = 2.0**-16
"""Relative differences up to this are those of float32 arithmetic: the pixel keeps its decoded value."""

HALF_MAX = 65504.0

_ENCODERS: Mapping[Encoding, Curve] = {
    Encoding.SRGB: srgb_encode,
    Encoding.GAMMA_224: lambda light: light ** np.float32(1.0 / POWER),
}
_DECODERS: Mapping[Encoding, Curve] = {
    Encoding.LINEAR: lambda light: light,
    Encoding.GAMMA_224: lambda encoded: np.maximum(encoded, np.float32(0.0)) ** np.float32(POWER),
}
_CURVE_IS_SRGB = frozenset({Profile.SRGB, Profile.DISPLAY_P3})


def find_light(ldr: Ldr, network: Network, settings: HdrSettings, dtype: DTypeLike, clock: Clock) -> AnyArray:
    """Reconstruct relative scene-linear light (H, W, 3) of the picture's own primaries, 1.0 its white.

    dtype is float32, or float16 where half of the memory is enough.

    Raises:
        VerificationError: the network gave values that are not finite.
    """
    card, shape = network.card, ldr.shape
    seen, decoded = ldr.values(partial(_encoded, ldr, card.input.encoding)), ldr.values(ldr.decode)
    clipped_from = float(ldr.decode(np.array([CLIPPED], np.float32))[0])
    light = scratch((*shape, 3), dtype)

    def read(top: int, left: int, height: int, width: int) -> Layers:
        return seen(ldr.codes[top : top + height, left : left + width])

    def keep(top: int, left: int, block: Layers) -> None:
        height, width = block.shape[:2]
        window = (slice(top, top + height), slice(left, left + width))
        found = _DECODERS[card.output.encoding](block)
        kept = keep_scale(decoded(ldr.codes[window]), found, clipped_from, settings)
        light[window] = np.minimum(kept, np.float32(HALF_MAX)) if light.dtype == np.float16 else kept
        release(light)
        clock.tile(share_done(top, left, block, shape), 0.8)

    terms = find_terms(network, read, shape, tile=settings.tile)
    clock.lap("look", 0.2)
    run_network(network, read, keep, shape, terms=terms, tile=settings.tile)
    return light


def keep_scale(decoded: Layers, found: Layers, clipped_from: float, settings: HdrSettings) -> Layers:
    """Hold what a network found (h, w, 3) to the scale of what the picture says.

    A value that was left alone is the decoded one exactly. Gains are taken in EV: settings say which share
    of them and how much at most. A channel that was clipped, from clipped_from on, never loses. No light is
    below 0.

    Raises:
        VerificationError: a value is not finite.
    """
    if not np.isfinite(found).all():
        raise VerificationError(
            "the network gave light that is not finite; the input or the device is at fault; try --device cpu"
        )
    floor, strength = np.float32(FLOOR), np.float32(settings.highlight_strength / 100.0)
    most = (decoded + floor) * np.float32(2.0**settings.max_gain_ev) - floor
    light = np.clip(found, np.float32(0.0), most)
    if strength < 1.0:
        light = (decoded + floor) * ((light + floor) / (decoded + floor)) ** strength - floor
    is_kept = np.abs(light - decoded) <= np.float32(LEFT_ALONE) * decoded
    is_kept |= (decoded >= np.float32(clipped_from)) & (light < decoded)
    return np.where(is_kept, decoded, light)


def _encoded(ldr: Ldr, encoding: Encoding, codes: AnyArray) -> AnyArray:
    """Encode codes in [0, 1] as a network wants them; those of an sRGB curve are that already."""
    if encoding is Encoding.SRGB and ldr.profile in _CURVE_IS_SRGB:
        return codes
    return _ENCODERS[encoding](ldr.decode(codes))
