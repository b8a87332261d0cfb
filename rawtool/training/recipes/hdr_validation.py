"""Held-out HDR scenes through cameras as results are scored, and the score that picks the best weights."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from rawtool.arrays import AnyArray, Rgb, Rgb8
from rawtool.metrics.hdr import hdr_score
from rawtool.training.ldr_camera import photograph, scored_ldr_camera
from rawtool.training.ldr_data import HdrBatch, View, stack_hdr
from rawtool.training.recipes.hdr_wrappers import from_power
from rawtool.training.recipes.validation import Validator, held_out, last
from rawtool.training.scenes import SceneSet

N_VARIANTS = 2
WHITE_PERCENTILES = (85.0, 97.0)
STEP = 32
"""Sides of the cases are cut to multiples of it."""


@dataclass(frozen=True, slots=True)
class HdrCase:
    """A held-out scene, photographed: what a network is given, the codes and the light behind them."""

    batch: HdrBatch
    codes: Rgb8
    truth: Rgb


def hdr_cases(scenes: SceneSet, thumbnail_size: int | None, n_variants: int = N_VARIANTS) -> list[HdrCase]:
    """Photograph every held-out HDR scene with several cameras and exposures."""
    return [
        hdr_case(scenes.scene(at), thumbnail_size, np.random.default_rng((number, variant)))
        for number, at in enumerate(held_out(scenes))
        for variant in range(n_variants)
    ]


def hdr_case(scene: AnyArray, thumbnail_size: int | None, rng: np.random.Generator) -> HdrCase:
    """Photograph a scene so that 3 to 15 per cent of it clip."""
    height, width = (side // STEP * STEP for side in scene.shape[:2])
    light = scaled_to_clip(scene[:height, :width].astype(np.float32), rng)
    codes = photograph(light, scored_ldr_camera(rng), rng).codes()
    view = View(light, np.ones((height, width), bool))
    return HdrCase(stack_hdr([(codes, view)], thumbnail_size), codes, light)


def scaled_to_clip(light: Rgb, rng: np.random.Generator) -> Rgb:
    """Scale light so that a percentile between 85 and 97 of max(R, G, B) is 1."""
    white = float(np.percentile(light.max(axis=2), rng.uniform(*WHITE_PERCENTILES)))
    return light * np.float32(1.0 / max(white, 1e-6))


def hdr_validator(cases: list[HdrCase]) -> Validator:
    """Build the score: mean PU21-PSNR by the scoring rules, beside it what was gained over doing nothing."""
    nothing = [hdr_score(do_nothing(case.codes), case.truth, case.codes).psnr for case in cases]

    def validate(network: nn.Module) -> dict[str, float]:
        scores = [hdr_score(run_reconstructor(network, case), case.truth, case.codes) for case in cases]
        gains = np.array([score.psnr for score in scores]) - nothing
        psnr = float(np.mean([score.psnr for score in scores]))
        highlight_ev = float(np.nanmean([score.highlight_ev for score in scores]))
        gain, worst = float(gains.mean()), float(gains.min())
        return {"psnr": psnr, "highlight_ev": highlight_ev, "gain": gain, "worst_gain": worst, "score": psnr}

    return validate


def run_reconstructor(network: nn.Module, case: HdrCase) -> Rgb:
    """Reconstruct the light (H, W, 3) of a case."""
    device = next(network.parameters()).device
    found = network(case.batch.picture.to(device), case.batch.thumbnail.to(device)).float()
    return last((from_power(found) if network.is_powered else found).to(torch.float32))


def do_nothing(codes: Rgb8) -> Rgb:
    """Decode codes by the sRGB curve: what a user has without a network."""
    from rawtool.color.transfer import srgb_decode

    return srgb_decode(codes.astype(np.float32) / np.float32(255.0))
