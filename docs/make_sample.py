"""Make docs/sample.dng: a painted valley at dusk, photographed by the project's own simulated camera.

    python docs/make_sample.py docs/sample.dng

The scene is computed, so it is the project's own; ISO 800 noise, 14 bits, RGGB.
"""

import sys
from pathlib import Path

import numpy as np

from rawtool.arrays import AnyArray, Plane, Rgb
from rawtool.color.matrices import D65_WHITE, XYZ_FROM_SRGB
from rawtool.frames import Capture, Illuminated, Provenance, RawFrame
from rawtool.io.dng import write_dng
from rawtool.sensor.camera import SimulatedCamera, expose
from rawtool.sensor.cfa import RGGB
from rawtool.sensor.noise import NoiseModel
from rawtool.vocabulary import SensorKind

HEIGHT, WIDTH = 704, 1056
CANON_5D_MARK_II = np.array([[0.4716, 0.0603, -0.0830], [-0.7798, 1.5474, 0.2480], [-0.1496, 0.1937, 0.6651]])
"""XYZ (D65) to camera, as the camera's DNG files state it."""
ISO_800 = NoiseModel(1.35e-4, 1.6e-7)


def fractal(shape: tuple[int, int], rng: np.random.Generator, slope: float) -> Plane:
    """Draw noise whose spectrum falls as frequency to the -slope, mean 0, standard deviation 1."""
    rows, columns = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = 1.0
    spectrum = rng.standard_normal(frequency.shape) + 1j * rng.standard_normal(frequency.shape)
    field = np.fft.irfft2(spectrum * frequency**-slope, shape)
    return ((field - field.mean()) / field.std()).astype(np.float32)


def paint_valley(rng: np.random.Generator) -> Rgb:
    """Paint a sky with the sun, ridges behind each other, a lake and a row of coloured huts."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32) / HEIGHT
    scene = paint_sky(y, x, rng)
    for depth in range(5):
        line = 0.38 + 0.07 * depth + (0.10 - 0.012 * depth) * ridge_line(rng)
        texture = 1.0 + 0.35 * fractal((HEIGHT, WIDTH), rng, 0.9)
        near = depth / 4.0
        color = np.array([0.10 + 0.10 * (1 - near), 0.13 + 0.08 * (1 - near), 0.09 + 0.20 * (1 - near)])
        ridge = color * np.maximum(texture, 0.15)[..., None] * (0.35 + 0.65 * near)
        scene = np.where((y > line)[..., None], ridge, scene)
    scene = paint_lake(scene, rng)
    return np.clip(paint_huts(scene), 0.0, 1.6).astype(np.float32)


def ridge_line(rng: np.random.Generator) -> AnyArray:
    """Draw the height of a ridge along the columns, about -1 to 1, as one row."""
    return fractal((8, WIDTH), rng, 1.6)[:1] * 0.6


def paint_sky(y: Plane, x: Plane, rng: np.random.Generator) -> Rgb:
    """Paint a gradient from blue to orange, clouds, and a sun far above white."""
    height = np.clip(y / 0.55, 0, 1)[..., None]
    sky = (1 - height) * np.array([0.10, 0.20, 0.45]) + height * np.array([0.95, 0.55, 0.28])
    clouds = np.clip(fractal((HEIGHT, WIDTH), rng, 1.7) - 0.4, 0, 2)[..., None]
    sky = sky + clouds * np.array([0.16, 0.11, 0.09])
    sun = np.exp(-((x - 1.02) ** 2 + (y - 0.30) ** 2) / 0.0011)[..., None]
    return sky + sun * np.array([14.0, 11.0, 7.0])


def paint_lake(scene: Rgb, rng: np.random.Generator) -> Rgb:
    """Mirror the scene in the lower quarter, with ripples that grow towards the front."""
    shore = int(0.78 * HEIGHT)
    rows = np.arange(shore, HEIGHT)
    ripple = fractal((HEIGHT - shore, WIDTH), rng, 1.1) * (2.0 + 0.06 * (rows - shore))[:, None]
    source = np.clip(2 * shore - rows[:, None] + ripple.astype(int), 0, shore - 1)
    lake = scene[source, np.arange(WIDTH)[None, :]] * np.array([0.55, 0.62, 0.70])
    return np.concatenate([scene[:shore], lake])


def paint_huts(scene: Rgb) -> Rgb:
    """Set huts in strong colours on the shore, with a white stripe, a dark door and fine slats."""
    paints = (
        (0.45, 0.05, 0.04),
        (0.05, 0.14, 0.40),
        (0.62, 0.42, 0.05),
        (0.06, 0.28, 0.12),
        (0.50, 0.50, 0.48),
    )
    scene = scene.copy()
    base = int(0.79 * HEIGHT)
    for number, paint in enumerate(paints):
        left = 90 + number * 190
        wall = np.broadcast_to(np.array(paint), (70, 110, 3)).copy()
        wall[:, ::4] *= 0.55
        wall[20:24] = (0.8, 0.8, 0.78)
        wall[30:, 46:66] = (0.02, 0.02, 0.025)
        scene[base - 70 : base, left : left + 110] = wall
        for row in range(34):
            half = 60 * row // 34
            scene[base - 104 + row, left + 55 - half : left + 55 + half] = np.array(paint) * 0.4 + 0.02
    return scene


def main(target: Path) -> None:
    """Photograph the valley and write it as a DNG."""
    rng = np.random.default_rng(20201120)
    balanced_from_rgb = CANON_5D_MARK_II @ XYZ_FROM_SRGB
    balanced_from_rgb /= balanced_from_rgb.sum(axis=1, keepdims=True)
    neutral = CANON_5D_MARK_II @ D65_WHITE
    camera = SimulatedCamera(balanced_from_rgb, neutral / neutral.max(), ISO_800, RGGB)
    counts = expose(paint_valley(rng) * np.float32(0.7), camera, rng)
    capture = Capture(
        make="rawtool",
        model="Simulated Camera",
        as_shot_neutral=neutral / neutral[1],
        matrices=(Illuminated(6504.0, CANON_5D_MARK_II),),
        iso=800.0,
        exposure_s=1 / 60,
        f_number=4.0,
        focal_length_mm=35.0,
    )
    frame = RawFrame(
        counts, SensorKind.BAYER, RGGB, (512.0,) * 4, 15871.0, (8, 8, HEIGHT - 16, WIDTH - 16), capture
    )
    write_dng(frame, target, provenance=Provenance("rawtool docs/make_sample.py"), overwrite=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
