"""A photographer's style: the finishing of a model, tuned to pairs of raws and finished pictures."""

from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric

from rawtool.arrays import Rgb
from rawtool.color.transfer import encode
from rawtool.training.configs import CameraNetConfig
from rawtool.training.data import Draw
from rawtool.training.loop import Progress, StageJob
from rawtool.training.pair_data import PairStream, pair_cases
from rawtool.training.pairs import PairSet
from rawtool.training.plots import CURVES, FINISH_STRIP, LOG, N_SAMPLES, draw_curves, read_log, save_strip
from rawtool.training.recipes.cameranet import enhance_loss, pixels
from rawtool.training.recipes.steps import Step, with_weights
from rawtool.training.recipes.validation import enhance_validator, last, run_enhancer
from rawtool.training.recipes.wrappers import enhancer
from rawtool.training.settings import StageConfig
from rawtool.vocabulary import Profile

STEP = "enhance"
COLUMNS = ("scene-linear, sRGB curve", "finished", "the photographer's")
STYLE = replace(CameraNetConfig(), enhance=StageConfig(45.0, 256, 16, 1e-3, optimiser="muon"))
"""An hour on two cores, with the restoring of a hundred raws before it."""


def train_style(config: CameraNetConfig, pairs: PairSet, fabric: Fabric, out: Path) -> tuple[float, Progress]:
    """Train the finishing on, from the weights that lie in ``out``; give its PSNR before, too."""
    step = Step(STEP, config, out, is_resumed=True)
    seed = step.begin()
    stream = PairStream(pairs, Draw(step.stage.crop, step.stage.batch), seed)
    validate = enhance_validator(pair_cases(pairs))
    begun = with_weights(enhancer(config.size), out, STEP, "last").eval()
    with torch.no_grad():
        before = validate(begun)["score"]
    job = StageJob(enhancer(config.size), enhance_loss, validate, pixels)
    return before, step.train(fabric, job, stream)


def draw(config: CameraNetConfig, pairs: PairSet, out: Path) -> None:
    """Draw curves, and held-out pairs through the best weights, into the folder of a run."""
    lines = read_log(out / LOG)
    if lines:
        draw_curves(lines, out / CURVES)
    if not (out / f"{STEP}-best.pt").exists():
        return
    network = with_weights(enhancer(config.size), out, STEP).eval()
    with torch.no_grad():
        rows: dict[str, tuple[Rgb, ...]] = {
            f"pair {number + 1}": (
                encode(last(case.picture), Profile.SRGB),
                run_enhancer(network, case),
                last(case.truth),
            )
            for number, case in enumerate(pair_cases(pairs)[:N_SAMPLES])
        }
    save_strip(rows, COLUMNS, out / FINISH_STRIP)
