"""A codec's network to files: six graphs and a card, proved before they are kept.

What decides bits is compared to the last bit: both engines, ONNX Runtime with and without its optimisations
and on one and two threads. The float parts are held to the card's tolerance.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rawtool.arrays import AnyArray
from rawtool.errors import VerificationError
from rawtool.nets.exact import ONE, WEIGHT_ONE, ExactConv, freeze
from rawtool.nets.raw_metadata_order import N_GROUPS
from rawtool.nets.raw_metadata_s import (
    N_HYPER,
    N_LATENT,
    N_PARAMS,
    N_RATES,
    N_TERMS,
    STRIDE,
    RawMetadataS,
)
from rawtool.nets.raw_metadata_seen import N_SEEN
from rawtool.runtime.card import SCHEMA, GraphFile
from rawtool.runtime.catalog import card_file, sha256_of
from rawtool.runtime.coder import CoderNetwork
from rawtool.runtime.codercard import EXACT_PARTS, INPUTS, OUTPUTS, PARTS, CoderCard, CoderGraphs, Part, dumps
from rawtool.training.export import (
    OPSET,
    TOLERANCE,
    Method,
    ModuleSession,
    Traced,
    staged,
    write_onnx,
    write_torchscript,
)
from rawtool.vocabulary import Task

HALO, SYNTHESIS_HALO = 48, 32
BYTES_PER_PIXEL = 2600
PROOF_SIDE = 160
_SEED = 20200
_FIXED = frozenset({"rate", "fit"})
_NAMES = {part: (*INPUTS[part], *OUTPUTS[part]) for part in PARTS}


@dataclass(frozen=True, slots=True)
class Proof:
    """The largest difference of a graph, run by somebody else, from the network itself."""

    part: Part
    who: str
    difference: float


def parts_of(net: RawMetadataS) -> dict[Part, nn.Module]:
    """Give the six graphs as modules."""
    return {
        "analysis": Method(net, "analyse"),
        "synthesis": Method(net, "synthesise"),
        "z_start": Method(net, "start_z"),
        "z_step": Method(net.z_level, "gaussians"),
        "y_start": Method(net, "start_y"),
        "y_step": Method(net.y_level, "gaussians"),
    }


def thawed(graphs: Mapping[Part, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Undo ``freeze``: give the parameters of a network from the weights in its six graphs.

    Rounding is not undone, so the network computes what the graphs do.
    """
    found: dict[str, Tensor] = {}
    for part, weights in graphs.items():
        place = f"{part.removesuffix('_step')}_level." if part in ("z_step", "y_step") else ""
        found |= {place + name.removeprefix("net."): value for name, value in weights.items()}
    network = RawMetadataS()
    for place, layer in network.named_modules():
        if isinstance(layer, ExactConv):
            found[f"{place}.weight"] = found[f"{place}.weight"] / WEIGHT_ONE
            found[f"{place}.bias"] = found[f"{place}.bias"] / (WEIGHT_ONE * ONE)
    return found


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
        n_seen=N_SEEN,
        stride=STRIDE,
        halo=HALO,
        synthesis_halo=SYNTHESIS_HALO,
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
    with staged(folder) as staging, torch.no_grad():
        modules = parts_of(plain)
        full = replace(
            card, graphs=_write(modules, staging, "onnx"), torch_graphs=_write(modules, staging, "pt")
        )
        proofs = prove_coder(modules, full, staging)
        (staging / card_file(card.task)).write_text(dumps(full), encoding="utf-8")
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
    return ModuleSession(module, INPUTS[part], OUTPUTS[part]).run(inputs)


def proof_inputs(card: CoderCard, side: int = PROOF_SIDE) -> dict[Part, dict[str, AnyArray]]:
    """Noise for every part: planes of side x side + 64 pixels, whole numbers for the exact parts."""
    rng = np.random.default_rng(_SEED)
    height, width = side, side + 4 * card.stride

    def whole(channels: int, size: int, low: int, high: int) -> AnyArray:
        shape = (1, channels, height // size, width // size)
        return rng.integers(low, high + 1, shape).astype(np.float32)

    rate = np.array([2.5], np.float32)
    n_known = card.n_seen + 1
    notes = {"z_step": whole(n_known, 16, 0, 127), "y_step": whole(N_PARAMS + n_known, 4, -127, 127)}
    steps = {
        part: {"values": whole(channels, size, -999, 999), "mask": whole(1, size, 0, 1), "notes": notes[part]}
        for part, channels, size in (("z_step", card.n_hyper, 16), ("y_step", card.n_latent, 4))
    }
    guide = whole(12, 1, 0, 255)
    fit = rng.uniform(-0.2, 0.4, (1, 4, N_TERMS)).astype(np.float32)
    small = {"small_guide_z": whole(card.n_seen, 16, 0, 127), "rate": rate}
    return {
        "analysis": {"planes": whole(4, 1, 0, 255) / 255.0, "guide": guide, "fit": fit, "rate": rate},
        "synthesis": {"values": whole(card.n_latent, 4, -99, 99), "guide": guide, "fit": fit, "rate": rate},
        "z_start": small,
        "z_step": steps["z_step"],
        "y_start": {
            **small,
            "values": whole(card.n_hyper, 16, -999, 999),
            "small_guide_y": whole(card.n_seen, 4, 0, 127),
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
        free = {name: {2: f"{name}_h", 3: f"{name}_w"} for name in _NAMES[part] if name not in _FIXED}
        graph = Traced(module, INPUTS[part], OUTPUTS[part], tensors, free, part)
        (write_onnx if suffix == "onnx" else write_torchscript)(graph, path)
        files[part] = GraphFile(path.name, sha256_of(path), path.stat().st_size)
    return CoderGraphs(**files)
