"""Networks to files: ONNX, TorchScript and card, proved equal to the network before they are kept.

The only place that sees torch modules and the runtime at once. What a net must offer follows from
its card:

    always      forward(picture, [condition], [vector]) -> restored, finished or light
    THUMBNAIL   global_vector(thumbnail, [condition]) -> vector, or (vector, neutral)
    GUIDE       guide(thumbnail, [condition]) -> a map of the whole picture
    EXACT       context(picture) -> features whose mean over the picture is the vector
"""

import copy
import json
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from rawtool.arrays import AnyArray, Layers, Vector
from rawtool.errors import VerificationError
from rawtool.nets.eightbit import has_ranges, ranges_of, round_inside
from rawtool.runtime.card import CARD_KEY, THUMBNAIL_CHANNELS, Card, EightBit, GraphFile, GraphPair, dumps
from rawtool.runtime.catalog import INDEX, card_file, index_entry, read_model, sha256_of
from rawtool.runtime.network import (
    ImageTerms,
    Network,
    find_terms,
    largest_difference,
    open_network,
    reader,
    run_picture,
)
from rawtool.runtime.torchscript import NAMES_KEY
from rawtool.training.eightbit_graph import keep_ranges, round_weights
from rawtool.training.onnx_graph import join_slices
from rawtool.vocabulary import GlobalPass, Precision, Space, Task

OPSET = 17
TOLERANCE = 1e-4
_SEED = 20200
_OVEREXPOSURE = 1.25
EIGHT_BIT_MEMORY = 0.78
"""Working memory of a graph of eight bits in parts of that in float32."""

ROUNDING_SLACK = 1.1
"""How much further from float32 a graph of eight bits may be than the net that rounds as it does."""


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest difference found for one picture size: who against the torch module on the whole.

    Tiles of eight bits are compared with the whole in eight bits.
    """

    height: int
    width: int
    who: str
    difference: float


@dataclass(frozen=True, slots=True)
class Exported:
    """A stage in files: its card with their digests, and how equal they were found."""

    card: Card
    parity: tuple[Parity, ...]


class Method(nn.Module):
    """One method of a net as a module of its own, for the tracer."""

    def __init__(self, net: nn.Module, name: str) -> None:
        super().__init__()
        self.net = net
        self.name = name
        self.train(net.training)

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Call the method."""
        result: Tensor | tuple[Tensor, ...] = getattr(self.net, self.name)(*inputs)
        return result


class ModuleSession:
    """A module behind the door of a session: what the exported files are compared with."""

    def __init__(self, module: nn.Module, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self._module, self._inputs, self._outputs = module, inputs, outputs
        self.device, self.provider = "cpu", "torch module"
        self.card_text: str | None = None

    def run(self, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """Run the module on arrays by name."""
        with torch.inference_mode():
            results = self._module(*(torch.from_numpy(inputs[name]) for name in self._inputs))
        found = (results,) if isinstance(results, Tensor) else results
        return {name: value.numpy() for name, value in zip(self._outputs, found, strict=True)}


def export_stage(
    net: nn.Module,
    card: Card,
    folder: Path,
    *,
    is_with_torch: bool = True,
    sizes: Sequence[tuple[int, int]] | None = None,
) -> Exported:
    """Write a net's graphs and card into a model's folder, once they are proved equal to the net.

    sizes are the picture sizes (height, width) of the proof; the default are three odd ones, large
    enough that tiles have neighbours beyond the halo.

    Raises:
        VerificationError: an engine, or tiles, differ from the net by more than the card's tolerance.
    """
    plain = _rounding(net, is_on=False).cpu().float().eval()
    with staged(folder) as staging:
        full = _write_graphs(plain, card.contract(), staging, is_with_torch=is_with_torch)
        parity = prove(plain, full, staging, proof_sizes(card) if sizes is None else sizes)
        (staging / card_file(card.task)).write_text(dumps(full), encoding="utf-8")
    return Exported(full, parity)


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Give a place for files that move into a folder, which is made, once all went well."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        yield Path(name)
        for file in sorted(Path(name).iterdir()):
            shutil.move(file, folder / file.name)


def write_card(card: Card, folder: Path) -> None:
    """Write a stage's card again, with measured rows for example; the graphs stay."""
    (folder / card_file(card.task)).write_text(dumps(card), encoding="utf-8")


def write_index(models: Path) -> None:
    """Write index.toml for all model folders in a folder, in the order of their names."""
    folders = sorted({path.parent for task in Task for path in models.glob(f"*/{card_file(task)}")})
    text = "\n".join(index_entry(read_model(folder)) for folder in folders)
    (models / INDEX).write_text(text, encoding="utf-8")


def proof_sizes(card: Card) -> tuple[tuple[int, int], ...]:
    """Three odd picture sizes: long and wide enough for inner tiles, and one near the smallest."""
    short, long = card.min_size + 5, 2 * card.halo + 4 * max(card.stride, 32) + 7
    return ((short, long), (long, short + 4), (short + card.stride + 2, short + 8))


def prove(net: nn.Module, card: Card, folder: Path, sizes: Sequence[tuple[int, int]]) -> tuple[Parity, ...]:
    """Compare the files with the net, whole and tiled.

    Raises:
        VerificationError: a difference is above the card's tolerance.
    """
    runtimes = ("onnx", "torch") if card.torch_graphs else ("onnx",)
    engines = {runtime: open_network(card, folder, "cpu", runtime) for runtime in runtimes}
    module = module_network(net, card)
    rows = [row for size in sizes for row in _compare(module, engines, size)]
    if card.eight_bit:
        rows += [row for size in sizes for row in _compare_eight_bit(net, card, folder, size)]
    worst = max(rows, key=lambda row: row.difference)
    if not worst.difference <= card.tolerance:
        raise VerificationError(
            f"{card.name} {card.task.value}: {worst.who} differs from the network by "
            f"{worst.difference:.2e} at {worst.width} x {worst.height}; nothing was exported"
        )
    return tuple(rows)


def module_network(net: nn.Module, card: Card) -> Network:
    """The net itself as a runtime network, unexported."""
    tile = ModuleSession(net, card.tile_inputs, (card.output.name,))
    method = _global_method(card)
    if method is None:
        return Network(card, tile, None)
    return Network(card, tile, ModuleSession(Method(net, method), card.global_inputs, card.global_outputs))


def _compare(module: Network, engines: Mapping[str, Network], size: tuple[int, int]) -> list[Parity]:
    picture, condition = _proof_inputs(module.card, size)
    whole = max(size)
    expected, terms = _run(module, picture, condition, whole)
    tried = {f"{name} whole": (network, whole) for name, network in engines.items()}
    tried |= {f"{name} tiled": (network, _proof_tile(network.card)) for name, network in engines.items()}
    rows = []
    for who, (network, tile) in tried.items():
        found, found_terms = _run(network, picture, condition, tile)
        difference = max(_distance(found, expected), _distance(found_terms.neutral, terms.neutral))
        rows.append(Parity(*size, who, difference))
    return rows


def _compare_eight_bit(net: nn.Module, card: Card, folder: Path, size: tuple[int, int]) -> list[Parity]:
    """Compare tiles of eight bits with the whole, and both with the net.

    A value between two steps comes to either of them, and that spreads: another engine is another roll of the
    dice. But it must not be further from float32 than the net is that rounds in training.

    Raises:
        VerificationError: it is.
    """
    picture, condition = _proof_inputs(card, size)
    exact, rounded = (
        _run(module_network(_rounding(net, is_on=is_on), card), picture, condition, max(size))[0]
        for is_on in (False, True)
    )
    network = open_network(card, folder, "cpu", "onnx", precision=Precision.INT8)
    whole, tiled = (_run(network, picture, condition, tile)[0] for tile in (max(size), _proof_tile(card)))
    allowed, error = (float(np.sqrt(np.square(each - exact).mean())) for each in (rounded, whole))
    if not error <= ROUNDING_SLACK * allowed:
        raise VerificationError(
            f"{card.name} {card.task.value}: the graph of eight bits is {error:.1e} from float32, "
            f"the network that rounds {allowed:.1e}; nothing was exported"
        )
    return [Parity(*size, "onnx int8 tiled", largest_difference(tiled, whole))]


def _rounding(net: nn.Module, *, is_on: bool) -> nn.Module:
    """Copy a net, with its rounding on or off."""
    made = copy.deepcopy(net)
    round_inside(made, is_on=is_on)
    return made


def _run(
    network: Network, picture: Layers, condition: Vector | None, tile: int
) -> tuple[AnyArray, ImageTerms]:
    shape = (picture.shape[0], picture.shape[1])
    terms = find_terms(network, reader(picture), shape, condition, tile)
    return run_picture(network, picture, terms, tile), terms


def _proof_tile(card: Card) -> int:
    """Give a tile that is small beside the picture, and not so small that its halo is most of the work."""
    return max(card.min_size, 32, card.halo // 2)


def _distance(a: AnyArray | None, b: AnyArray | None) -> float:
    return 0.0 if a is None or b is None else largest_difference(a, b)


def _proof_inputs(card: Card, size: tuple[int, int]) -> tuple[Layers, Vector | None]:
    """A picture (H, W, C) of noise in [0, 1], and a condition of small positive numbers.

    A display-encoded picture is clipped in part, as those are that a network is to give light back.
    """
    random = np.random.default_rng(_SEED)
    picture = random.random((*size, card.channels_in), dtype=np.float32)
    if card.input.space is Space.DISPLAY:
        picture = np.minimum(picture * np.float32(_OVEREXPOSURE), np.float32(1.0))
    condition = random.uniform(1e-5, 1e-2, card.condition_size).astype(np.float32)
    return picture, condition if card.condition_size else None


def _global_method(card: Card) -> str | None:
    methods = {GlobalPass.THUMBNAIL: "global_vector", GlobalPass.GUIDE: "guide", GlobalPass.EXACT: "context"}
    return methods.get(card.global_pass)


def _write_graphs(net: nn.Module, card: Card, folder: Path, *, is_with_torch: bool) -> Card:
    """Write the graphs and give the card with their digests."""
    method = _global_method(card)
    graphs = {"tile": Method(net, "forward")} | ({"global": Method(net, method)} if method else {})
    pairs: list[GraphPair | None] = []
    for suffix, write in (("onnx", write_onnx), ("pt", write_torchscript)):
        if suffix == "pt" and not is_with_torch:
            pairs.append(None)
            continue
        files = {}
        for kind, module in graphs.items():
            path = folder / f"{card.task.value}_{kind}.{suffix}"
            write(_traced(module, card, kind), path)
            files[kind] = GraphFile(path.name, sha256_of(path), path.stat().st_size)
        pairs.append(GraphPair(files["tile"], files.get("global")))
    eight_bit = _write_eight_bit(net, card, folder) if has_ranges(net) else None
    return replace(card, graphs=pairs[0], torch_graphs=pairs[1], eight_bit=eight_bit)


def _write_eight_bit(net: nn.Module, card: Card, folder: Path) -> EightBit:
    """Write the tile graph in eight bits of a net that knows the ranges of its inner values."""
    path = folder / f"{card.task.value}_tile_int8.onnx"
    write_onnx(_traced(Method(_rounding(net, is_on=True), "forward"), card, "tile"), path)
    model = onnx.load(path)
    round_weights(model.graph)
    keep_ranges(model, {f"net.{name}": value.tolist() for name, value in ranges_of(net).items()})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    tile = GraphFile(path.name, sha256_of(path), path.stat().st_size)
    return EightBit(tile, int(card.bytes_per_pixel * EIGHT_BIT_MEMORY))


def _names(card: Card, kind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of a graph's inputs and outputs."""
    if kind == "tile":
        return card.tile_inputs, (card.output.name,)
    return card.global_inputs, card.global_outputs


def _examples(card: Card, names: Sequence[str]) -> tuple[Tensor, ...]:
    side = -(-card.min_size // card.stride) * card.stride
    thumbnail = card.thumbnail_size or 1
    shapes = {
        card.input.name: (1, card.channels_in, side + card.stride, side + 2 * card.stride),
        "condition": (1, card.condition_size),
        "vector": (1, card.vector_size),
        "guide": (1, card.vector_size, side // card.stride + 1, side // card.stride + 2),
        "thumbnail": (1, THUMBNAIL_CHANNELS, thumbnail, thumbnail),
    }
    examples = {name: torch.full(shape, 0.5) for name, shape in shapes.items()}
    examples["kept"] = torch.tensor([[0.0, card.stride, side, side]])
    return tuple(examples[name] for name in names)


def _traced(module: nn.Module, card: Card, kind: str) -> "Traced":
    inputs, outputs = _names(card, kind)
    whole = {2: "h", 3: "w"}
    free = {
        card.input.name: whole,
        card.output.name: whole,
        "context": {2: "y", 3: "x"},
        "guide": {2: "y", 3: "x"},
    }
    return Traced(module, inputs, outputs, _examples(card, inputs), free, dumps(card))


@dataclass(frozen=True, slots=True)
class Traced:
    """A module to be written: its inputs and outputs by name, and examples of the inputs.

    free names the axes of tensors that may have any length; card_text is kept inside the file.
    """

    module: nn.Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    examples: tuple[Tensor, ...]
    free: Mapping[str, Mapping[int, str]]
    card_text: str


def write_onnx(graph: Traced, path: Path) -> None:
    """Write a module as ONNX."""
    with warnings.catch_warnings():
        # The tracer warns of every Python number made from a shape; the proof tests what it fears.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.module,
            graph.examples,
            path,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_axes={name: dict(axes) for name, axes in graph.free.items()},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(path)
    join_slices(model.graph)
    onnx.helper.set_model_props(model, {CARD_KEY: graph.card_text})
    onnx.checker.check_model(model)
    onnx.save(model, path)


def write_torchscript(graph: Traced, path: Path) -> None:
    """Write a module as TorchScript; frozen, the file holds only the weights that this graph uses."""
    names = json.dumps({"inputs": graph.inputs, "outputs": graph.outputs})
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        traced: torch.jit.ScriptModule = torch.jit.trace(  # type: ignore[no-untyped-call]
            graph.module, graph.examples, check_trace=False
        )
        frozen = torch.jit.freeze(traced, optimize_numerics=False)
        torch.jit.save(frozen, str(path), _extra_files={CARD_KEY: graph.card_text, NAMES_KEY: names})
