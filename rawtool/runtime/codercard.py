"""The card of a codec's network: what its six graphs promise.

Tensors, all float32; M latents, K hyper-latents, P notes, S things seen; h, w the planes' sides, multiples of
stride. Guides hold 8-bit codes, small guides what is seen of them at a place: three means in whole halves,
then, where S is 9, fine and coarse differences; fit (1, 4, 13) is a polynomial of the guide; rate (1,) is
from 0 to n_rates - 1.

    analysis     planes (1, 4, h, w), guide (1, 12, h, w), fit, rate
                 -> y (1, M, h/4, w/4), z (1, K, h/16, w/16)
    synthesis    values (1, M, h/4, w/4), guide (1, 12, h, w), fit, rate -> planes (1, 4, h, w)
    z_start      small_guide_z (1, S, h/16, w/16), rate -> notes, groups (1, 1, h/16, w/16)
    y_start      values of z, small_guide_z, small_guide_y (1, S, h/4, w/4), rate -> notes, groups
    z_step, y_step   values, mask (1, 1, ...), notes -> mean, step, scale

All but analysis and synthesis count in whole numbers and give the same bits everywhere: values, mean and step
are in sixteenths, groups are 0 to n_groups - 1, scale is the number of a frequency table.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal, get_args

from rawtool.errors import ModelContractError
from rawtool.runtime import strict_json
from rawtool.runtime.card import (
    GraphFile,
    Measurement,
    Problem,
    file_problems,
    naming_problems,
    refuse_first,
)
from rawtool.vocabulary import Task

Part = Literal["analysis", "synthesis", "z_start", "z_step", "y_start", "y_step"]
"""The names of the graphs."""

PARTS: tuple[Part, ...] = get_args(Part)
EXACT_PARTS: tuple[Part, ...] = ("z_start", "z_step", "y_start", "y_step")

INPUTS: dict[Part, tuple[str, ...]] = {
    "analysis": ("planes", "guide", "fit", "rate"),
    "synthesis": ("values", "guide", "fit", "rate"),
    "z_start": ("small_guide_z", "rate"),
    "z_step": ("values", "mask", "notes"),
    "y_start": ("values", "small_guide_z", "small_guide_y", "rate"),
    "y_step": ("values", "mask", "notes"),
}
"""Names of the inputs of each graph in their order."""

OUTPUTS: dict[Part, tuple[str, ...]] = {
    "analysis": ("y", "z"),
    "synthesis": ("planes",),
    "z_start": ("notes", "groups"),
    "z_step": ("mean", "step", "scale"),
    "y_start": ("notes", "groups"),
    "y_step": ("mean", "step", "scale"),
}
"""Names of the outputs of each graph in their order."""


SMALL_Y, SMALL_Z = 4, 16
"""Planes' pixels of a side that a place of y and of z stands for."""

SEEN = (3, 9)
"""How much of the picture there may be in a small guide: the means, or the differences too."""


@dataclass(frozen=True, slots=True)
class CoderGraphs:
    """The six graphs in one format."""

    analysis: GraphFile
    synthesis: GraphFile
    z_start: GraphFile
    z_step: GraphFile
    y_start: GraphFile
    y_step: GraphFile

    @property
    def files(self) -> tuple[GraphFile, ...]:
        """All of them."""
        return tuple(self.part(name) for name in PARTS)

    def part(self, name: Part) -> GraphFile:
        """One of them by its name."""
        found: GraphFile = getattr(self, name)
        return found


@dataclass(frozen=True, slots=True)
class CoderCard:
    """The promise of a codec's network.

    stride is what the planes' sides must be multiples of; halo and synthesis_halo are the context of the
    analysis and of the synthesis around a tile, in planes' pixels, in whole places of z. tolerance bounds
    |difference| of planes between engines.
    """

    schema: int
    name: str
    version: str
    size: str
    task: Task
    n_latent: int
    n_hyper: int
    n_groups: int
    n_rates: int
    n_seen: int
    stride: int
    halo: int
    synthesis_halo: int
    bytes_per_pixel: int
    opset: int
    tolerance: float
    licence: str
    may_invent_detail: bool
    training: str
    measured: tuple[Measurement, ...]
    graphs: CoderGraphs | None
    torch_graphs: CoderGraphs | None

    @property
    def files(self) -> tuple[GraphFile, ...]:
        """All files that there are."""
        return tuple(file for graphs in (self.graphs, self.torch_graphs) if graphs for file in graphs.files)

    @property
    def exact_digest(self) -> bytes:
        """SHA-256 over the files that decide bits, 32 bytes: what one wrote only the same can read."""
        if self.graphs is None:
            raise ModelContractError(f"card of {self.name}: it lists no graphs; the model is damaged")
        lines = [f"{name} {self.graphs.part(name).sha256}\n" for name in EXACT_PARTS]
        return hashlib.sha256("".join(lines).encode()).digest()


def dumps(card: CoderCard) -> str:
    """Write a card as JSON; ModelContractError when it contradicts itself."""
    validate(card)
    return strict_json.dumps(card)


def loads(text: str) -> CoderCard:
    """Read a card from JSON; ModelContractError says what does not fit."""
    card = strict_json.loads(CoderCard, text)
    validate(card)
    return card


def validate(card: CoderCard) -> None:
    """Raise ModelContractError when the numbers of a card do not fit each other."""
    refuse_first(card.name, _problems(card))


def _problems(card: CoderCard) -> tuple[Problem, ...]:
    counts = (card.n_latent, card.n_hyper, card.n_groups, card.n_rates, card.bytes_per_pixel)
    return (
        *naming_problems(card.schema, card.name, card.version),
        (card.task is not Task.PACK, "it is not for packing"),
        (min(counts) < 1, "a count is not positive"),
        (card.n_seen not in SEEN, "it wants to see of a picture what this version does not know"),
        (card.stride < 1 or card.stride % SMALL_Z != 0, "stride is not a multiple of 16"),
        (bool(card.halo % SMALL_Z or card.synthesis_halo % SMALL_Z), "a halo is not a multiple of 16"),
        (not 0 < card.tolerance < 1, "tolerance is not between 0 and 1"),
        *(problem for file in card.files for problem in file_problems(file)),
    )
