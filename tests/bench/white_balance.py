#!/usr/bin/env python3
"""Score the network's estimate of the light (``develop --wb auto``) on held-out scenes and cameras.

    python tests/bench/white_balance.py --data DATA [--model cameranet-s] [--lights 6]

Every held-out scene is seen under random lights of 2500 to 9000 K through a held-out camera. Reported is the
angle between the estimated and the true neutral, in camera RGB that is balanced for daylight; beside it grey
world, and no correction.
"""

import argparse
from pathlib import Path

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.color.matrices import XYZ_FROM_SRGB, apply_matrix
from rawtool.color.white_balance import gains_of_neutral
from rawtool.pipelines.darkroom import open_darkroom
from rawtool.pipelines.prepare import restore_condition
from rawtool.runtime.network import terms_from_thumbnail
from rawtool.sensor.cfa import RGGB
from rawtool.sensor.noise import NoiseModel
from rawtool.training.cameras import (
    HELD_OUT_CAMERAS,
    READ_PER_ISO2,
    SHOT_PER_ISO,
    balanced_from_rgb,
    neutral_under,
)
from rawtool.training.scenes import open_scenes


def main() -> None:
    """Read the words, estimate, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="cameranet-s")
    parser.add_argument("--lights", type=int, default=6)
    asked = parser.parse_args()
    scenes, network = open_scenes(asked.data), open_darkroom(asked.model).restore
    cameras = [camera for camera in scenes.cameras if camera.model in HELD_OUT_CAMERAS]
    angles: dict[str, list[float]] = {f"{asked.model}": [], "grey world": [], "no correction": []}
    for number, at in enumerate(scenes.split(is_validation=True)):
        rng = np.random.default_rng((number, 90))
        for _ in range(asked.lights):
            camera = cameras[rng.integers(len(cameras))]
            neutral = neutral_under(camera, float(np.exp(rng.uniform(np.log(2500), np.log(9000)))))
            daylight = neutral_under(camera, 6504.0)
            balanced = balanced_from_rgb(camera)
            scene = np.minimum(scenes.thumbnails[at], np.float32(1.0))
            # What the camera saw, as if it had been daylight: the network's thumbnail.
            seen = apply_matrix(np.diag(neutral / daylight) @ balanced, scene)
            iso = float(np.exp(rng.uniform(np.log(100), np.log(6400))))
            noise = NoiseModel(SHOT_PER_ISO * iso, READ_PER_ISO2 * iso**2 + 1e-10)
            condition = restore_condition(noise, gains_of_neutral(daylight), RGGB)
            xyz_from_balanced = XYZ_FROM_SRGB @ np.linalg.inv(balanced)
            terms = terms_from_thumbnail(network, apply_matrix(xyz_from_balanced, seen), condition)
            estimated = np.linalg.inv(xyz_from_balanced) @ terms.neutral.astype(np.float64)
            truth = neutral / daylight
            angles[asked.model].append(angle(estimated, truth))
            angles["grey world"].append(angle(seen.reshape(-1, 3).mean(axis=0), truth))
            angles["no correction"].append(angle(np.ones(3), truth))
    print("| estimate | mean | median | 90th percentile, degrees |\n|---|---|---|---|")
    for name, found in angles.items():
        mean, median, most = np.mean(found), np.median(found), np.percentile(found, 90)
        print(f"| {name} | {mean:.2f} | {median:.2f} | {most:.2f} |")
    print(f"\n{len(angles['grey world'])} pictures")


def angle(a: AnyArray, b: AnyArray) -> float:
    """Give the angle between two colours in degrees."""
    cosine = float(a @ b) / float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


if __name__ == "__main__":
    main()
