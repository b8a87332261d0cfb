#!/usr/bin/env python3
"""Prove that a style is learned: raws beside pictures in a style that no network has seen.

    python tests/bench/style.py make --data DATA --out DIR [--pairs 100]
    rawtool train cameranet --pairs DIR/pairs --out RUN
    rawtool train export RUN --out DIR/models/my-style
    python tests/bench/style.py score --out DIR --model cameranet-s --model DIR/models/my-style

``make`` photographs the scenes of a data folder with simulated cameras. What the photographer makes of them
is our own finishing through a hard curve and a 3D lookup table that bends colours (teal shadows, amber
lights, pale greens). The scenes to train on become DIR/pairs, in JPEG, TIFF and at half size by turns; the
held-out ones DIR/held. ``score`` develops the held-out raws with each model, by the program itself, and
prints PSNR, SSIM and colour angle against the style.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import PIL.Image
import tifffile

from rawtool.arrays import AnyArray, Rgb
from rawtool.color.tone import finish
from rawtool.color.transfer import quantise
from rawtool.metrics.fidelity import finishing_score
from rawtool.training.cameras import random_bayer_camera, usable_cameras
from rawtool.training.data import exposed
from rawtool.training.evaluation import write_raw
from rawtool.training.scenes import SceneSet, open_scenes

N_NODES = 17
LONGEST = 1536


def lookup_table() -> AnyArray:
    """Bake the style: (N, N, N, 3), display-encoded sRGB to display-encoded sRGB."""
    axis = np.linspace(0.0, 1.0, N_NODES, dtype=np.float32)
    rgb = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    luma = (rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32))[..., None]
    hard = luma * luma * (3.0 - 2.0 * luma)
    curved = rgb + 0.8 * (hard - luma)
    shadows, lights = (1.0 - luma) ** 2, luma**2
    toned = curved + shadows * np.array([-0.05, 0.03, 0.07]) + lights * np.array([0.06, 0.01, -0.09])
    is_green = np.clip(rgb[..., 1:2] - np.maximum(rgb[..., 0:1], rgb[..., 2:3]), 0.0, 1.0)
    faded = toned + is_green * np.array([0.5, -0.25, 0.15])
    return np.clip(0.03 + 0.94 * faded, 0.0, 1.0).astype(np.float32)


def looked_up(table: AnyArray, picture: Rgb) -> Rgb:
    """Apply a table by trilinear interpolation."""
    at = np.clip(picture, 0.0, 1.0) * np.float32(N_NODES - 1)
    low = np.minimum(at.astype(int), N_NODES - 2)
    share = at - low
    found = np.zeros_like(picture)
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(np.array(corner, bool), share, 1.0 - share), axis=-1, dtype=np.float32)
        nodes = low + np.array(corner)
        found += weight[..., None] * table[nodes[..., 0], nodes[..., 1], nodes[..., 2]]
    return found


def write_finished(picture: Rgb, stem: Path, number: int) -> None:
    """Write a finished picture: JPEG, 16-bit TIFF and a JPEG of half size by turns."""
    if number % 3 == 1:
        tifffile.imwrite(stem.with_suffix(".tif"), quantise(picture, 16), photometric="rgb")
        return
    codes = PIL.Image.fromarray(quantise(picture, 8))
    if number % 3 == 2:
        codes = codes.resize((codes.width // 2, codes.height // 2), PIL.Image.Resampling.LANCZOS)
    codes.save(stem.with_suffix(".jpg"), quality=94, subsampling=0)


def make(data: Path, out: Path, n_pairs: int) -> None:
    """Make the raws and the pictures in the style."""
    scenes, table = open_scenes(data), lookup_table()
    cameras = usable_cameras(scenes.cameras)
    for kind, is_validation in (("pairs", False), ("held", True)):
        folder = out / kind
        folder.mkdir(parents=True, exist_ok=True)
        for number, at in enumerate(chosen(scenes, n_pairs, is_validation=is_validation)):
            rng = np.random.default_rng((number, is_validation))
            while (camera := random_bayer_camera(cameras, rng)).noise.shot > 5e-4 or camera.defects:
                pass
            scene = exposed(scenes.scene(at), rng.normal(0.0, 0.7))
            light = np.ascontiguousarray(scene[: scene.shape[0] // 2 * 2, : scene.shape[1] // 2 * 2])
            light = light[:LONGEST, :LONGEST]
            stem = folder / f"{number:03}_{Path(scenes.entries[at].name).stem}"
            write_raw(light, camera, 400, rng, stem.with_suffix(".dng"))
            picture = looked_up(table, finish(light))
            write_finished(picture, stem, 1 if is_validation else number)


def chosen(scenes: SceneSet, n_pairs: int, *, is_validation: bool) -> list[int]:
    """Choose scenes evenly among those of one side of the split."""
    found = scenes.split(is_validation=is_validation)
    step = max(1.0, len(found) / n_pairs)
    return [found[int(n * step)] for n in range(min(n_pairs, len(found)))]


def score(out: Path, models: list[str]) -> None:
    """Develop the held-out raws with each model and print how near they come to the style."""
    raws = sorted((out / "held").glob("*.dng"))
    for model in models:
        with tempfile.TemporaryDirectory() as place:
            command = [sys.executable, "-m", "rawtool", "develop", *map(str, raws)]
            command += ["-o", f"{place}/", "--format", "tiff", "--model", model, "-q"]
            subprocess.run(command, check=True)
            scores = [
                finishing_score(read(Path(place) / f"{raw.stem}_dev.tiff"), read(raw.with_suffix(".tif")))
                for raw in raws
            ]
        psnr, ssim, angle = (np.mean([getattr(s, n) for s in scores]) for n in ("psnr", "ssim", "angle"))
        print(f"{model}: {psnr:.2f} dB, SSIM {ssim:.4f}, {angle:.2f} degrees, {len(scores)} pictures")


def read(path: Path) -> Rgb:
    """Read a 16-bit TIFF as [0, 1]."""
    return tifffile.imread(path).astype(np.float32) / np.float32(65535.0)


def main() -> None:
    """Read the words and do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["make", "score"])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--model", action="append", default=[])
    asked = parser.parse_args()
    if asked.what == "make":
        make(asked.data, asked.out, asked.pairs)
    else:
        score(asked.out, asked.model)


if __name__ == "__main__":
    main()
