"""Networks from display-encoded values to light that are one line of numpy each, and studios with them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.color.transfer import srgb_decode
from rawtool.pipelines.studio import Studio
from rawtool.runtime.card import Card, GraphPair
from rawtool.runtime.catalog import Model
from rawtool.runtime.network import Network
from rawtool.vocabulary import Encoding, GlobalPass
from tests.runtime.cards import display, graph, hdr_card, light

Function = Callable[[AnyArray], AnyArray]
# Where the toys begin to add light, and how many times as much there is at a code of 1.
KNEE, GAIN = 0.8, 9.0


class FunctionSession:
    """A function of (1, 3, h, w) behind the door of a session; it keeps what it was shown."""

    def __init__(self, function: Callable[..., AnyArray], output: str) -> None:
        self.device, self.provider, self.card_text = "cpu", "numpy", None
        self._function, self._output = function, output
        self.seen: list[AnyArray] = []

    def run(self, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        self.seen.append(inputs[next(iter(inputs))])
        return {self._output: np.asarray(self._function(*inputs.values()), np.float32)}


SMALL = {"name": "toy", "stride": 4, "halo": 8, "min_size": 8}
WITHOUT_TERM = {
    "global_pass": GlobalPass.NONE,
    "thumbnail": None,
    "thumbnail_size": None,
    "vector_size": 0,
    "graphs": GraphPair(graph("hdr_tile.onnx"), None),
}
# HDRUNet's encoding on both sides.
BY_POWER = {"input": display("picture", Encoding.GAMMA_224), "output": light(Encoding.GAMMA_224)}


def studio(function: Function = srgb_decode, **changes: object) -> Studio:
    """A studio whose network is a function of the picture (1, 3, h, w)."""
    card = hdr_card(**(SMALL | WITHOUT_TERM | changes))
    return _studio(card, Network(card, FunctionSession(function, "light"), None))


def studio_with_vector(function: Callable[[AnyArray, AnyArray], AnyArray]) -> Studio:
    """A studio whose network is a function of the picture and of the thumbnail's mean (1, 3)."""
    card = hdr_card(**SMALL, thumbnail_size=4, vector_size=3)
    whole = FunctionSession(lambda thumbnail: thumbnail.mean(axis=(2, 3)), "vector")
    return _studio(card, Network(card, FunctionSession(function, "light"), whole))


def glowing(encoded: AnyArray) -> AnyArray:
    """Decode, and add light from KNEE on: GAIN times at 1."""
    return srgb_decode(encoded) * gain_of(encoded)


def gain_of(encoded: AnyArray) -> AnyArray:
    """How many times as much light ``glowing`` gives."""
    return GAIN ** (np.clip(encoded - KNEE, 0, None) / (1 - KNEE))


def _studio(card: Card, network: Network) -> Studio:
    model = Model(card.name, card.version, card.size, Path("toy-v3"), (card,), None)
    return Studio(model, "c0ffee", network)
