#!/usr/bin/env python3
"""Lay what rawtool makes beside what other raw converters make, on sheets to look at.

    python tests/bench/sheets.py raws SHEET.png FILE...            camera files
    python tests/bench/sheets.py scenes SHEET.png --data DATA      twenty held-out scenes, with the truth
    python tests/bench/sheets.py noise SHEET.png --data DATA       one scene, ISO 100 to 51200, details
    python tests/bench/sheets.py highlights SHEET.png --data DATA  scenes exposed two stops over

Every program runs with its defaults (RawTherapee with its auto-matched curve, darktable with its tone
mapper).
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
from peers import PEERS, Peer, export

from rawtool.arrays import AnyArray, Rgb
from rawtool.color.tone import finish
from rawtool.io.image import read_image
from rawtool.sensor.noise import NoiseModel
from rawtool.training.cameras import READ_PER_ISO2, SHOT_PER_ISO, validation_camera
from rawtool.training.data import exposed
from rawtool.training.evaluation import FINISHING, write_raw
from rawtool.training.scenes import SceneSet, open_scenes

CAPTION = 14
Cell = tuple[str, Rgb]


def rows_of_raws(files: list[Path], model: str, place: Path) -> Iterator[list[Cell]]:
    """Develop camera files with every program."""
    for path in files:
        yield [(f"{path.stem}: {name}", picture) for name, picture in developed(path, model, place)]


def rows_of_scenes(scenes: SceneSet, model: str, place: Path, n: int) -> Iterator[list[Cell]]:
    """Photograph held-out scenes at ISO 400 and develop them; the truth stands last."""
    for number, at in enumerate(scenes.split(is_validation=True)[:n]):
        light = exposed(scenes.scene(at), (0.0, -1.5, 0.8)[number % 3])
        path = place / f"scene{number}.dng"
        photograph(light, scenes, number, 400, path)
        made = [(f"{number}: {name}", picture) for name, picture in developed(path, model, place)]
        yield [*made, (f"{number}: truth", finish(light))]


def rows_of_noise(scenes: SceneSet, model: str, place: Path, side: int = 240) -> Iterator[list[Cell]]:
    """Photograph one scene at rising sensitivities; details at full size."""
    light = exposed(scenes.scene(scenes.split(is_validation=True)[2]), 0.0)
    top, left = light.shape[0] // 2 - side // 2, light.shape[1] // 2 - side // 2
    for iso in (100, 800, 3200, 12800, 51200):
        path = place / f"iso{iso}.dng"
        photograph(light, scenes, 0, iso, path)
        made = [*developed(path, model, place), ("truth", finish(light))]
        yield [(f"ISO {iso}: {name}", p[top : top + side, left : left + side]) for name, p in made]


def rows_of_highlights(scenes: SceneSet, model: str, place: Path) -> Iterator[list[Cell]]:
    """Photograph scenes two stops over: what becomes of clipped channels under warm and cold light."""
    for number, at in enumerate(scenes.split(is_validation=True)[:8]):
        light = exposed(scenes.scene(at), 2.0)
        path = place / f"over{number}.dng"
        photograph(light, scenes, number, 100, path)
        yield [(f"{number}: {name}", picture) for name, picture in developed(path, model, place)]


def photograph(light: Rgb, scenes: SceneSet, number: int, iso: int, path: Path) -> None:
    """Write a DNG of a scene through a held-out camera."""
    camera = validation_camera(scenes.cameras, number, 100)
    camera = replace(camera, noise=NoiseModel(SHOT_PER_ISO * iso, READ_PER_ISO2 * iso**2 + 1e-10))
    write_raw(light, camera, iso, np.random.default_rng(number), path)


def developed(path: Path, model: str, place: Path) -> Iterator[Cell]:
    """Develop one raw with rawtool and with every program that is installed."""
    target = place / "ours.tiff"
    command = [
        sys.executable,
        "-m",
        "rawtool",
        "develop",
        str(path),
        str(target),
        "-f",
        "-q",
        "--model",
        model,
    ]
    subprocess.run(command, check=True)
    yield "rawtool", read_image(target).as_float()
    for peer in PEERS:
        if peer.task == FINISHING:
            yield peer.name, _exported(peer, path, place)


def _exported(peer: Peer, path: Path, place: Path) -> Rgb:
    try:
        return export(peer, path, place / "theirs.tif")
    except (SystemExit, FileNotFoundError) as error:
        print(f"{peer.name}: {error}", file=sys.stderr)
        return np.zeros((8, 8, 3), np.float32)


def sheet(rows: Iterator[list[Cell]], width: int) -> PIL.Image.Image:
    """Lay rows of pictures out, each reduced to a width, with a caption over each."""
    drawn = [[(caption, _small(picture, width)) for caption, picture in row] for row in rows]
    heights = [max(picture.height for _, picture in row) + CAPTION for row in drawn]
    size = ((width + 4) * max(map(len, drawn)), sum(heights) + 4 * len(drawn))
    page = PIL.Image.new("RGB", size, "white")
    draw, top = PIL.ImageDraw.Draw(page), 0
    for row, height in zip(drawn, heights, strict=True):
        for column, (caption, picture) in enumerate(row):
            draw.text((column * (width + 4), top), caption, fill="black")
            page.paste(picture, (column * (width + 4), top + CAPTION))
        top += height + 4
    return page


def _small(picture: AnyArray, width: int) -> PIL.Image.Image:
    image = PIL.Image.fromarray(np.rint(np.clip(picture, 0.0, 1.0) * 255).astype(np.uint8))
    if image.width <= width:
        return image
    return image.resize((width, round(image.height * width / image.width)), PIL.Image.Resampling.LANCZOS)


def main() -> None:
    """Read the words, develop, write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["raws", "scenes", "noise", "highlights"])
    parser.add_argument("sheet", type=Path)
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", default="cameranet-s")
    parser.add_argument("--scenes", type=int, default=20)
    parser.add_argument("--width", type=int, default=480)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        if asked.what == "raws":
            rows = rows_of_raws(asked.files, asked.model, place)
        elif asked.what == "scenes":
            rows = rows_of_scenes(open_scenes(asked.data), asked.model, place, asked.scenes)
        elif asked.what == "noise":
            rows = rows_of_noise(open_scenes(asked.data), asked.model, place)
        else:
            rows = rows_of_highlights(open_scenes(asked.data), asked.model, place)
        sheet(rows, asked.width).save(asked.sheet)


if __name__ == "__main__":
    main()
