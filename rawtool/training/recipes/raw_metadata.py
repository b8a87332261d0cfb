"""The codec of ``pack``: one step, "codec", for our network of size s.

The loss is the logarithm of bpp + lambda * distortion, frame by frame, so that rates whose costs differ a
thousandfold count alike; lambda follows the rate.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from rawtool.errors import ConfigError
from rawtool.nets.cameranet_s import root_encode
from rawtool.nets.raw_metadata_plan import SmallPlan
from rawtool.nets.raw_metadata_s import N_RATES, STRIDE, RawMetadataS
from rawtool.training.base_data import PackBatch, PackStream, Pair, cut, photographed, stack_pairs
from rawtool.training.cameras import validation_camera
from rawtool.training.coder_export import coder_card, export_coder
from rawtool.training.configs import RawMetadataConfig
from rawtool.training.data import Draw, check_scenes
from rawtool.training.loop import Progress, StageJob
from rawtool.training.recipes.steps import Step, with_weights
from rawtool.training.recipes.validation import Validator, held_out
from rawtool.training.runs import training_summary
from rawtool.training.scenes import SceneSet

__all__ = ["check_scenes", "export", "train_step"]

VERSION = "2"

LEAST_LAMBDA, MOST_LAMBDA = 10.0, 1e5
"""Bits per photosite that a unit of distortion costs at rates 0 and 5, log-spaced between."""

ROOT_SHARE = 0.25
"""Share of the distortion that is taken from square-root-encoded values, so that shadows count."""

ROOT_WEIGHT = 0.7
"""Makes an error of encoded values count like the same one of light at middle grey."""

LEAST_COST = 1e-4
N_CASES = 6
CASE_SIDE = 256
"""Planes' pixels of a side of the validation crops."""


def train_step(
    name: str, config: RawMetadataConfig, scenes: SceneSet, fabric: Fabric, out: Path, *, resume: bool
) -> Progress:
    """Train the network and leave its checkpoints in ``out``."""
    step = Step(name, config, out, resume)
    seed = step.begin()
    network = RawMetadataS(config.plan)
    draw = Draw(step.stage.crop, step.stage.batch, config.hdr_share)
    stream = PackStream(scenes, draw, seed, config.crops_per_frame)
    job = StageJob(network, codec_loss, codec_validator(codec_cases(scenes)), _photosites)
    return step.train(fabric, job, stream)


def codec_loss(network: nn.Module, batch: PackBatch) -> Tensor:
    """Give the mean logarithm of what the frames cost."""
    planes, bits = network(batch.planes, batch.guide, batch.fit, batch.rate)
    bpp = bits / batch.planes[0].numel()
    cost = bpp + lambda_of(batch.rate) * distortion(planes, batch.planes)
    return torch.log(cost + LEAST_COST).mean()


def distortion(found: Tensor, truth: Tensor) -> Tensor:
    """Give the mean square error of every frame (N,), of light and of encoded light."""
    light = (found - truth).square().mean(dim=(1, 2, 3))
    root = (root_encode(found) - root_encode(truth)).square().mean(dim=(1, 2, 3))
    return (1.0 - ROOT_SHARE) * light + ROOT_SHARE * ROOT_WEIGHT * root


def lambda_of(rate: Tensor) -> Tensor:
    """Give the price of distortion at rates from 0 to 5."""
    return LEAST_LAMBDA * (MOST_LAMBDA / LEAST_LAMBDA) ** (rate / (N_RATES - 1))


def codec_cases(scenes: SceneSet) -> list[Pair]:
    """Photograph and develop held-out scenes with held-out cameras, at ISO 100 and 1600 in turn."""
    cases = []
    for number, at in enumerate(held_out(scenes)[:N_CASES]):
        scene = scenes.scene(at)
        top, left = ((side - 2 * CASE_SIDE) // 2 for side in scene.shape[:2])
        light = scene[top : top + 2 * CASE_SIDE, left : left + 2 * CASE_SIDE].astype(np.float32)
        camera = validation_camera(scenes.cameras, number, (100, 1600)[number % 2])
        pair = photographed(np.minimum(light, np.float32(1.0)), camera, np.random.default_rng(number))
        cases.append(_trimmed(cut(pair, 0, 0, CASE_SIDE)))
    return cases


def _trimmed(pair: Pair) -> Pair:
    """Cut a pair to sides that the network takes; small scenes have others."""
    height, width = (side // STRIDE * STRIDE for side in pair.planes.shape[:2])
    return replace(pair, planes=pair.planes[:height, :width], base=pair.base[: 2 * height, : 2 * width])


def codec_validator(cases: list[Pair]) -> Validator:
    """Build the score, minus the mean logarithm of cost, with bpp and PSNR at every rate beside it."""

    def validate(network: nn.Module) -> dict[str, float]:
        device = next(network.parameters()).device
        found: dict[str, float] = {}
        costs = []
        for rate in range(N_RATES):
            rows = [_measured(network, case, rate, device) for case in cases]
            found[f"bpp_{rate}"] = float(np.mean([row[0] for row in rows]))
            found[f"psnr_{rate}"] = float(np.mean([-10.0 * np.log10(row[1]) for row in rows]))
            costs += [row[2] for row in rows]
        return {**found, "score": -float(np.mean(np.log(costs)))}

    return validate


def _measured(network: nn.Module, case: Pair, rate: int, device: torch.device) -> tuple[float, float, float]:
    """Give bpp, mean square error and cost of a case at a rate."""
    batch = stack_pairs([case], np.array([rate]))
    planes, at = batch.planes.to(device), batch.rate.to(device)
    found, bits = network(planes, batch.guide.to(device), batch.fit.to(device), at)
    bpp = float(bits[0]) / planes[0].numel()
    cost = bpp + float(lambda_of(at)[0]) * float(distortion(found, planes)[0])
    return bpp, float((found - planes).square().mean()), cost + LEAST_COST


def export(config: RawMetadataConfig, run: Path, out: Path) -> None:
    """Export the best weights of a run: six graphs and their card.

    Raises:
        ConfigError: nothing is trained yet, or it is an ablation.
        VerificationError: an engine disagrees with the network.
    """
    if config.plan != SmallPlan():
        raise ConfigError(f"{run} is an ablation, which pack cannot read: score its checkpoint instead")
    network = RawMetadataS()
    with_weights(network, run, "codec")
    export_coder(network, coder_card("raw-metadata-s", VERSION, training_summary(config, run)), out)


def _photosites(batch: PackBatch) -> int:
    """Count the photosites of a batch."""
    return batch.planes.numel()
