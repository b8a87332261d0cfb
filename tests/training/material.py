"""A small folder of scenes, made as a user makes one: from pictures on disk."""

import csv
from pathlib import Path

import numpy as np
import PIL.Image

from rawtool.color.transfer import quantise, srgb_encode
from rawtool.training.scenes import prepare_scenes

# XYZ (D65) to camera of the Nikon D700, whose model is held out of training.
D700 = (0.8139, -0.2171, -0.0663, -0.8747, 1.6541, 0.2295, -0.1925, 0.2008, 0.8093)
# The hash of their first letters puts the first two on the side of validation, the third on the other.
NAMES = ("nut_1", "zebra_1", "quarry_1")
HEIGHT, WIDTH = 128, 160


def painted(seed, height=HEIGHT, width=WIDTH):
    """A gradient with coloured, textured squares: scene-linear (H, W, 3) in [0, 0.9]."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    light = np.stack([x / width, y / height, 1 - x / width], axis=2) * np.float32(0.5) + np.float32(0.1)
    squares = random.uniform(0.4, 1.4, (height // 16, width // 16, 3)).astype(np.float32)
    texture = 1 + 0.2 * np.sin(x * 1.1)[..., None] * np.sin(y * 0.7)[..., None]
    light = light * np.kron(squares, np.ones((16, 16, 1), np.float32)) * texture.astype(np.float32)
    return np.clip(light, 0.0, 0.9).astype(np.float32)


def write_cameras(path: Path) -> None:
    cells = [f"{i}{j}" for i in "123" for j in "123"]
    row = {"make": "Nikon", "model": "D700", "a_11": ""}
    row |= {f"d65_{cell}": value for cell, value in zip(cells, D700, strict=True)}
    with path.open("w", encoding="utf-8", newline="") as lines:
        table = csv.DictWriter(lines, row)
        table.writeheader()
        table.writerow(row)


def make_scenes(folder: Path, names=NAMES):
    """Paint, write and prepare scenes; their shards lie in ``folder/data``."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    for seed, name in enumerate(names):
        PIL.Image.fromarray(quantise(srgb_encode(painted(seed)), 8)).save(pictures / f"{name}.png")
    write_cameras(pictures / "cameras.csv")
    return prepare_scenes([pictures], folder / "data")


def write_png(path: Path, light) -> None:
    """Write light (H, W, 3) as an 8-bit sRGB picture."""
    PIL.Image.fromarray(quantise(srgb_encode(light), 8)).save(path)


def write_radiance(path: Path, light) -> None:
    """Write light (H, W, 3) as an uncompressed Radiance picture. Source: Ward, "Real Pixels", 1991."""
    height, width, _ = light.shape
    mantissa, exponent = np.frexp(np.maximum(light.max(axis=2), 1e-20))
    scale = (mantissa * 256.0 / np.maximum(light.max(axis=2), 1e-20))[..., None]
    codes = np.concatenate([light * scale, (exponent + 128)[..., None]], axis=2).astype(np.uint8)
    head = f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n"
    path.write_bytes(head.encode() + codes.tobytes())


def write_table(path: Path, rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        table = csv.DictWriter(lines, rows[0])
        table.writeheader()
        table.writerows(rows)
