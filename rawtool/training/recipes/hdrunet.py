"""One LDR picture to HDR: one step, "reconstruct", for our network of size s and for HDRUNet as published."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from rawtool.nets import encodings
from rawtool.training import hdr_losses, losses
from rawtool.training.configs import HdrUnetConfig
from rawtool.training.data import Draw, check_split
from rawtool.training.export import export_stage
from rawtool.training.hdr_card import hdr_card
from rawtool.training.ldr_data import HdrBatch, HdrStream
from rawtool.training.loop import Progress, StageJob
from rawtool.training.recipes.hdr_validation import hdr_cases, hdr_validator
from rawtool.training.recipes.hdr_wrappers import from_power, reconstructor, to_power
from rawtool.training.recipes.steps import Step, with_weights
from rawtool.training.runs import training_summary
from rawtool.training.scenes import SceneSet

WHITE_NITS = 203.0
PEAK_NITS = 10000.0

LOG, WITH_EV = "-log", "-ev"
LOG_FLOOR = 3e-4
"""Mean square error, in encoded values, below which a frame counts as good: 35 dB."""

EV_WEIGHT, EV_SQUARE_WEIGHT = 0.1, 0.01
CLIPPED = 0.98
"""From here on a picture's largest channel counts as clipped (250 of 255)."""

DARKEST_LIGHT = 0.01
_LUMA = (0.2126, 0.7152, 0.0722)

check_scenes = check_split


def _of_nits(encode: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda light: encode(light * WHITE_NITS)


ENCODINGS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "pu21": _of_nits(lambda nits: encodings.pu21_encode(nits) / 256.0),
    "pq": _of_nits(encodings.pq_encode),
    "mu-law": lambda light: encodings.mu_law_encode((light * (WHITE_NITS / PEAK_NITS)).clamp(0.0, 1.0)),
    "linear": lambda light: light.clamp(max=PEAK_NITS / WHITE_NITS),
}
"""Encodings of light in which the error is taken; all end at 10,000 cd/m2."""

POWERED: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "tanh-l1": hdr_losses.tanh_l1,
    "l1": losses.l1,
    "l2": lambda found, truth: (found - truth).square().mean(),
}
"""The losses of the paper's comparison, on light to the power of 1 / 2.24."""


def train_step(
    name: str, config: HdrUnetConfig, scenes: SceneSet, fabric: Fabric, out: Path, *, resume: bool
) -> Progress:
    """Train the network and leave its checkpoints in ``out``."""
    step = Step(name, config, out, resume)
    seed = step.begin()
    network = reconstructor(config)
    draw = Draw(step.stage.crop, step.stage.batch, config.hdr_share)
    stream = HdrStream(scenes, draw, seed, network.thumbnail_size)
    loss = partial(hdr_loss, kind=config.loss, is_powered=network.is_powered)
    job = StageJob(network, loss, hdr_validator(hdr_cases(scenes, network.thumbnail_size)), _pixels)
    return step.train(fabric, job, stream)


def hdr_loss(network: nn.Module, batch: HdrBatch, kind: str, *, is_powered: bool) -> Tensor:
    """Give the loss of a batch; where the truth itself was clipped nothing counts."""
    found = network(batch.picture, batch.thumbnail).float()
    if kind in POWERED:
        truth = to_power(batch.truth)
        found = torch.where(batch.known > 0.0, found if is_powered else to_power(found), truth)
        return POWERED[kind](found, truth)
    light = from_power(found) if is_powered else found
    light = torch.where(batch.known > 0.0, light, batch.truth)
    encode = ENCODINGS[kind.removesuffix(WITH_EV).removesuffix(LOG)]
    code, truth = encode(light), encode(batch.truth)
    if kind == "pu21-ev":
        return (code - truth).square().mean() + EV_SQUARE_WEIGHT * highlight_square(light, batch)
    if LOG in kind:
        error = 0.5 * torch.log((code - truth).square().mean(dim=(1, 2, 3)) + LOG_FLOOR).mean()
        return error + EV_WEIGHT * highlight_loss(light, batch) if kind.endswith(WITH_EV) else error
    return 0.5 * (losses.l1(code, truth) + losses.rms(code, truth, torch.ones(len(code), device=code.device)))


def highlight_square(light: Tensor, batch: HdrBatch) -> Tensor:
    """Give the mean square error of luminance in EV over all pixels where a picture clips."""
    square, n_clipped = _clipped_errors(light, batch)
    return square.sum() / (n_clipped.sum() + 1.0)


def highlight_loss(light: Tensor, batch: HdrBatch) -> Tensor:
    """Give the RMS error of luminance in EV where the picture clips, the mean over frames."""
    square, n_clipped = _clipped_errors(light, batch)
    return torch.sqrt(square / (n_clipped + 1.0) + losses.RMS_FLOOR).mean()


def _clipped_errors(light: Tensor, batch: HdrBatch) -> tuple[Tensor, Tensor]:
    """Sum the square errors in EV over every frame's clipped pixels of known truth (N,), and count those.

    What is above 10,000 cd/m2 counts as that.
    """
    weights = light.new_tensor(_LUMA).view(1, 3, 1, 1)
    levels = [
        torch.log2((each * weights).sum(dim=1).clamp(min=DARKEST_LIGHT, max=PEAK_NITS / WHITE_NITS))
        for each in (light, batch.truth)
    ]
    is_clipped = (batch.picture.amax(dim=1) >= CLIPPED).float() * batch.known[:, 0]
    return ((levels[0] - levels[1]).square() * is_clipped).sum(dim=(1, 2)), is_clipped.sum(dim=(1, 2))


def export(config: HdrUnetConfig, run: Path, out: Path) -> None:
    """Export the best weights of a run: the graphs and card of the one stage.

    Raises:
        ConfigError: nothing is trained yet.
        VerificationError: an engine disagrees with the network.
    """
    network = with_weights(reconstructor(config), run, "reconstruct").eval()
    export_stage(network.net, hdr_card(config, training_summary(config, run)), out)  # type: ignore[arg-type]


def _pixels(batch: HdrBatch) -> int:
    """Count the pixels of a batch."""
    n, _, height, width = batch.picture.shape
    return int(n * height * width)
