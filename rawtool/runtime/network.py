"""Run one stage of a model over a picture of any size, in bounded memory."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from rawtool.arrays import AnyArray, Rgb, Vector
from rawtool.errors import DeviceError, ModelContractError
from rawtool.io.cores import n_cores
from rawtool.runtime import layout
from rawtool.runtime.card import Card, GraphFile, loads
from rawtool.runtime.guide import guide_in_window
from rawtool.runtime.lanes import in_lanes, share_threads
from rawtool.runtime.session import Session, open_session
from rawtool.runtime.thumbnails import thumbnail
from rawtool.runtime.tiling import (
    Area,
    Grid,
    Sink,
    Source,
    Tile,
    fitting_tiles,
    padded_length,
    plan_tiles,
    read_window,
)
from rawtool.vocabulary import GlobalPass, Precision

MEMORY_BUDGET_BYTES = {Precision.FP32: 320 * 2**20, Precision.INT8: 120 * 2**20}
"""What the windows of a network may take that are worked on at once; smaller ones of bytes are faster."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded stage: its card, its tile graph and its global graph (None without a global pass).

    precision tells in what numbers the tile graph counts; n_lanes tiles are worked on at once, each by its
    share of the threads. On another device than a processor their runs take turns, and only reading overlaps.
    """

    card: Card
    tile_session: Session
    global_session: Session | None
    precision: Precision = Precision.FP32
    n_lanes: int = 1

    @property
    def device(self) -> str:
        """The device really in use."""
        return self.tile_session.device

    @property
    def most_pixels(self) -> int:
        """Pixels of a window, so that those of all lanes fit into the memory for them."""
        eight_bit = self.card.eight_bit if self.precision is Precision.INT8 else None
        taken = eight_bit.bytes_per_pixel if eight_bit else self.card.bytes_per_pixel
        return MEMORY_BUDGET_BYTES[self.precision] // (self.n_lanes * taken)

    @property
    def grid(self) -> Grid:
        """How the tile graph wants its tiles."""
        return Grid(self.card.stride, self.card.halo, self.card.min_size)


@dataclass(frozen=True, slots=True)
class ImageTerms:
    """What a network is told about the whole picture, each None where it takes no such input.

    condition (K,) is given by the caller, vector (V,) or guide (rows, columns, V) comes from the global
    pass, and neutral (3,) is the XYZ of the estimated illuminant with Y = 1.
    """

    condition: AnyArray | None = None
    vector: Vector | None = None
    guide: AnyArray | None = None
    neutral: AnyArray | None = None


def open_network(
    card: Card,
    folder: Path,
    device: str = "auto",
    runtime: str = "auto",
    threads: int | None = None,
    precision: Precision = Precision.FP32,
) -> Network:
    """Load the graphs of a card; runtime "torch" takes the TorchScript files.

    Precision auto takes the graph that counts in bytes where there is one and it runs, and float32 elsewhere.

    Raises:
        ModelContractError: there are no such files, or the card inside a file says something else.
        DeviceError: eight bits are wanted where they do not run.
    """
    pair = card.torch_graphs if runtime == "torch" else card.graphs or card.torch_graphs
    if pair is None:
        raise ModelContractError(f"{card.name} has no files for runtime {runtime}; use --runtime auto")
    n_threads = n_cores() if threads is None else threads
    n_lanes, n_threads_each = share_threads(n_threads)

    def opened(file: GraphFile, n_threads: int) -> Session:
        session = open_session(folder / file.path, device, runtime, n_threads)
        _match_card(card, session, file.path)
        return session

    whole = None if pair.vector is None else opened(pair.vector, n_threads)
    # What "auto" came to is known when a graph is open.
    used = device if whole is None else whole.device
    is_eight_bit = _is_eight_bit(card, used, runtime, precision)
    tile = card.eight_bit.tile if card.eight_bit and is_eight_bit else pair.tile
    found = Precision.INT8 if is_eight_bit else Precision.FP32
    return Network(card, opened(tile, n_threads_each), whole, found, n_lanes)


def find_terms(
    network: Network,
    source: Source,
    shape: tuple[int, int],
    condition: Vector | None = None,
    tile: int | None = None,
) -> ImageTerms:
    """Do the global pass over a picture of shape (height, width).

    THUMBNAIL, GUIDE: source gives what the card's thumbnail describes (the first three channels are used).
    EXACT: source gives the picture tensor; features are summed in float64 over all tiles, so the
    vector is that of the whole. NONE: source is not read.
    """
    if network.card.has_thumbnail:
        size = _known(network.card.thumbnail_size, network.card, "thumbnail_size")
        return terms_from_thumbnail(network, thumbnail(source, shape, size), condition)
    if network.card.global_pass is GlobalPass.EXACT:
        return ImageTerms(condition, _exact_vector(network, source, shape, tile))
    return ImageTerms(condition)


def terms_from_thumbnail(network: Network, small: Rgb, condition: Vector | None = None) -> ImageTerms:
    """Do the global pass from a thumbnail (T, T, 3) that is there already."""
    session = _known(network.global_session, network.card, "global graph")
    inputs = {"thumbnail": layout.network_from_picture(small)}
    outputs = session.run(inputs | _condition_input(network.card, condition))
    if network.card.global_pass is GlobalPass.GUIDE:
        return ImageTerms(condition, guide=layout.picture_from_network(outputs["guide"]))
    neutral = outputs["neutral"][0] if network.card.has_neutral_output else None
    return ImageTerms(condition, outputs["vector"][0], neutral=neutral)


def run_network(
    network: Network,
    source: Source,
    sink: Sink,
    shape: tuple[int, int],
    *,
    terms: ImageTerms,
    tile: int | None = None,
) -> None:
    """Run the tile graph over a picture of shape (height, width), block by block.

    tile is the longest side of what each run keeps; None lets the memory of windows decide. Blocks reach the
    sink in reading order, cut to the frame, in the caller's thread; together they cover it once. The source
    is called by all lanes of the network, at once.
    """
    card = network.card
    fixed = _condition_input(card, terms.condition)
    if "vector" in card.tile_inputs:
        fixed["vector"] = layout.network_from_vector(_known(terms.vector, card, "vector"))
    parts = plan_windows(card, shape, tile, card.halo, network.most_pixels)

    def work(part: Tile) -> AnyArray:
        picture = layout.network_from_picture(read_window(source, part.window, *shape))
        inputs = {card.input.name: picture} | fixed | _place_inputs(card, part, terms, shape)
        return network.tile_session.run(inputs)[card.output.name]

    def store(part: Tile, tensor: AnyArray) -> None:
        block = layout.picture_from_network(tensor)
        is_cut = card.has_kept_input
        inner = Area(0, 0, part.kept.height, part.kept.width) if is_cut else _inside(part)
        sink(part.kept.top, part.kept.left, _in_frame(block, inner, part.kept, shape))

    for part, tensor in in_lanes(work, parts, network.n_lanes):
        store(part, tensor)


def run_picture(network: Network, picture: AnyArray, terms: ImageTerms, tile: int | None = None) -> AnyArray:
    """Run the tile graph over a picture (H, W, C) in memory and give the result (H, W, 3)."""
    height, width = picture.shape[:2]
    result = np.empty((height, width, network.card.output.channels), dtype=np.float32)

    def keep(top: int, left: int, block: AnyArray) -> None:
        result[top : top + block.shape[0], left : left + block.shape[1]] = block

    run_network(network, reader(picture), keep, (height, width), terms=terms, tile=tile)
    return result


def reader(picture: AnyArray) -> Source:
    """A source that reads a picture (H, W, C) in memory."""

    def read(top: int, left: int, height: int, width: int) -> AnyArray:
        return picture[top : top + height, left : left + width]

    return read


def plan_windows(
    card: Card, shape: tuple[int, int], tile: int | None, halo: int, most_pixels: int
) -> tuple[Tile, ...]:
    """Lay tiles over a picture of shape (height, width); without a tile, windows have most_pixels at most."""
    grid = Grid(card.stride, halo, card.min_size)
    if tile is not None:
        return plan_tiles(*shape, tile, grid)
    return fitting_tiles(*shape, grid, most_pixels)


def largest_difference(found: AnyArray, expected: AnyArray) -> float:
    """How far two results are apart, as a card's tolerance counts: above 1 in parts of the value."""
    apart = np.abs(found.astype(np.float64) - expected)
    return float((apart / np.maximum(np.abs(expected), 1.0)).max())


def _is_eight_bit(card: Card, device: str, runtime: str, precision: Precision) -> bool:
    """Tell whether the graph of eight bits is to run; refuse where there is none or it cannot."""
    is_possible = device == "cpu" and runtime != "torch"
    if precision is Precision.AUTO:
        return is_possible and card.eight_bit is not None
    if precision is Precision.FP32:
        return False
    if card.eight_bit is None:
        raise ModelContractError(
            f"{card.name}@{card.version} has no graph of eight bits; use --precision fp32"
        )
    if not is_possible:
        raise DeviceError(f"int8 runs on a processor, by ONNX Runtime, not on {device}; use --precision fp32")
    return True


def _exact_vector(network: Network, source: Source, shape: tuple[int, int], tile: int | None) -> Vector:
    """The mean over the padded frame of the features that the global graph gives."""
    card = network.card
    session = _known(network.global_session, card, "global graph")
    grid = Grid(card.stride, card.global_halo, card.min_size)
    total, count = np.zeros(card.vector_size), 0
    # The frame as the graphs see it: its padding is part of the mean, as on the whole picture.
    height, width = (padded_length(length, grid) for length in shape)
    for part in plan_windows(card, (height, width), tile, card.global_halo, network.most_pixels):
        window = read_window(source, part.window, *shape)
        tensor = session.run({card.input.name: layout.network_from_picture(window)})["context"]
        features = layout.picture_from_network(tensor)[_steps(part, card.stride)]
        total += features.sum(axis=(0, 1), dtype=np.float64)
        count += features.shape[0] * features.shape[1]
    return (total / count).astype(np.float32)


def _steps(part: Tile, stride: int) -> tuple[slice, slice]:
    """Where the kept area lies in the features of its window."""
    inner = _inside(part)
    return (
        slice(inner.top // stride, (inner.top + inner.height) // stride),
        slice(inner.left // stride, (inner.left + inner.width) // stride),
    )


def _inside(part: Tile) -> Area:
    kept, window = part.kept, part.window
    return Area(kept.top - window.top, kept.left - window.left, kept.height, kept.width)


def _in_frame(block: AnyArray, inner: Area, kept: Area, shape: tuple[int, int]) -> AnyArray:
    """Cut a result to what is kept, at inner in it, and lies in the frame."""
    height, width = min(inner.height, shape[0] - kept.top), min(inner.width, shape[1] - kept.left)
    return block[inner.top : inner.top + height, inner.left : inner.left + width]


def _place_inputs(card: Card, part: Tile, terms: ImageTerms, shape: tuple[int, int]) -> dict[str, AnyArray]:
    """Tell the graph what depends on where its window lies.

    kept: the rectangle of the window that is kept, top, left, height, width in pixels; guide: the map there.
    """
    inputs = {}
    if card.has_kept_input:
        inner = _inside(part)
        numbers = np.array([inner.top, inner.left, inner.height, inner.width], dtype=np.float32)
        inputs["kept"] = layout.network_from_vector(numbers)
    if card.global_pass is GlobalPass.GUIDE:
        guide = _known(terms.guide, card, "guide")
        inputs["guide"] = layout.network_from_picture(guide_in_window(guide, part.window, shape, card.stride))
    return inputs


def _condition_input(card: Card, condition: Vector | None) -> dict[str, AnyArray]:
    if not card.condition_size:
        return {}
    known = _known(condition, card, "condition")
    if known.shape != (card.condition_size,):
        raise ModelContractError(
            f"{card.name} takes a condition of {card.condition_size} values, not {known.size}; "
            "the model needs another version of rawtool"
        )
    return {"condition": layout.network_from_vector(known)}


def _known(value: T | None, card: Card, what: str) -> T:
    if value is None:
        raise ModelContractError(f"{card.name} needs a {what}; the model needs another version of rawtool")
    return value


def _match_card(card: Card, session: Session, file: str) -> None:
    """Refuse a graph whose own card promises something else than the card beside it."""
    if session.card_text is None:
        raise ModelContractError(f"{file} carries no card; export the model again")
    if loads(session.card_text).contract() != card.contract():
        raise ModelContractError(f"{file} carries another card than the one beside it; fetch the model again")
