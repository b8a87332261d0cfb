"""Raw frames of scenes with a known truth, taken by the simulated camera."""

from dataclasses import replace

import numpy as np

from rawtool.arrays import Rgb
from rawtool.color.matrices import XYZ_FROM_SRGB, xyz_from_balanced
from rawtool.frames import Capture, Cfa, Illuminated, RawFrame
from rawtool.sensor.camera import SimulatedCamera, expose
from rawtool.sensor.cfa import QUAD_RGGB, RGGB, XTRANS
from rawtool.sensor.noise import NoiseModel
from rawtool.vocabulary import SensorKind

# A full-frame camera under A and D65.
WARM = np.array([[0.8924, -0.3010, -0.0290], [-0.5300, 1.3250, 0.2280], [-0.0730, 0.1540, 0.6290]])
COOL = np.array([[0.7188, -0.1641, -0.0781], [-0.5400, 1.3530, 0.2060], [-0.1020, 0.1940, 0.6240]])
MATRICES = (Illuminated(2856.0, WARM), Illuminated(6504.0, COOL))
# Tungsten light: little blue.
NEUTRAL = np.array([0.74, 1.0, 0.36])
KINDS = {
    "Bayer": (SensorKind.BAYER, RGGB),
    "X-Trans": (SensorKind.XTRANS, XTRANS),
    "Quad Bayer": (SensorKind.QUAD_BAYER, QUAD_RGGB),
    "LinearRaw": (SensorKind.LINEAR, None),
    "monochrome": (SensorKind.MONOCHROME, None),
}


def capture(neutral: np.ndarray | None = NEUTRAL, **changes: object) -> Capture:
    """What the camera writes beside the picture."""
    known = Capture("Acme", "Box 1", neutral, MATRICES, iso=200.0, exposure_s=0.004, f_number=2.8)
    return replace(known, **changes)


def camera(kind: str = "Bayer", neutral: np.ndarray = NEUTRAL, noise: NoiseModel = NoiseModel(0.0, 0.0)):
    """A camera that sees scenes as MATRICES say it does."""
    balanced_from_rgb = np.linalg.inv(xyz_from_balanced(MATRICES, neutral)) @ XYZ_FROM_SRGB
    return SimulatedCamera(balanced_from_rgb, neutral / neutral.max(), noise, KINDS[kind][1])


def photograph(
    scene: Rgb,
    kind: str = "Bayer",
    *,
    cfa: Cfa | None = None,
    noise: NoiseModel = NoiseModel(0.0, 0.0),
    neutral: np.ndarray = NEUTRAL,
    **changes: object,
) -> RawFrame:
    """Take a picture of a scene (H, W, 3): linear Rec.709, 1 saturates the most sensitive channel."""
    box = camera(kind, neutral, noise)
    box = replace(box, cfa=cfa or box.cfa)
    counts = expose(scene, box, np.random.default_rng(3))
    if kind == "monochrome":
        counts = np.ascontiguousarray(counts[..., 1])
    n_sites = len(box.cfa.cell) * len(box.cfa.cell[0]) if box.cfa else counts[0, 0].size
    frame = RawFrame(
        counts,
        KINDS[kind][0],
        box.cfa,
        (float(box.black_level),) * n_sites,
        float(box.white_level),
        (0, 0, *counts.shape[:2]),
        capture(neutral),
    )
    return replace(frame, **changes)
