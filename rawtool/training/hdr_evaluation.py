"""HDR scores on held-out scenes: what comes out of a JPEG, beside what comes out of doing nothing.

scene ─► a camera as results are scored ─► JPEG ─► read, network, scale ─► light   ┐ against the scene's own
└──► sRGB decoding ────────────► light ┘ light
"""

import logging
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rawtool.arrays import Rgb
from rawtool.metrics.fidelity import psnr_l, psnr_mu
from rawtool.metrics.hdr import HdrScore, hdr_score
from rawtool.pipelines.clock import Clock
from rawtool.pipelines.hdrlight import find_light
from rawtool.pipelines.ldr import read_ldr
from rawtool.pipelines.studio import HdrSettings, Studio
from rawtool.training.ldr_camera import photograph, scored_ldr_camera
from rawtool.training.recipes.hdr_validation import do_nothing, scaled_to_clip
from rawtool.training.recipes.validation import held_out
from rawtool.training.scenes import SceneSet
from rawtool.vocabulary import Profile

DO_NOTHING = "do nothing (sRGB curve)"
N_VARIANTS = 3

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HdrRow:
    """The mean score of one method over n_pictures, and how it compares with doing nothing.

    PSNRs are in dB, highlight_ev is in stops. mean_gain and worst_gain are of PU21-PSNR over doing nothing,
    over all scenes, and on the scene (the mean of its pictures) where it is smallest.
    """

    task: str
    method: str
    pu21_psnr: float
    pu21_ssim: float
    highlight_ev: float
    psnr_l: float
    psnr_mu: float
    mean_gain: float
    worst_gain: float
    n_pictures: int


@dataclass(frozen=True, slots=True)
class HdrFinding:
    """The scores of one method on one picture of a scene."""

    method: str
    scene: str
    score: HdrScore
    psnr_l: float
    psnr_mu: float


def evaluate_hdr(studio: Studio, scenes: SceneSet, max_scenes: int | None = None) -> list[HdrRow]:
    """Score a model on the held-out HDR scenes, photographed by several cameras each."""
    with tempfile.TemporaryDirectory() as name:
        found = [
            finding
            for number, at in enumerate(held_out(scenes)[:max_scenes])
            for variant in range(N_VARIANTS)
            for finding in judge_picture(
                scenes.entries[at].name,
                scenes.scene(at).astype(np.float32),
                np.random.default_rng((number, variant)),
                studio,
                Path(name),
            )
        ]
    return mean_hdr_rows(found)


def judge_picture(
    scene: str, light: Rgb, rng: np.random.Generator, studio: Studio, folder: Path
) -> Iterator[HdrFinding]:
    """Photograph a scene (H, W, 3) into a JPEG, and score what ``hdr`` and what doing nothing makes of it."""
    truth = scaled_to_clip(light, rng)
    path = folder / "picture.jpg"
    path.write_bytes(photograph(truth, scored_ldr_camera(rng), rng).jpeg)
    ldr = read_ldr(path, Profile.SRGB)
    found = find_light(ldr, studio.network, HdrSettings(), np.float32, Clock())
    for method, result in ((f"rawtool {studio.model.name}", found), (DO_NOTHING, do_nothing(ldr.codes))):
        score = hdr_score(result, truth, ldr.codes)
        yield HdrFinding(method, scene, score, psnr_l(result, truth), psnr_mu(result, truth))
    log.info("scored %s", scene)


def mean_hdr_rows(findings: Iterable[HdrFinding]) -> list[HdrRow]:
    """Average the pictures of each method, in the order of their coming."""
    findings = list(findings)
    nothing = _by_scene(findings, DO_NOTHING)
    methods = dict.fromkeys(finding.method for finding in findings)
    return [_mean_row(method, [f for f in findings if f.method == method], nothing) for method in methods]


def _mean_row(method: str, findings: list[HdrFinding], nothing: dict[str, float]) -> HdrRow:
    gains = [psnr - nothing[scene] for scene, psnr in _by_scene(findings, method).items()]
    scores = [(f.score.psnr, f.score.ssim, f.score.highlight_ev, f.psnr_l, f.psnr_mu) for f in findings]
    psnr, ssim, highlight_ev, by_peak, compressed = np.nanmean(scores, axis=0).tolist()
    gain = (float(np.mean(gains)), min(gains))
    return HdrRow("hdr", method, psnr, ssim, highlight_ev, by_peak, compressed, *gain, len(findings))


def _by_scene(findings: list[HdrFinding], method: str) -> dict[str, float]:
    """Give the mean PU21-PSNR of a method on every scene."""
    scores: dict[str, list[float]] = {}
    for finding in findings:
        if finding.method == method:
            scores.setdefault(finding.scene, []).append(finding.score.psnr)
    return {scene: float(np.mean(values)) for scene, values in scores.items()}
