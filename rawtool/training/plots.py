"""Pictures of a run: curves of its log, and strips of held-out scenes through its best weights."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image, ImageDraw
from torch import nn

from rawtool.arrays import Rgb
from rawtool.color.matrices import SRGB_FROM_XYZ, apply_matrix
from rawtool.color.transfer import encode, quantise
from rawtool.training.cameras import SCORED_NOISE
from rawtool.training.configs import CameraNetConfig
from rawtool.training.recipes.steps import with_weights
from rawtool.training.recipes.validation import (
    enhance_cases,
    last,
    restore_cases,
    run_enhancer,
    run_restorer,
)
from rawtool.training.recipes.wrappers import Joint, enhancer, restorer
from rawtool.training.scenes import SceneSet
from rawtool.training.settings import RunConfig
from rawtool.vocabulary import Profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOG = "log.jsonl"
CURVES, RESTORE_STRIP, FINISH_STRIP = "curves.png", "samples-restore.png", "samples-finish.png"
N_SAMPLES = 4
RESTORE_COLUMNS = ("initial demosaic", "restored", "truth")
FINISH_COLUMNS = ("scene-linear, sRGB curve", "finished", "truth")
_GAP, _CAPTION = 4, 16


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a run's log: what a stage had to say after so many minutes, by name."""

    stage: str
    minutes: float
    numbers: Mapping[str, float]


def draw_run(out: Path, scenes: SceneSet, config: CameraNetConfig) -> None:
    """Draw what a run has to show so far into its folder: curves and strips of samples.

    What is not there yet (no log, no best weights of a stage, no held-out scene) is left out.
    """
    lines = read_log(out / LOG)
    if lines:
        draw_curves(lines, out / CURVES)
    with torch.no_grad():
        restoring, finishing = best_restorer(config, out), best_enhancer(config, out)
        if restoring is not None:
            save_strip(restore_rows(restoring, scenes), RESTORE_COLUMNS, out / RESTORE_STRIP)
        if finishing is not None:
            save_strip(finish_rows(finishing, scenes), FINISH_COLUMNS, out / FINISH_STRIP)


def draw_log(out: Path, _scenes: SceneSet, _config: RunConfig) -> None:
    """Draw a run's curves into its folder, for a recipe without pictures of its own."""
    lines = read_log(out / LOG)
    if lines:
        draw_curves(lines, out / CURVES)


def read_log(path: Path) -> list[LogLine]:
    """Read the lines of a log; one that was cut off by a kill is passed over."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            numbers = json.loads(text)
            stage = numbers.pop("stage")
            lines.append(LogLine(stage, numbers["minutes"], {key: float(v) for key, v in numbers.items()}))
        except (ValueError, KeyError):
            continue
    return lines


def draw_curves(lines: Sequence[LogLine], path: Path) -> None:
    """Draw loss, rate and validation PSNR against minutes, one column a stage."""
    from matplotlib.figure import Figure

    stages = list(dict.fromkeys(line.stage for line in lines))
    figure = Figure(figsize=(4.5 * len(stages), 8.0), layout="constrained")
    axes = figure.subplots(3, len(stages), squeeze=False, sharex="col")
    for stage, (top, middle, bottom) in zip(stages, axes.T, strict=True):
        own = [line for line in lines if line.stage == stage]
        top.set_title(stage)
        _draw_line(top, own, "loss", "training loss", is_logarithmic=True)
        _draw_line(middle, own, "rate", "learning rate", is_logarithmic=False)
        _draw_scores(bottom, own)
    figure.savefig(path, format="png")


def best_restorer(config: CameraNetConfig, out: Path) -> nn.Module | None:
    """Give the restorer with a run's best weights, the joint step's before step 1's; None before both."""
    if (out / "joint-best.pt").exists():
        return _best_joint(config, out).restorer
    return _best(restorer(config.size), out, "restore")


def best_enhancer(config: CameraNetConfig, out: Path) -> nn.Module | None:
    """Give the enhancer with a run's best weights, the joint step's before step 2's; None before both."""
    if (out / "joint-best.pt").exists():
        return _best_joint(config, out).enhancer
    return _best(enhancer(config.size), out, "enhance")


def restore_rows(network: nn.Module, scenes: SceneSet) -> dict[str, tuple[Rgb, ...]]:
    """Restore the first held-out scenes, each at another sensitivity: rows of encoded pictures."""
    # The cases of a scene, one for each sensitivity, stand beside each other.
    n_levels = len(SCORED_NOISE)
    cases = restore_cases(scenes)
    chosen = [cases[n * n_levels + n % n_levels] for n in range(min(N_SAMPLES, len(cases) // n_levels))]
    rows = {}
    for number, case in enumerate(chosen):
        initial = apply_matrix(SRGB_FROM_XYZ, last(case.batch.picture[:, :3]))
        light = (initial, run_restorer(network, case.batch), last(case.batch.truth))
        rows[f"scene {number + 1}, ISO {case.iso}"] = tuple(_shown(rgb) for rgb in light)
    return rows


def finish_rows(network: nn.Module, scenes: SceneSet) -> dict[str, tuple[Rgb, ...]]:
    """Finish the first held-out scenes: rows of encoded pictures."""
    return {
        f"scene {number + 1}": (_shown(last(case.picture)), run_enhancer(network, case), last(case.truth))
        for number, case in enumerate(enhance_cases(scenes)[:N_SAMPLES])
    }


def strip(rows: dict[str, tuple[Rgb, ...]], columns: Sequence[str]) -> Image.Image:
    """Lay rows of display-encoded pictures out as a sheet, with a caption over each picture."""
    height = max(picture.shape[0] for row in rows.values() for picture in row)
    width = max(picture.shape[1] for row in rows.values() for picture in row)
    step = (height + _CAPTION + _GAP, width + _GAP)
    sheet = Image.new("RGB", (len(columns) * step[1] - _GAP, len(rows) * step[0] - _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (name, row) in enumerate(rows.items()):
        for j, (column, picture) in enumerate(zip(columns, row, strict=True)):
            top, left = i * step[0], j * step[1]
            draw.text((left + 2, top + 2), f"{name}: {column}", fill="black")
            sheet.paste(Image.fromarray(quantise(picture, 8)), (left, top + _CAPTION))
    return sheet


def save_strip(rows: dict[str, tuple[Rgb, ...]], columns: Sequence[str], path: Path) -> None:
    """Write a sheet, if there is anything on it."""
    if rows:
        strip(rows, columns).save(path)


def _best(network: nn.Module, out: Path, stage: str) -> nn.Module | None:
    if not (out / f"{stage}-best.pt").exists():
        return None
    return with_weights(network, out, stage).eval()


def _best_joint(config: CameraNetConfig, out: Path) -> Joint:
    joint = Joint(restorer(config.size), enhancer(config.size))
    with_weights(joint, out, "joint")
    return joint.eval()


def _draw_line(axes: "Axes", lines: Sequence[LogLine], key: str, label: str, *, is_logarithmic: bool) -> None:
    """Draw one number of the log against minutes."""
    points = _points(lines, key)
    if points:
        axes.plot(*zip(*points, strict=True), linewidth=1.0)
    if points and is_logarithmic and min(value for _, value in points) > 0.0:
        axes.set_yscale("log")
    axes.set_ylabel(label)
    axes.grid(visible=True, alpha=0.3)


def _draw_scores(axes: "Axes", lines: Sequence[LogLine]) -> None:
    """Draw every PSNR of the validation against minutes."""
    keys = dict.fromkeys(key for line in lines for key in line.numbers if key.startswith("psnr"))
    for key in keys:
        points = _points(lines, key)
        label = key.replace("psnr_iso", "ISO ").replace("psnr", "mean")
        axes.plot(*zip(*points, strict=True), marker=".", linewidth=1.0, label=label)
    if keys:
        axes.legend()
    axes.set_ylabel("validation PSNR, dB")
    axes.set_xlabel("minutes")
    axes.grid(visible=True, alpha=0.3)


def _points(lines: Sequence[LogLine], key: str) -> list[tuple[float, float]]:
    """Give (minutes, number) of the lines that have the number."""
    return [(line.minutes, line.numbers[key]) for line in lines if key in line.numbers]


def _shown(light: Rgb) -> Rgb:
    """Encode light for the eye."""
    return encode(light, Profile.SRGB)
