"""Pictures of an HDR run: curves of its log, and a sheet of held-out scenes through its best weights."""

from pathlib import Path

import numpy as np
import torch

from rawtool.arrays import Rgb
from rawtool.color.tone import expose_ev
from rawtool.color.transfer import encode
from rawtool.training.configs import HdrUnetConfig
from rawtool.training.plots import CURVES, LOG, N_SAMPLES, draw_curves, read_log, save_strip
from rawtool.training.recipes.hdr_validation import hdr_cases, run_reconstructor
from rawtool.training.recipes.hdr_wrappers import reconstructor
from rawtool.training.recipes.steps import with_weights
from rawtool.training.scenes import SceneSet
from rawtool.vocabulary import Profile

STRIP = "samples-hdr.png"
DARKER_EV = -3.0
COLUMNS = ("the picture", "the picture, -3 EV", "reconstructed, -3 EV", "truth, -3 EV")


def draw_run(out: Path, scenes: SceneSet, config: HdrUnetConfig) -> None:
    """Draw what a run has to show so far into its folder; what is not there yet is left out."""
    lines = read_log(out / LOG)
    if lines:
        draw_curves(lines, out / CURVES)
    if (out / "reconstruct-best.pt").exists():
        with torch.no_grad():
            save_strip(hdr_rows(out, scenes, config), COLUMNS, out / STRIP)


def hdr_rows(out: Path, scenes: SceneSet, config: HdrUnetConfig) -> dict[str, tuple[Rgb, ...]]:
    """Reconstruct the first held-out scenes with a run's best weights: rows of encoded pictures."""
    network = with_weights(reconstructor(config), out, "reconstruct").eval()
    cases = hdr_cases(scenes, network.thumbnail_size, n_variants=1)[:N_SAMPLES]  # type: ignore[arg-type]
    rows = {}
    for number, case in enumerate(cases):
        picture = case.codes.astype(np.float32) / np.float32(255.0)
        light = (_decoded(picture), run_reconstructor(network, case), case.truth)
        rows[f"scene {number + 1}"] = (picture, *(_shown(each) for each in light))
    return rows


def _decoded(picture: Rgb) -> Rgb:
    from rawtool.color.transfer import decode

    return decode(picture, Profile.SRGB)


def _shown(light: Rgb) -> Rgb:
    """Encode light for the eye, darkened, so that what is above white is seen."""
    return encode(np.clip(expose_ev(light, DARKER_EV), 0.0, 1.0), Profile.SRGB)
