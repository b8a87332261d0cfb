"""The card: what an exported network promises.

A card is kept beside its graphs as JSON and, without the list of files, inside the graphs
themselves (ONNX metadata property "rawtool.card", TorchScript extra file of the same name).

Tensors of the graphs, all float32; V is vector_size, K condition_size, T thumbnail_size; h and w
are free but multiples of stride and at least min_size; [x] stands for "if the card says so":

    tile graph       picture (1, channels, h, w), [condition (1, K)],
                     [vector (1, V), or guide (1, V, h / stride, w / stride)]
                     -> restored, finished or light (1, 3, h, w)
    global graph     THUMBNAIL: thumbnail (1, 3, T, T), [condition] -> vector (1, V), [neutral (1, 3)]
                     GUIDE: thumbnail (1, 3, T, T), [condition] -> guide (1, V, any, any), a map of the
                     whole picture; tiles get it interpolated at the middles of their stride x stride cells
                     EXACT: picture (1, channels, h, w) -> context (1, V, h / stride, w / stride),
                     whose mean over the whole picture is the vector

A mosaic input is the fourth channel of picture, balanced like the three of XYZ. condition tells the
noise level. neutral is the XYZ of the estimated illuminant with Y = 1.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rawtool.errors import ModelContractError
from rawtool.runtime import strict_json
from rawtool.vocabulary import Encoding, GlobalPass, Space, Task

CARD_KEY = "rawtool.card"
SCHEMA = 2
Problem = tuple[bool, str]
"""Whether something is wrong, and what."""

THUMBNAIL_CHANNELS = 3
# The transfer curves that a network from display-encoded values to light may take and give.
_HDR_INPUT = frozenset({Encoding.SRGB, Encoding.GAMMA_224})
_HDR_OUTPUT = frozenset({Encoding.LINEAR, Encoding.GAMMA_224})


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One picture tensor: what its channels are, in which space and encoding, and their usual range.

    low and high describe the values seen in training, None where there is no bound; nothing is
    clipped. is_balanced tells whether a grey object has equal channels (white balance done).
    """

    name: str
    channels: int
    space: Space
    encoding: Encoding
    is_balanced: bool
    low: float | None
    high: float | None
    description: str


@dataclass(frozen=True, slots=True)
class GraphFile:
    """One file of a model: path relative to the model's folder, SHA-256 in hex, size in bytes."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class GraphPair:
    """The graphs of a stage in one format; vector is the global graph, None without a global pass."""

    tile: GraphFile
    vector: GraphFile | None

    @property
    def files(self) -> tuple[GraphFile, ...]:
        """The files that there are, the tile graph first."""
        return (self.tile,) if self.vector is None else (self.tile, self.vector)


@dataclass(frozen=True, slots=True)
class EightBit:
    """A tile graph that counts in bytes, and the working memory that it takes per pixel of its window."""

    tile: GraphFile
    bytes_per_pixel: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row of measured quality: on which data, which metric, the value and its unit."""

    data: str
    metric: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Card:
    """The promise of one stage of a model.

    stride, halo, global_halo and min_size are pixels of the picture tensor: required multiple,
    context of the tile graph on each side, the same of an EXACT global graph, smallest side.
    bytes_per_pixel is the working memory of the tile graph per pixel of its window. tolerance bounds
    |difference| between engines and between tiled and whole, of values above 1 in parts of the value.
    condition_size is 0 without that input.
    has_kept_input: the tile graph is told which rectangle of its window is kept and gives only that.
    training sums up data and recipe in one paragraph. eight_bit is a tile graph of the same weights, faster
    on processors, to be used with the global graph of graphs.
    """

    schema: int
    name: str
    version: str
    size: str
    task: Task
    input: TensorSpec
    output: TensorSpec
    thumbnail: TensorSpec | None
    stride: int
    halo: int
    global_halo: int
    min_size: int
    global_pass: GlobalPass
    thumbnail_size: int | None
    vector_size: int
    condition_size: int
    has_mosaic_input: bool
    has_neutral_output: bool
    has_kept_input: bool
    bytes_per_pixel: int
    opset: int
    tolerance: float
    licence: str
    may_invent_detail: bool
    training: str
    measured: tuple[Measurement, ...]
    graphs: GraphPair | None
    torch_graphs: GraphPair | None
    eight_bit: EightBit | None = None

    @property
    def files(self) -> tuple[GraphFile, ...]:
        """All files that there are."""
        pairs = (file for pair in (self.graphs, self.torch_graphs) if pair for file in pair.files)
        return (*pairs, self.eight_bit.tile) if self.eight_bit else tuple(pairs)

    @property
    def has_thumbnail(self) -> bool:
        """Whether the global graph looks at a thumbnail."""
        return self.global_pass in (GlobalPass.THUMBNAIL, GlobalPass.GUIDE)

    @property
    def channels_in(self) -> int:
        """Channels of the picture tensor."""
        return self.input.channels

    @property
    def tile_inputs(self) -> tuple[str, ...]:
        """Names of the tile graph's inputs in their order."""
        terms = {GlobalPass.NONE: (), GlobalPass.GUIDE: ("guide",)}.get(self.global_pass, ("vector",))
        kept = ("kept",) if self.has_kept_input else ()
        return (self.input.name, *self._condition_names(), *terms, *kept)

    @property
    def global_inputs(self) -> tuple[str, ...]:
        """Names of the global graph's inputs in their order."""
        if self.has_thumbnail:
            return ("thumbnail", *self._condition_names())
        return (self.input.name,) if self.global_pass is GlobalPass.EXACT else ()

    @property
    def global_outputs(self) -> tuple[str, ...]:
        """Names of the global graph's outputs in their order."""
        if self.global_pass is GlobalPass.THUMBNAIL:
            return ("vector", "neutral") if self.has_neutral_output else ("vector",)
        if self.global_pass is GlobalPass.GUIDE:
            return ("guide",)
        return ("context",) if self.global_pass is GlobalPass.EXACT else ()

    def contract(self) -> "Card":
        """The card without what may be added after the graphs were written: files and measured rows."""
        return replace(self, graphs=None, torch_graphs=None, eight_bit=None, measured=())

    def _condition_names(self) -> tuple[str, ...]:
        return ("condition",) if self.condition_size else ()


def dumps(card: Card) -> str:
    """Write a card as JSON; ModelContractError when it contradicts itself."""
    validate(card)
    return strict_json.dumps(card)


def loads(text: str) -> Card:
    """Read a card from JSON; ModelContractError says what does not fit."""
    card = strict_json.loads(Card, text)
    validate(card)
    return card


def validate(card: Card) -> None:
    """Raise ModelContractError when the numbers of a card do not fit each other."""
    refuse_first(card.name, _problems(card))


def refuse_first(name: str, problems: Iterable[Problem]) -> None:
    """Raise ModelContractError for the first problem of the card of that name that there is."""
    found = next((text for is_bad, text in problems if is_bad), None)
    if found is not None:
        raise ModelContractError(f"card of {name}: {found}; the model is damaged or too new")


def is_name(name: str) -> bool:
    """Tell whether a model may have a name: lower-case words and dashes."""
    return re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) is not None


def naming_problems(schema: int, name: str, version: str) -> tuple[Problem, ...]:
    """What every card's schema, name and version have to be."""
    return (
        (schema != SCHEMA, f"schema {schema} is not {SCHEMA}"),
        (not is_name(name), "name is not lower-case words and dashes"),
        (not re.fullmatch(r"\d+(\.\d+)*", version), "version is not numbers and dots"),
    )


def file_problems(file: GraphFile) -> tuple[Problem, ...]:
    """What every listed file has to have."""
    return (
        (
            not re.fullmatch(r"[0-9a-f]{64}", file.sha256) or file.bytes < 1,
            f"{file.path} has no valid digest and size",
        ),
        (
            not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", file.path),
            f"{file.path!r} is not a plain file name",
        ),
    )


def _problems(card: Card) -> tuple[Problem, ...]:
    is_thumbnail = card.has_thumbnail
    has_vector = card.global_pass is not GlobalPass.NONE
    expected = 4 if card.has_mosaic_input else 3
    return (
        *naming_problems(card.schema, card.name, card.version),
        (card.input.name != "picture", "the input tensor is not named picture"),
        (card.output.name != output_name(card.task), f"the output is not named {output_name(card.task)}"),
        (card.input.channels != expected, f"input has {card.input.channels} channels, not {expected}"),
        (card.output.channels != 3, f"output has {card.output.channels} channels, not 3"),
        (card.stride < 1, "stride is not positive"),
        (min(card.halo, card.global_halo) < 0, "a halo is negative"),
        (
            any(h % max(card.stride, 1) for h in (card.halo, card.global_halo)),
            "a halo is not a multiple of stride",
        ),
        (card.min_size < 1, "min_size is not positive"),
        (is_thumbnail != (card.thumbnail_size is not None), "thumbnail_size does not fit the global pass"),
        (is_thumbnail != (card.thumbnail is not None), "thumbnail does not fit the global pass"),
        (card.condition_size < 0, "condition_size is negative"),
        (is_thumbnail and (card.thumbnail_size or 0) < 1, "thumbnail_size is not positive"),
        (has_vector != (card.vector_size > 0), "vector_size does not fit the global pass"),
        (
            card.has_neutral_output and card.global_pass is not GlobalPass.THUMBNAIL,
            "only a thumbnail graph gives a neutral",
        ),
        (card.bytes_per_pixel < 1, "bytes_per_pixel is not positive"),
        (not (math.isfinite(card.tolerance) and card.tolerance > 0), "tolerance is not positive"),
        *(_hdr_problems(card) if card.task is Task.HDR else ()),
        *(
            problem
            for pair in (card.graphs, card.torch_graphs)
            if pair is not None
            for problem in _pair_problems(pair, has_vector=has_vector)
        ),
        *(_eight_bit_problems(card, card.eight_bit) if card.eight_bit else ()),
    )


def _eight_bit_problems(card: Card, eight_bit: EightBit) -> tuple[Problem, ...]:
    return (
        (card.graphs is None, "there are no graphs beside the one of eight bits"),
        (eight_bit.bytes_per_pixel < 1, "bytes_per_pixel of eight bits is not positive"),
        *file_problems(eight_bit.tile),
    )


def output_name(task: Task) -> str:
    """The name of the tile graph's output."""
    return {Task.RESTORE: "restored", Task.ENHANCE: "finished", Task.HDR: "light"}[task]


def _hdr_problems(card: Card) -> tuple[Problem, ...]:
    """What does not suit a network that turns a display-encoded picture into light."""
    taken, given = card.input, card.output
    small = taken if card.thumbnail is None else card.thumbnail
    return (
        (taken.space is not Space.DISPLAY, "the input is not display-encoded"),
        (taken.encoding not in _HDR_INPUT, f"the input cannot be in {taken.encoding.value}"),
        ((small.space, small.encoding) != (taken.space, taken.encoding), "the thumbnail is unlike the input"),
        (given.space is not Space.SCENE_LINEAR, "the output is not scene-linear"),
        (given.encoding not in _HDR_OUTPUT, f"the output cannot be in {given.encoding.value}"),
        (card.has_mosaic_input, "a finished picture has no mosaic"),
        (card.condition_size > 0, "the noise of a finished picture is not known"),
        (card.has_neutral_output, "a finished picture needs no neutral"),
    )


def _pair_problems(pair: GraphPair, *, has_vector: bool) -> tuple[Problem, ...]:
    is_unfit = (pair.vector is not None) != has_vector
    files = (problem for file in pair.files for problem in file_problems(file))
    return ((is_unfit, "the global graph does not fit the global pass"), *files)
