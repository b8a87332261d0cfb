#!/usr/bin/env python3
"""Score runs that test what the papers claim, on the middles of held-out scenes.

    rawtool train cameranet --data DATA --out runs/one-stage --config docs/recipes/one-stage.toml
    python tests/bench/claims.py stages --data DATA runs/two-stages runs/one-stage ...
    python tests/bench/claims.py cameras --data DATA runs/one-camera runs/one-camera-without-xyz ...
    python tests/bench/claims.py codec --data DATA runs/codec runs/codec-without-guide ...

stages: raw to finished picture at three sensitivities (CameraNet's table I). cameras: the restored light of
raws from four cameras at ISO 1600 (its table III). PSNR in dB / SSIM / colour angle in degrees. codec: bits a
photosite / PSNR of the mosaic at the rates 0 to 5, and the bits at equal PSNR against the first run's.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from rawtool.metrics.fidelity import Score, restoration_score
from rawtool.nets.raw_metadata_s import N_RATES, RawMetadataS
from rawtool.training.cameras import SCORED_NOISE, scored_camera
from rawtool.training.configs import CameraNetConfig, RawMetadataConfig
from rawtool.training.data import exposed, restore_sample, stack_restore
from rawtool.training.recipes.cameranet import trained
from rawtool.training.recipes.raw_metadata import codec_cases, codec_validator
from rawtool.training.recipes.steps import with_weights
from rawtool.training.recipes.validation import (
    RESTORE_SIDE,
    chain_cases,
    chain_validator,
    held_out,
    last,
    middle_of,
    run_restorer,
)
from rawtool.training.recipes.wrappers import Joint, restorer
from rawtool.training.runs import read_run
from rawtool.training.scenes import SceneSet, open_scenes

CAMERAS = ("D700", "DSLR-A900", "EOS 5D", "EOS 40D")
"""Those of the paper's table III."""

ISO = 1600

Config = TypeVar("Config", CameraNetConfig, RawMetadataConfig)

Curve = list[tuple[float, float]]
"""Bits a photosite and PSNR at every rate."""


def stages(scenes: SceneSet, runs: list[Path]) -> None:
    """Print a row of finished pictures for each run."""
    cases = {iso: chain_cases(scenes, iso=iso) for iso in SCORED_NOISE}
    print("run", *(f"ISO {iso}" for iso in cases), sep=" | ")
    for run in runs:
        network = Joint(*trained(config_of(run, CameraNetConfig), run))
        found = [chain_validator(each)(network) for each in cases.values()]
        cells = (f"{f['psnr_chain']:.2f} / {f['ssim_chain']:.4f} / {f['angle_chain']:.2f}" for f in found)
        print(run.name, *cells, sep=" | ", flush=True)


def cameras(scenes: SceneSet, runs: list[Path]) -> None:
    """Print a row of restored light for each run."""
    print("run", *CAMERAS, sep=" | ")
    for run in runs:
        config = config_of(run, CameraNetConfig)
        network = with_weights(restorer(config.size), run, "restore").eval()
        cells = []
        for model in CAMERAS:
            scores = list(restored(scenes, network, model, is_in_xyz=config.is_in_xyz))
            means = np.mean([(s.psnr, s.ssim, s.angle) for s in scores], axis=0)
            cells.append("{:.2f} / {:.4f} / {:.2f}".format(*means))
        print(run.name, *cells, sep=" | ", flush=True)


def restored(scenes: SceneSet, network: torch.nn.Module, model: str, *, is_in_xyz: bool) -> Iterator[Score]:
    """Photograph the middle of every held-out scene with a camera and score what is restored of it."""
    facts = next(each for each in scenes.cameras if each.model == model)
    for number, at in enumerate(held_out(scenes)):
        middle = middle_of(exposed(scenes.scene(at), 0.0), RESTORE_SIDE)
        thumbnail = np.minimum(scenes.thumbnails[at], np.float32(1.0))
        camera, rng = scored_camera(facts, ISO), np.random.default_rng((number, ISO))
        sample = restore_sample(middle, thumbnail, camera, rng, noise_error=0.1, is_in_xyz=is_in_xyz)
        batch = stack_restore([sample])
        yield restoration_score(run_restorer(network, batch), last(batch.truth))


def codec(scenes: SceneSet, runs: list[Path]) -> None:
    """Print a row of rates for each run of raw-metadata, and how its bits compare with the first one's."""
    validate = codec_validator(codec_cases(scenes))
    print("run", *(f"rate {rate}" for rate in range(N_RATES)), "bits at equal PSNR", sep=" | ")
    first: Curve | None = None
    for run in runs:
        found = validate(
            with_weights(RawMetadataS(config_of(run, RawMetadataConfig).plan), run, "codec").eval()
        )
        curve = [(found[f"bpp_{rate}"], found[f"psnr_{rate}"]) for rate in range(N_RATES)]
        first = first or curve
        cells = (f"{bits:.4f} / {dB:.2f}" for bits, dB in curve)
        print(run.name, *cells, f"{more_bits(first, curve):+.1%}", sep=" | ", flush=True)


def more_bits(first: Curve, second: Curve) -> float:
    """Give how many more bits the second takes, a mean of logarithms over the PSNR that both reach."""
    (one, level), (other, other_level) = (np.transpose(each) for each in (first, second))
    wanted = np.linspace(max(level.min(), other_level.min()), min(level.max(), other_level.max()), 200)
    apart = np.interp(wanted, other_level, np.log(other)) - np.interp(wanted, level, np.log(one))
    return float(np.exp(apart.mean()) - 1.0)


def config_of(run: Path, kind: type[Config]) -> Config:
    """Read the settings of a run of a recipe."""
    config = read_run(run)
    if not isinstance(config, kind):
        raise SystemExit(f"{run} is a run of {config.recipe}, not of {kind.recipe}")
    return config


WHAT = {"stages": stages, "cameras": cameras, "codec": codec}


def main() -> None:
    """Read the words and do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=list(WHAT))
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    asked = parser.parse_args()
    scenes = open_scenes(asked.data)
    with torch.inference_mode():
        WHAT[asked.what](scenes, asked.runs)


if __name__ == "__main__":
    main()
