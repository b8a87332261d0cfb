#!/usr/bin/env python3
"""Score the restoration of every kind of sensor on held-out scenes.

    python tests/bench/sensors.py --data DATA [--model cameranet-s] [--scenes N]

The rules are those of ``rawtool train eval``: held-out panoramas, held-out cameras, DNGs that are read as any
file is; beside each row the initial interpolation alone, and LibRaw (its best interpolation for that sensor)
where it opens the file. A monochrome sensor is held against the luminance of the scene.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from rawtool.arrays import Rgb
from rawtool.errors import RawtoolError
from rawtool.io.librawrender import render_linear
from rawtool.metrics.fidelity import Score, restoration_score
from rawtool.pipelines.darkroom import Darkroom, open_darkroom
from rawtool.sensor.cfa import QUAD_RGGB, RGGB, XTRANS
from rawtool.training.cameras import validation_camera
from rawtool.training.data import grey
from rawtool.training.evaluation import Truth, developed_light, truths, write_raw
from rawtool.training.scenes import CameraFacts, open_scenes
from rawtool.vocabulary import SensorKind

SENSORS = {
    "Bayer": (SensorKind.BAYER, RGGB),
    "X-Trans": (SensorKind.XTRANS, XTRANS),
    "Quad Bayer": (SensorKind.QUAD_BAYER, QUAD_RGGB),
    "LinearRaw": (SensorKind.LINEAR, None),
    "monochrome": (SensorKind.MONOCHROME, None),
}
ISOS = (100, 1600, 12800)


def main() -> None:
    """Read the words, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="cameranet-s")
    parser.add_argument("--scenes", type=int)
    asked = parser.parse_args()
    scenes, darkroom = open_scenes(asked.data), open_darkroom(asked.model)
    for sensor in SENSORS:
        for iso in ISOS:
            scores: dict[str, list[Score]] = {}
            for truth in truths(scenes, asked.scenes):
                for method, score in judged(truth, scenes.cameras, sensor, iso, darkroom):
                    scores.setdefault(method, []).append(score)
            for method, found in scores.items():
                print(f"{sensor:12} ISO {iso:<6} {method:22} {said(found)}", flush=True)


def said(scores: list[Score]) -> str:
    """Say the mean of scores."""
    psnr, ssim, angle = np.mean([(s.psnr, s.ssim, s.angle) for s in scores], axis=0)
    return f"{psnr:6.2f} dB  {ssim:.4f}  {angle:5.2f} degrees  {len(scores)} scenes"


def judged(
    truth: Truth, cameras: tuple[CameraFacts, ...], sensor: str, iso: int, darkroom: Darkroom
) -> Iterator[tuple[str, Score]]:
    """Photograph a scene with a sensor and score what becomes of it."""
    kind, cfa = SENSORS[sensor]
    camera = replace(validation_camera(cameras, truth.number, iso), cfa=cfa)
    light = truth.light
    if kind is SensorKind.MONOCHROME:
        light = grey(light)
        ones = np.ones(3)
        camera = replace(camera, balanced_from_rgb=np.eye(3), neutral=ones, is_monochrome=True)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "a.dng"
        write_raw(light, camera, iso, np.random.default_rng(iso), path)
        restored, initial = developed_light(path, darkroom)
        yield f"rawtool {darkroom.model.label}", restoration_score(restored[: len(light)], light)
        yield "initial interpolation", restoration_score(initial[: len(light)], light)
        if kind is SensorKind.QUAD_BAYER:
            return
        try:
            yield "LibRaw", restoration_score(same_size(render_linear(path), light), light)
        except RawtoolError as error:
            print(f"LibRaw: {error}")


def same_size(rendered: Rgb, light: Rgb) -> Rgb:
    """Give three channels to what has one."""
    return np.broadcast_to(rendered, light.shape).copy() if rendered.shape[2:] == (1,) else rendered


if __name__ == "__main__":
    main()
