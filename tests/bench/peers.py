#!/usr/bin/env python3
"""Score a model beside the raw converters that are installed, on the same simulated DNGs.

    python tests/bench/peers.py --data DATA --model NAME [--scenes N] [--per-scene] [--keep DIR]

DATA is a folder that ``rawtool train scenes`` made, NAME a model, the folder of one, or a run. The rules
are those of docs/numbers.md; the rows of rawtool and of LibRaw are those of ``rawtool train eval``.

Restoration: RawTherapee with its neutral profile and AMaZE, and with noise reduction (automatic colour
noise, two strengths of luminance), as 16-bit sRGB whose curve is then undone. Finishing: every
program's default export. Each runs with settings of its own, whatever the user has set.

RawTherapee drops some pixels at the border: a picture that is a little smaller than the truth is laid
on it by an integer shift, the one of the highest correlation, and both are scored on what they share.
What was cut is said below the table.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rawtool.color.transfer import srgb_decode
from rawtool.io.image import read_image
from rawtool.metrics.fidelity import finishing_score, luma, restoration_score
from rawtool.pipelines.darkroom import open_darkroom
from rawtool.training.app import exported_model
from rawtool.training.evaluation import (
    FINISHING,
    RESTORATION,
    Finding,
    Row,
    Truth,
    judge,
    mean_rows,
    photographs,
    truths,
)
from rawtool.training.scenes import open_scenes
from rawtool.vocabulary import Precision

LARGEST_CUT = 32
LIMIT_S = 600

NEUTRAL = """[Color Management]
InputProfile=(camera)
OutputProfile=RTv4_sRGB
ToneCurve=false
[RAW Bayer]
Method=amaze
"""
# The values of RawTherapee's own profile for high sensitivities, but for the luminance and the median.
DENOISED = (
    NEUTRAL
    + """[Directional Pyramid Denoising]
Enabled=true
Enhance=false
Median=false
Luma={luminance}
Ldetail=60
Method=Lab
LMethod=SLI
CMethod=AUT
C2Method=AUTO
SMethod=shal
Gamma=1.7
Passes=1
"""
)

Arguments = Callable[[Path, Path], list[str]]


@dataclass(frozen=True, slots=True)
class Peer:
    """A program and how it turns a DNG into a TIFF; profile is the text of a file beside the target."""

    name: str
    task: str
    program: str
    arguments: Arguments
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Aligned:
    """A picture and the part of the truth that it shows; offset is (top, left) in the truth."""

    picture: np.ndarray
    truth: np.ndarray
    offset: tuple[int, int]


def profile_of(target: Path) -> Path:
    """The place of a peer's profile."""
    return target.with_suffix(".pp3")


def _rawtherapee(source: Path, target: Path) -> list[str]:
    profile = ["-p", str(profile_of(target))] if profile_of(target).exists() else ["-d"]
    return ["-q", "-Y", "-o", str(target), "-t", "-b16", *profile, "-c", str(source)]


def _darktable(source: Path, target: Path) -> list[str]:
    # A library in memory and a configuration of its own: no lock, no saved styles.
    return [str(source), str(target), "--icc-type", "SRGB", "--core", "--library", ":memory:",
            "--configdir", str(target.parent / "darktable"),
            "--conf", "plugins/imageio/format/tiff/bpp=16"]  # fmt: skip


def _dcraw_emu(source: Path, target: Path) -> list[str]:
    return ["-q", "3", "-w", "-T", "-Z", str(target), str(source)]


PEERS = (
    Peer("RawTherapee (AMaZE)", RESTORATION, "rawtherapee-cli", _rawtherapee, NEUTRAL),
    *(
        Peer(
            f"RawTherapee (AMaZE) + noise reduction {luminance}",
            RESTORATION,
            "rawtherapee-cli",
            _rawtherapee,
            DENOISED.format(luminance=luminance),
        )
        for luminance in (20, 50)
    ),
    Peer("dcraw_emu -w (default)", FINISHING, "dcraw_emu", _dcraw_emu),
    Peer("RawTherapee (default)", FINISHING, "rawtherapee-cli", _rawtherapee),
    Peer("darktable (default)", FINISHING, "darktable-cli", _darktable),
)


def main() -> int:
    """Score everything and print one table."""
    words = _words()
    peers = [peer for peer in PEERS if shutil.which(peer.program)]
    for program in sorted({peer.program for peer in PEERS} - {peer.program for peer in peers}):
        print(f"{program} is not installed: its rows are left out", file=sys.stderr)
    notes: set[str] = set()
    with tempfile.TemporaryDirectory() as name:
        place = words.keep or Path(name)
        place.mkdir(parents=True, exist_ok=True)
        findings = list(_findings(words, peers, place, notes))
    print_table(mean_rows(finding for _, finding in findings))
    if words.per_scene:
        print_scenes(findings)
    for note in sorted(notes):
        print(f"\n{note}")
    return 0


def _findings(
    words: argparse.Namespace, peers: Iterable[Peer], place: Path, notes: set[str]
) -> Iterator[tuple[str, Finding]]:
    scenes = open_scenes(words.data)
    with tempfile.TemporaryDirectory() as model:
        subject, precision = exported_model(words.model, Path(model)), Precision(words.precision)
        darkroom = open_darkroom(subject, precision=precision)
        for truth in truths(scenes, words.scenes):
            print(f"scene {truth.number + 1}: {truth.name}", file=sys.stderr)
            frames = photographs(truth, scenes.cameras, place)
            for finding in (*judge(truth, frames, darkroom), *judge_peers(truth, frames, peers, notes)):
                yield truth.name, finding


def judge_peers(
    truth: Truth, frames: Mapping[str, Path], peers: Iterable[Peer], notes: set[str]
) -> Iterator[Finding]:
    """Score the programs on the DNGs of a scene; what they cut off the picture goes to notes."""
    for level, path in frames.items():
        for number, peer in enumerate(peers):
            encoded = export(peer, path, path.with_name(f"{path.stem}-peer{number}.tif"))
            is_light = peer.task == RESTORATION
            found = aligned(srgb_decode(encoded) if is_light else encoded,
                            truth.light if is_light else truth.finished)  # fmt: skip
            if found.picture.shape != truth.light.shape:
                notes.add(_cut_note(peer, found, truth))
            score = restoration_score if is_light else finishing_score
            yield Finding(peer.task, peer.name, level, score(found.picture, found.truth))


def export(peer: Peer, source: Path, target: Path) -> np.ndarray:
    """Let a program develop a DNG: the display-encoded sRGB picture (H, W, 3) in [0, 1]."""
    if peer.profile is not None:
        profile_of(target).write_text(peer.profile, encoding="utf-8")
    own = target.parent / "rawtherapee"
    environment = os.environ | {"RT_SETTINGS": str(own), "RT_CACHE": str(own / "cache")}
    target.unlink(missing_ok=True)
    done = subprocess.run(
        [peer.program, *peer.arguments(source, target)],
        capture_output=True, text=True, timeout=LIMIT_S, env=environment, check=False,
    )  # fmt: skip
    if done.returncode or not target.is_file():
        sys.exit(f"{peer.name} failed with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return read_image(target).as_float()


def aligned(picture: np.ndarray, truth: np.ndarray) -> Aligned:
    """Find where a picture that was cut at its border lies in the truth.

    Raises:
        ValueError: it is larger than the truth, or smaller by more than LARGEST_CUT pixels.
    """
    height, width = picture.shape[:2]
    room = (truth.shape[0] - height, truth.shape[1] - width)
    if min(room) < 0 or max(room) > LARGEST_CUT:
        raise ValueError(f"a picture of {width} x {height} does not fit {truth.shape[1]} x {truth.shape[0]}")
    offsets = [(top, left) for top in range(room[0] + 1) for left in range(room[1] + 1)]
    if len(offsets) > 1:
        seen, light = luma(picture), luma(truth)
        offsets.sort(key=lambda at: _correlation(seen, light[at[0] :, at[1] :][:height, :width]))
    top, left = offsets[-1]
    return Aligned(picture, truth[top : top + height, left : left + width], (top, left))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-12))


def _cut_note(peer: Peer, found: Aligned, truth: Truth) -> str:
    size, whole = found.picture.shape, truth.light.shape
    return (
        f"{peer.program} gives {size[1]} x {size[0]} of {whole[1]} x {whole[0]}: "
        f"laid {found.offset[0]} rows down and {found.offset[1]} columns to the right."
    )


def print_table(rows: Iterable[Row]) -> None:
    """Print a Markdown table: PSNR / SSIM / colour angle, a line for each method, a column for each level."""
    rows = list(rows)
    levels = sorted(dict.fromkeys(row.level for row in rows), key=lambda level: not level.startswith("ISO"))
    cells = {(row.task, row.method, row.level): row for row in rows}
    print(
        f"Mean over {max(row.n_scenes for row in rows)} scenes: PSNR in dB / SSIM / colour angle in degrees\n"
    )
    print("| task | method |", " | ".join(levels), "|")
    print("|---|---|" + "---|" * len(levels))
    for task, method in dict.fromkeys((row.task, row.method) for row in rows):
        shown = (cells.get((task, method, level)) for level in levels)
        print(f"| {task} | {method} |", " | ".join(_cell(row) for row in shown), "|")


def print_scenes(findings: Iterable[tuple[str, Finding]]) -> None:
    """Print the PSNR of every restoration, a line for each scene and level, a column for each method."""
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for scene, finding in findings:
        if finding.task == RESTORATION:
            rows.setdefault((scene, finding.level), {})[finding.method] = finding.score.psnr
    methods = list(dict.fromkeys(method for row in rows.values() for method in row))
    print("\n| scene | level |", " | ".join(methods), "|")
    print("|---|---|" + "---|" * len(methods))
    for (scene, level), row in rows.items():
        print(f"| {scene} | {level} |", " | ".join(f"{row[m]:.2f}" for m in methods), "|")


def _cell(row: Row | None) -> str:
    return f"{row.psnr:.2f} / {row.ssim:.4f} / {row.angle:.2f}" if row else ""


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Score a model beside other raw converters.")
    parser.add_argument("--data", type=Path, required=True, help="a folder of scenes (rawtool train scenes)")
    parser.add_argument("--model", required=True, help="a model's name or folder, or the folder of a run")
    choices = [each.value for each in Precision]
    parser.add_argument("--precision", choices=choices, default="auto", help="of rawtool's restoration")
    parser.add_argument("--scenes", type=int, help="only the first so many held-out scenes")
    parser.add_argument("--per-scene", action="store_true", help="print the restoration of every scene too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the DNGs and what was made of them")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
