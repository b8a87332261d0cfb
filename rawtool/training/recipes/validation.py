"""Held-out scenes through cameras that training never saw, and the scores that pick the best weights."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn

from rawtool.arrays import AnyArray, Rgb
from rawtool.color.tone import finish
from rawtool.metrics.fidelity import Score, finishing_score, restoration_score
from rawtool.nets.cameranet_s import root_decode
from rawtool.training.cameras import SCORED_NOISE, validation_camera
from rawtool.training.data import (
    EnhanceBatch,
    JointBatch,
    RestoreBatch,
    channels_first,
    exposed,
    restore_sample,
    stack_restore,
)
from rawtool.training.scenes import SceneSet, thumbnail_of

RESTORE_SIDE = 384
ENHANCE_SIDE = 512
CHAIN_ISO = 1600
EXPOSURES_EV = (0.0, -1.5, 0.8)

Validator = Callable[[nn.Module], dict[str, float]]


@dataclass(frozen=True, slots=True)
class RestoreCase:
    """One held-out scene at one noise level."""

    iso: int
    batch: RestoreBatch


def restore_cases(scenes: SceneSet, side: int = RESTORE_SIDE) -> list[RestoreCase]:
    """Expose the middle of every held-out HDR scene at the three scored noise levels."""
    cases = []
    for number, at in enumerate(held_out(scenes)):
        middle = middle_of(exposed(scenes.scene(at), 0.0), side)
        thumbnail = np.minimum(scenes.thumbnails[at], np.float32(1.0))
        for iso in SCORED_NOISE:
            rng = np.random.default_rng((number, iso))
            camera = validation_camera(scenes.cameras, number, iso)
            sample = restore_sample(middle, thumbnail, camera, rng, noise_error=0.1)
            cases.append(RestoreCase(iso, stack_restore([sample])))
    return cases


def restore_validator(cases: list[RestoreCase]) -> Validator:
    """Build the score of step 1: mean PSNR by the scoring rules at each noise level and over all."""

    def validate(network: nn.Module) -> dict[str, float]:
        by_iso: dict[int, list[float]] = {}
        for case in cases:
            found, truth = run_restorer(network, case.batch), last(case.batch.truth)
            by_iso.setdefault(case.iso, []).append(restoration_score(found, truth).psnr)
        means = {f"psnr_iso{iso}": float(np.mean(values)) for iso, values in by_iso.items()}
        return {**means, "score": float(np.mean(list(means.values())))}

    return validate


def enhance_cases(scenes: SceneSet) -> list[EnhanceBatch]:
    """Finish the middle of every held-out scene, at three exposures in turn."""
    cases = []
    for number, at in enumerate(scenes.split(is_validation=True)):
        frame = exposed(middle_of(scenes.scene(at), ENHANCE_SIDE), EXPOSURES_EV[number % 3])
        rows = (frame, thumbnail_of(frame), finish(frame))
        cases.append(EnhanceBatch(*(torch.from_numpy(np.moveaxis(r, 2, 0)[None].copy()) for r in rows)))
    return cases


def enhance_validator(cases: list[EnhanceBatch]) -> Validator:
    """Build the score of step 2: mean PSNR, SSIM and colour angle against the finishing truth."""

    def validate(network: nn.Module) -> dict[str, float]:
        scores = [finishing_score(run_enhancer(network, case), last(case.truth)) for case in cases]
        means = _means(scores)
        return {**means, "score": means["psnr"]}

    return validate


def chain_cases(scenes: SceneSet, side: int = RESTORE_SIDE, iso: int = CHAIN_ISO) -> list[JointBatch]:
    """Photograph the middle of every held-out HDR scene at a scored sensitivity and finish its light."""
    cases = []
    for number, at in enumerate(held_out(scenes)):
        middle = middle_of(exposed(scenes.scene(at), 0.0), side)
        camera = validation_camera(scenes.cameras, number, iso)
        rng = np.random.default_rng((number, iso))
        small = thumbnail_of(middle)
        batch = stack_restore([restore_sample(middle, small, camera, rng, noise_error=0.1)])
        more = (torch.from_numpy(channels_first(each)[None]) for each in (small, finish(middle)))
        cases.append(JointBatch(*(getattr(batch, part.name) for part in fields(batch)), *more))
    return cases


def chain_validator(cases: list[JointBatch]) -> Validator:
    """Build the score of both stages as one: from raws to the finishing truth."""

    def validate(network: nn.Module) -> dict[str, float]:
        scores = [finishing_score(run_chain(network, case), last(case.finished)) for case in cases]
        means = _means(scores)
        return {**{f"{name}_chain": value for name, value in means.items()}, "score": means["psnr"]}

    return validate


def _means(scores: list[Score]) -> dict[str, float]:
    """Average PSNR, SSIM and colour angle."""
    return {name: float(np.mean([getattr(s, name) for s in scores])) for name in ("psnr", "ssim", "angle")}


def joint_validator(restore: Validator, enhance: Validator, chain: Validator) -> Validator:
    """Build the score of step 3: both scores, each network on its own truth; their mean decides."""

    def validate(network: nn.Module) -> dict[str, float]:
        first, second = restore(network.restorer), enhance(network.enhancer)  # type: ignore[arg-type]
        return {**chain(network), **first, **second, "score": 0.5 * (first["score"] + second["score"])}

    return validate


def run_restorer(network: nn.Module, batch: RestoreBatch) -> Rgb:
    """Restore the first picture of a batch to scene-linear RGB (H, W, 3)."""
    device = next(network.parameters()).device
    code, _ = network(batch.picture.to(device), batch.condition.to(device), batch.thumbnail.to(device))
    return last(root_decode(code.float()))


def run_enhancer(network: nn.Module, batch: EnhanceBatch) -> Rgb:
    """Finish the first picture of a batch: display-encoded (H, W, 3) in [0, 1]."""
    device = next(network.parameters()).device
    found = network(batch.picture.to(device), batch.thumbnail.to(device))
    return np.clip(last(found.float()), 0.0, 1.0)


def run_chain(network: nn.Module, batch: JointBatch) -> Rgb:
    """Develop the first picture of a batch: display-encoded (H, W, 3) in [0, 1]."""
    device = next(network.parameters()).device
    parts = (batch.picture, batch.condition, batch.thumbnail, batch.light_thumbnail)
    _, found = network(*(part.to(device) for part in parts))
    return np.clip(last(found.float()), 0.0, 1.0)


def held_out(scenes: SceneSet) -> list[int]:
    """List the held-out HDR scenes; every held-out scene where there is no HDR."""
    held = scenes.split(is_validation=True)
    return [at for at in held if scenes.entries[at].kind == "hdr"] or held


def middle_of(scene: AnyArray, side: int) -> AnyArray:
    """Cut the middle, sides multiples of 32 and at most ``side``."""
    height, width = (min(n, side) // 32 * 32 for n in scene.shape[:2])
    top, left = (scene.shape[0] - height) // 2, (scene.shape[1] - width) // 2
    return scene[top : top + height, left : left + width]


def last(pictures: Tensor) -> Rgb:
    """Take the first picture of a batch with its channels last, float32."""
    return np.ascontiguousarray(np.moveaxis(pictures[0].cpu().numpy(), 0, 2))
