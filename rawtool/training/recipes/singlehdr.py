"""SingleHDR: three networks that undo a camera's steps, trained each on its true input, then all together."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from rawtool.color.response import CurveBasis, basis_from_text
from rawtool.errors import ConfigError, CorruptFileError
from rawtool.nets.singlehdr import SingleHdr, clipped_share
from rawtool.nets.singlehdr_curve import apply_curve
from rawtool.training import hdr_losses
from rawtool.training.checkpoint import load_checkpoint
from rawtool.training.configs import SingleHdrConfig
from rawtool.training.data import Draw, check_split
from rawtool.training.export import export_stage
from rawtool.training.hdr_card import singlehdr_card
from rawtool.training.loop import Progress, StageJob
from rawtool.training.recipes.steps import Step
from rawtool.training.runs import training_summary
from rawtool.training.scenes import SceneSet
from rawtool.training.settings import stages_of
from rawtool.training.step_data import StepBatch, StepStream

N_VALIDATION_BATCHES = 6
VALIDATION_SEED = 7
PARTS: Mapping[str, str] = {
    "dequantise": "dequantization",
    "linearise": "linearization",
    "hallucinate": "hallucination",
}
"""The network of each of the first three steps, by its name in ``SingleHdr``."""

check_scenes = check_split


def train_step(
    name: str, config: SingleHdrConfig, scenes: SceneSet, fabric: Fabric, out: Path, *, resume: bool
) -> Progress:
    """Train one of the four steps and leave its checkpoints in ``out``."""
    step = Step(name, config, out, resume)
    seed = step.begin()
    basis = read_basis(config.crf_basis)
    network = assembled(config, out) if name == "refine" else _part(config, name)
    draw = Draw(step.stage.crop, step.stage.batch, config.hdr_share)
    job = StageJob(network, LOSSES[name], _validator(name, config, scenes, basis), _pixels)
    return step.train(fabric, job, StepStream(scenes, draw, seed, basis))


def read_basis(path: str) -> CurveBasis | None:
    """Read a basis of curves of EMoR's form; None for the project's own.

    Raises:
        ConfigError: the file cannot be read.
    """
    if not path:
        return None
    try:
        return basis_from_text(Path(path).read_text(encoding="utf-8"))
    except CorruptFileError as error:
        raise ConfigError(f"crf_basis {path}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"crf_basis {path} cannot be read ({error}); name an invemor.txt") from error


def dequantise_loss(network: nn.Module, batch: StepBatch) -> Tensor:
    """Give the loss of Dequantization-Net: from the JPEG to what the curve gave."""
    share = hdr_losses.exposed_share(batch.picture)
    return hdr_losses.dequantisation_loss(network(batch.picture).float(), batch.encoded, share)


def linearise_loss(network: nn.Module, batch: StepBatch) -> Tensor:
    """Give the loss of Linearization-Net: from what the curve gave to the curve."""
    curve = network(batch.encoded).float()
    light = apply_curve(curve, batch.encoded)
    share = hdr_losses.exposed_share(batch.picture)
    return hdr_losses.linearisation_loss(light, batch.clipped, curve, batch.curve, share)


def hallucinate_loss(network: nn.Module, batch: StepBatch) -> Tensor:
    """Give the loss of Hallucination-Net: from clipped light to light."""
    added = torch.relu(network(batch.clipped).float())
    light = _where_known(batch.clipped + clipped_share(batch.clipped) * added, batch)
    return hdr_losses.hallucination_loss(light, batch.truth, hdr_losses.exposed_share(batch.picture))


def refine_loss(network: nn.Module, batch: StepBatch) -> Tensor:
    """Give the loss of all four: from the JPEG to light."""
    light = network(batch.picture).float()
    return hdr_losses.refinement_loss(_where_known(light, batch), batch.truth)


LOSSES: Mapping[str, Callable[[nn.Module, StepBatch], Tensor]] = {
    "dequantise": dequantise_loss,
    "linearise": linearise_loss,
    "hallucinate": hallucinate_loss,
    "refine": refine_loss,
}


class Refined(nn.Module):
    """All four networks on a whole picture, the curve estimated from it."""

    def __init__(self, net: SingleHdr) -> None:
        super().__init__()
        self.net = net

    def forward(self, picture: Tensor) -> Tensor:
        """Give light (N, 3, H, W)."""
        light: Tensor = self.net(picture, self.net.global_vector(picture))
        return light


def assembled(config: SingleHdrConfig, run: Path) -> Refined:
    """Build all networks with the best weights of the first three steps.

    Raises:
        ConfigError: one of them has no checkpoint.
    """
    net = SingleHdr(config.width, basis=read_basis(config.crf_basis), has_refinement=True)
    for name, part in PARTS.items():
        getattr(net, part).load_state_dict(load_checkpoint(run / f"{name}-best.pt").average)
    return Refined(net)


def export(config: SingleHdrConfig, run: Path, out: Path) -> None:
    """Export the best weights of a run: with refinement where the last step is done, else without.

    Raises:
        ConfigError: one of the first three steps has no checkpoint.
        VerificationError: an engine disagrees with the network.
    """
    refined = assembled(config, run)
    if (run / "refine-best.pt").exists():
        refined.load_state_dict(load_checkpoint(run / "refine-best.pt").average)
    else:
        refined.net.refinement = None
    net = refined.net.eval()
    export_stage(net, singlehdr_card(config, net.halo, training_summary(config, run)), out)


def _part(config: SingleHdrConfig, name: str) -> nn.Module:
    """Build the network of one of the first three steps."""
    part: nn.Module = getattr(SingleHdr(config.width, basis=read_basis(config.crf_basis)), PARTS[name])
    return part


def _where_known(light: Tensor, batch: StepBatch) -> Tensor:
    """Put the truth where it was clipped itself, so that nothing counts there."""
    return torch.where(batch.known > 0.0, light, batch.truth)


def _validator(
    name: str, config: SingleHdrConfig, scenes: SceneSet, basis: CurveBasis | None
) -> Callable[[nn.Module], dict[str, float]]:
    """Build the score of a step: its own loss on the same held-out photographs every time, turned round."""
    stage = stages_of(config)[name]
    draw = Draw(stage.crop, stage.batch, config.hdr_share)
    stream = iter(StepStream(_held_out_only(scenes), draw, VALIDATION_SEED, basis))
    batches = [next(stream) for _ in range(N_VALIDATION_BATCHES)]

    def validate(network: nn.Module) -> dict[str, float]:
        device = next(network.parameters()).device
        losses = [float(LOSSES[name](network, _moved(batch, device))) for batch in batches]
        loss = sum(losses) / len(losses)
        return {"validation_loss": loss, "score": -loss}

    return validate


def _held_out_only(scenes: SceneSet) -> SceneSet:
    """Turn the split round, for a stream of what training never sees."""
    entries = tuple(replace(entry, is_validation=not entry.is_validation) for entry in scenes.entries)
    return replace(scenes, entries=entries)


def _moved(batch: StepBatch, device: torch.device) -> StepBatch:
    return StepBatch(*(getattr(batch, part.name).to(device) for part in fields(batch)))


def _pixels(batch: StepBatch) -> int:
    """Count the pixels of a batch."""
    n, _, height, width = batch.picture.shape
    return int(n * height * width)
