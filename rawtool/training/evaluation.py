"""Scores of develop on held-out scenes, with what a user would pick instead beside them.

Every scene is photographed by the simulated camera at three sensitivities and written as a DNG, which
rawtool and LibRaw then open as any other file:

    scene ─► counts ─► DNG ─► read, prepare, Restore-Net ─► light      ┐ against the scene's own light
                        └──► LibRaw, linear ──────────────► light      ┘   (restoration)
    light ─► Enhance-Net ─► picture    ┐ against the finished truth
    DNG ───► LibRaw, default ─► picture┘   (finishing)

The noise is not told: it is measured from the frame as in any other journey.
"""

import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rawtool.arrays import Rgb
from rawtool.color.matrices import SRGB_FROM_XYZ, apply_matrix
from rawtool.color.tone import finish
from rawtool.color.transfer import encode
from rawtool.errors import UnsupportedRawError
from rawtool.frames import Capture, Illuminated, RawFrame
from rawtool.io.dng import write_dng
from rawtool.io.librawrender import render_default, render_linear
from rawtool.io.raw import read_raw
from rawtool.metrics.fidelity import Score, finishing_score, restoration_score
from rawtool.pipelines.clock import Clock
from rawtool.pipelines.darkroom import Darkroom
from rawtool.pipelines.enhance import Output, enhance
from rawtool.pipelines.light import balanced_samples, clean_frame, find_light
from rawtool.pipelines.prepare import restore_window
from rawtool.pipelines.restore import restore
from rawtool.pipelines.settings import DevelopSettings
from rawtool.sensor.camera import SimulatedCamera, expose
from rawtool.sensor.cfa import XTRANS
from rawtool.training.cameras import SCORED_NOISE, validation_camera
from rawtool.training.data import exposed
from rawtool.training.recipes.validation import held_out
from rawtool.training.scenes import CameraFacts, SceneSet
from rawtool.vocabulary import Profile, SensorKind

RESTORATION, FINISHING = "restoration", "finishing"
DO_NOTHING = "initial demosaic (do nothing)"
DO_NOTHING_CURVE = "do nothing (sRGB curve)"
LIBRAW_DEFAULT = "LibRaw default (dcraw style, auto bright)"
TRUE_LIGHT = "true restoration"
"""The level of the rows whose Enhance-Net is given the scene's own light."""

LIBRAW: dict[str, Callable[[Path], Rgb]] = {
    "LibRaw AHD": render_linear,
    "LibRaw DHT": lambda path: render_linear(path, "DHT"),
    "LibRaw AHD + FBDD + median": lambda path: render_linear(path, is_denoised=True, n_medians=1),
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """The mean score of one method: PSNR in dB, SSIM, colour angle in degrees, over n_scenes.

    level is a sensitivity (``ISO 1600``) or TRUE_LIGHT.
    """

    task: str
    method: str
    level: str
    psnr: float
    ssim: float
    angle: float
    n_scenes: int


@dataclass(frozen=True, slots=True)
class Finding:
    """The score of one method on one scene."""

    task: str
    method: str
    level: str
    score: Score


@dataclass(frozen=True, slots=True)
class Truth:
    """A held-out scene: its light (H, W, 3), scene-linear in [0, 1], and that light finished.

    number counts the held-out scenes; it chooses the camera and seeds the noise.
    """

    number: int
    name: str
    light: Rgb
    finished: Rgb


def evaluate_develop(darkroom: Darkroom, scenes: SceneSet, max_scenes: int | None = None) -> list[Row]:
    """Score a model on the held-out scenes."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        found = [
            finding
            for truth in truths(scenes, max_scenes)
            for finding in judge(truth, photographs(truth, scenes.cameras, place), darkroom)
        ]
    return mean_rows(found)


def truths(scenes: SceneSet, max_scenes: int | None = None) -> Iterator[Truth]:
    """Give the held-out scenes, whole and as they are, cut at white."""
    for number, at in enumerate(held_out(scenes)[:max_scenes]):
        light = exposed(scenes.scene(at), 0.0)
        yield Truth(number, Path(scenes.entries[at].name).stem, light, finish(light))


def photographs(truth: Truth, cameras: tuple[CameraFacts, ...], folder: Path) -> dict[str, Path]:
    """Photograph a scene at every scored sensitivity: the DNGs by the level of their rows."""
    return {f"ISO {iso}": photograph(truth, cameras, iso, folder) for iso in SCORED_NOISE}


def photograph(truth: Truth, cameras: tuple[CameraFacts, ...], iso: int, folder: Path) -> Path:
    """Photograph a scene with a held-out camera and write the DNG, named after scene and sensitivity.

    The file names no camera of a maker's, so that every program takes the matrix that it states and
    none of the facts of its own tables.
    """
    camera = validation_camera(cameras, truth.number, iso)
    path = folder / f"{truth.name}-iso{iso}.dng"
    write_raw(truth.light, camera, iso, np.random.default_rng((truth.number, iso)), path)
    return path


def write_raw(light: Rgb, camera: SimulatedCamera, iso: int, rng: np.random.Generator, path: Path) -> None:
    """Photograph light with a simulated camera of any kind of sensor and write the DNG."""
    counts = expose(light, camera, rng)
    n_sites = len(camera.cfa.cell) ** 2 if camera.cfa else counts[0, 0].size
    frame = RawFrame(
        counts,
        _kind_of(camera),
        camera.cfa,
        (float(camera.black_level),) * n_sites,
        float(camera.white_level),
        (0, 0, int(counts.shape[0]), int(counts.shape[1])),
        _capture(camera, iso),
    )
    write_dng(frame, path, overwrite=True)


def _kind_of(camera: SimulatedCamera) -> SensorKind:
    if camera.cfa is None:
        return SensorKind.MONOCHROME if camera.is_monochrome else SensorKind.LINEAR
    if camera.cfa.pattern is not None:
        return SensorKind.BAYER
    return SensorKind.XTRANS if camera.cfa == XTRANS else SensorKind.QUAD_BAYER


def judge(truth: Truth, frames: Mapping[str, Path], darkroom: Darkroom) -> Iterator[Finding]:
    """Score a model and LibRaw on one scene: Enhance-Net on the true light, then the DNG of every level."""
    score = finishing_score(finished(truth.light, darkroom), truth.finished)
    yield Finding(FINISHING, method_name(darkroom), TRUE_LIGHT, score)
    yield Finding(FINISHING, DO_NOTHING_CURVE, TRUE_LIGHT, _curve_score(truth.light, truth))
    for level, path in frames.items():
        yield from judge_ours(truth, path, level, darkroom)
        yield from judge_libraw(truth, path, level)
        log.info("scored %s", path.stem)


def judge_ours(truth: Truth, path: Path, level: str, darkroom: Darkroom) -> Iterator[Finding]:
    """Score both stages of a model on a DNG, beside the initial demosaic alone."""
    restored, initial = developed_light(path, darkroom)
    name = method_name(darkroom)
    yield Finding(RESTORATION, name, level, restoration_score(restored, truth.light))
    yield Finding(RESTORATION, DO_NOTHING, level, restoration_score(initial, truth.light))
    yield Finding(FINISHING, name, level, finishing_score(finished(restored, darkroom), truth.finished))
    yield Finding(FINISHING, DO_NOTHING_CURVE, level, _curve_score(initial, truth))


def judge_libraw(truth: Truth, path: Path, level: str) -> Iterator[Finding]:
    """Score LibRaw's renderings of a DNG; what this build of it lacks is left out."""
    for name, render in LIBRAW.items():
        try:
            yield Finding(RESTORATION, name, level, restoration_score(render(path), truth.light))
        except UnsupportedRawError as error:
            log.info("%s is left out: %s", name, error)
    codes = render_default(path).astype(np.float32) / np.float32(255.0)
    yield Finding(FINISHING, LIBRAW_DEFAULT, level, finishing_score(codes, truth.finished))


def method_name(darkroom: Darkroom) -> str:
    """Name a model's rows."""
    return f"rawtool {darkroom.model.name}"


def developed_light(path: Path, darkroom: Darkroom) -> tuple[Rgb, Rgb]:
    """Restore a raw as ``develop`` does: its light, and that of the initial demosaic (strength 0)."""
    frame = read_raw(path)
    clean = clean_frame(frame)
    light = find_light(frame, clean, darkroom.restore, "camera")
    samples = balanced_samples(clean, light)
    restored = restore(samples, clean.cfa, light, darkroom.restore, DevelopSettings(), Clock())
    whole = (0, 0, int(samples.shape[0]), int(samples.shape[1]))
    plain = restore_window(samples, clean.cfa, light.xyz_from_balanced, whole)[..., :3]
    return restored, apply_matrix(SRGB_FROM_XYZ, plain)


def finished(light: Rgb, darkroom: Darkroom) -> Rgb:
    """Finish light as ``develop`` does: display-encoded sRGB in [0, 1]."""
    return enhance(light, darkroom.enhance, 0.0, Output(Profile.SRGB, np.float32), None, Clock())


def mean_rows(findings: Iterable[Finding]) -> list[Row]:
    """Average the scenes of each method and level: restoration first, else in the order of their coming."""
    scores: dict[tuple[str, str, str], list[Score]] = {}
    for finding in findings:
        scores.setdefault((finding.task, finding.method, finding.level), []).append(finding.score)
    rows = [_mean_row(key, each) for key, each in scores.items()]
    return sorted(rows, key=lambda row: row.task != RESTORATION)


def _mean_row(key: tuple[str, str, str], scores: list[Score]) -> Row:
    psnr, ssim, angle = np.mean([(s.psnr, s.ssim, s.angle) for s in scores], axis=0).tolist()
    return Row(*key, psnr, ssim, angle, len(scores))


def _curve_score(light: Rgb, truth: Truth) -> Score:
    return finishing_score(encode(light, Profile.SRGB), truth.finished)


def _capture(camera: SimulatedCamera, iso: int) -> Capture:
    """Say what the DNG states of the camera: daylight matrix, daylight as the light of the shot."""
    camera_from_xyz = np.diag(camera.neutral) @ camera.balanced_from_rgb @ SRGB_FROM_XYZ
    neutral = camera.neutral / camera.neutral[1]
    matrices = (Illuminated(6504.0, camera_from_xyz),)
    return Capture("rawtool", "Simulated Camera", neutral, matrices, iso=float(iso))
