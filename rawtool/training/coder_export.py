"""A codec's network to files: six graphs and a card, proved before they are kept.

What decides bits is compared to the last bit: both engines, ONNX Runtime with and without its optimisations
and on one and two threads. The float parts are held to the card's tolerance.
"""

import copy
import json
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from rawtool.arrays import AnyArray
from rawtool.errors import VerificationError
from rawtool.nets.exact import freeze
from rawtool.nets.raw_metadata_s import (
    N_GROUPS,
    N_HYPER,
    N_LATENT,
    N_RATES,
    N_TERMS,
    STRIDE,
    LevelModel,
    RawMetadataS,
)
from rawtool.runtime.card import CARD_KEY, SCHEMA, GraphFile
from rawtool.runtime.catalog import card_file, sha256_of
from rawtool.runtime.coder import CoderNetwork
from rawtool.runtime.codercard import EXACT_PARTS, INPUTS, OUTPUTS, PARTS, CoderCard, CoderGraphs, Part, dumps
from rawtool.runtime.torchscript import NAMES_KEY
from rawtool.training.export import OPSET, TOLERANCE
from rawtool.vocabulary import Task

HALO = 48
BYTES_PER_PIXEL = 2600
PROOF_SIDE = 160
_SEED = 20200


@dataclass(frozen=True, slots=True)
class Proof:
    """The largest difference of a graph, run by somebody else, from the network itself."""

    part: Part
    who: str
    difference: float


class Called(nn.Module):
    """A function of a network as a module, for the tracer."""

    def __init__(self, net: nn.Module, call: Callable[..., Tensor | tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.net, self.call = net, call

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Call it."""
        return self.call(*inputs)


def parts_of(net: RawMetadataS) -> dict[Part, nn.Module]:
    """Give the six graphs as modules."""

    def z_start(small_guide: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
        notes = net.z_notes(small_guide, rate)
        return notes, net.z_level.groups(notes)

    def y_start(values: Tensor, guide_z: Tensor, guide_y: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
        notes = net.params(values, guide_z, guide_y, rate)
        return notes, net.y_level.groups(notes)

    return {
        "analysis": Called(net, net.analyse),
        "synthesis": Called(net, net.synthesise),
        "z_start": Called(net, z_start),
        "z_step": Called(net, _step_of(net.z_level)),
        "y_start": Called(net, y_start),
        "y_step": Called(net, _step_of(net.y_level)),
    }


def _step_of(level: LevelModel) -> Callable[..., tuple[Tensor, ...]]:
    def step(values: Tensor, mask: Tensor, notes: Tensor) -> tuple[Tensor, ...]:
        return level.gaussians(values, mask, notes)

    return step


def coder_card(name: str, version: str, training: str) -> CoderCard:
    """Give the card of the network of size s, without files."""
    return CoderCard(
        schema=SCHEMA,
        name=name,
        version=version,
        size="s",
        task=Task.PACK,
        n_latent=N_LATENT,
        n_hyper=N_HYPER,
        n_groups=N_GROUPS,
        n_rates=N_RATES,
        stride=STRIDE,
        halo=HALO,
        bytes_per_pixel=BYTES_PER_PIXEL,
        opset=OPSET,
        tolerance=TOLERANCE,
        licence="Apache-2.0",
        may_invent_detail=True,
        training=training,
        measured=(),
        graphs=None,
        torch_graphs=None,
    )


def export_coder(net: RawMetadataS, card: CoderCard, folder: Path) -> tuple[Proof, ...]:
    """Write the graphs and the card into a model's folder, once they are proved.

    Raises:
        VerificationError: bits differ between engines, or planes by more than the card's tolerance.
    """
    plain = copy.deepcopy(net).cpu().float().eval()
    freeze(plain)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name, torch.no_grad():
        staging = Path(name)
        modules = parts_of(plain)
        full = replace(
            card, graphs=_write(modules, staging, "onnx"), torch_graphs=_write(modules, staging, "pt")
        )
        proofs = prove_coder(modules, full, staging)
        (staging / card_file(card.task)).write_text(dumps(full), encoding="utf-8")
        for file in sorted(staging.iterdir()):
            shutil.move(file, folder / file.name)
    return proofs


def prove_coder(modules: Mapping[Part, nn.Module], card: CoderCard, folder: Path) -> tuple[Proof, ...]:
    """Compare the files with the modules.

    Raises:
        VerificationError: one differs by more than it may.
    """
    inputs = proof_inputs(card)
    proofs = []
    for runtime, threads in (("onnx", 1), ("onnx", 2), ("torch", 1), ("torch", 2)):
        network = CoderNetwork(card, folder, "cpu", runtime, threads)
        for part in PARTS:
            found = network.run(part, inputs[part])
            difference = _largest(found, run_module(modules[part], part, inputs[part]))
            proofs.append(Proof(part, f"{runtime} on {threads}", difference))
    for proof in proofs:
        if not proof.difference <= (0.0 if proof.part in EXACT_PARTS else card.tolerance):
            raise VerificationError(
                f"{card.name} {proof.part}: {proof.who} differs from the network by {proof.difference:.2e}; "
                "nothing was exported"
            )
    return tuple(proofs)


def run_module(module: nn.Module, part: Part, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """Run a part as a module."""
    with torch.no_grad():
        results = module(*(torch.from_numpy(inputs[name]) for name in INPUTS[part]))
    found = (results,) if isinstance(results, Tensor) else results
    return {name: value.numpy() for name, value in zip(OUTPUTS[part], found, strict=True)}


def proof_inputs(card: CoderCard, side: int = PROOF_SIDE) -> dict[Part, dict[str, AnyArray]]:
    """Noise for every part: planes of side x side + 64 pixels, whole numbers for the exact parts."""
    rng = np.random.default_rng(_SEED)
    height, width = side, side + 4 * card.stride

    def whole(channels: int, size: int, low: int, high: int) -> AnyArray:
        shape = (1, channels, height // size, width // size)
        return rng.integers(low, high + 1, shape).astype(np.float32)

    rate = np.array([2.5], np.float32)
    notes = {"z_step": whole(4, 16, 0, 127), "y_step": whole(36, 4, -127, 127)}
    steps = {
        part: {"values": whole(channels, size, -999, 999), "mask": whole(1, size, 0, 1), "notes": notes[part]}
        for part, channels, size in (("z_step", card.n_hyper, 16), ("y_step", card.n_latent, 4))
    }
    guide = whole(12, 1, 0, 255)
    fit = rng.uniform(-0.2, 0.4, (1, 4, N_TERMS)).astype(np.float32)
    small = {"small_guide_z": whole(3, 16, 0, 127), "rate": rate}
    return {
        "analysis": {"planes": whole(4, 1, 0, 255) / 255.0, "guide": guide, "fit": fit, "rate": rate},
        "synthesis": {"values": whole(card.n_latent, 4, -99, 99), "guide": guide, "fit": fit, "rate": rate},
        "z_start": small,
        "z_step": steps["z_step"],
        "y_start": {
            **small,
            "values": whole(card.n_hyper, 16, -999, 999),
            "small_guide_y": whole(3, 4, 0, 127),
        },
        "y_step": steps["y_step"],
    }


def _largest(found: Mapping[str, AnyArray], expected: Mapping[str, AnyArray]) -> float:
    return max(float(np.abs(found[name].astype(np.float64) - expected[name]).max()) for name in expected)


def _write(modules: Mapping[Part, nn.Module], folder: Path, suffix: str) -> CoderGraphs:
    files = {}
    examples = proof_inputs(coder_card("example", "1", ""), 2 * STRIDE)
    for part, module in modules.items():
        path = folder / f"{Task.PACK.value}_{part}.{suffix}"
        tensors = tuple(torch.from_numpy(examples[part][name]) for name in INPUTS[part])
        (_write_onnx if suffix == "onnx" else _write_torchscript)(module, part, tensors, path)
        files[part] = GraphFile(path.name, sha256_of(path), path.stat().st_size)
    return CoderGraphs(**files)


def _write_onnx(module: nn.Module, part: Part, examples: tuple[Tensor, ...], path: Path) -> None:
    names = [*INPUTS[part], *OUTPUTS[part]]
    free = {name: {2: f"{name}_h", 3: f"{name}_w"} for name in names if name not in {"rate", "fit"}}
    with warnings.catch_warnings():
        # The tracer warns of every Python number made from a shape; the proof tests what it fears.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            examples,
            path,
            input_names=list(INPUTS[part]),
            output_names=list(OUTPUTS[part]),
            dynamic_axes=free,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {CARD_KEY: part})
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _write_torchscript(module: nn.Module, part: Part, examples: tuple[Tensor, ...], path: Path) -> None:
    names = json.dumps({"inputs": INPUTS[part], "outputs": OUTPUTS[part]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(module, examples, check_trace=False)  # type: ignore[no-untyped-call]
        frozen = torch.jit.freeze(traced.eval(), optimize_numerics=False)
        torch.jit.save(frozen, str(path), _extra_files={CARD_KEY: part, NAMES_KEY: names})
