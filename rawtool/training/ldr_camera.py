"""A simulated phone or camera: scene light to the JPEG that it would have written.

    light ─► blur, local tone ─► shot and read noise ─► clip ─► response curve ─► saturation ─► 8 bits ─► JPEG

1.0 is the light that just clips. The response, ranges and qualities follow the camera models of HDRCNN and
SingleHDR, widened.
"""

import io
from dataclasses import dataclass, replace

import numpy as np
import PIL.Image

from rawtool.arrays import AnyArray, Plane, Rgb, Rgb8
from rawtool.color.response import GRID, CurveBasis, Response, random_response, sigmoid_inverse
from rawtool.color.transfer import srgb_decode

LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
TONE_CELL = 32
"""Pixels of a side over which local tone mapping takes its mean."""


@dataclass(frozen=True, slots=True)
class LdrCamera:
    """What stands between light and a JPEG.

    Noise variance is shot * x + read; blur is the share that a pixel gives to each neighbour in a row; tone
    is the power by which bright areas are held back; saturation is 1 where colours are left alone;
    subsampling is Pillow's number (0: 4:4:4, 1: 4:2:2, 2: 4:2:0).
    """

    response: Response
    shot: float = 0.0
    read: float = 0.0
    blur: float = 0.0
    tone: float = 0.0
    saturation: float = 1.0
    quality: int = 95
    subsampling: int = 2


@dataclass(frozen=True, slots=True)
class Photograph:
    """What a camera made, step by step.

    exposed is the noisy light (H, W, 3) before it was clipped, encoded what its curve gave in [0, 1] before
    it was rounded, jpeg the file.
    """

    exposed: Rgb
    encoded: Rgb
    jpeg: bytes

    def codes(self) -> Rgb8:
        """Decode the JPEG."""
        with PIL.Image.open(io.BytesIO(self.jpeg)) as picture:
            return np.asarray(picture)


def random_ldr_camera(rng: np.random.Generator) -> LdrCamera:
    """Draw a camera: half of them write light as it is, the others process it mildly, as phones do."""
    camera = random_plain_camera(rng)
    if rng.random() < 0.5:
        return camera
    return replace(
        camera,
        blur=float(rng.uniform(0.0, 0.2)) if rng.random() < 0.5 else 0.0,
        tone=float(rng.uniform(0.0, 0.2)) if rng.random() < 0.3 else 0.0,
        saturation=float(rng.uniform(0.85, 1.3)),
    )


def random_plain_camera(rng: np.random.Generator, basis: CurveBasis | None = None) -> LdrCamera:
    """Draw a camera that only clips, bends and rounds; basis is what its curve may be drawn from."""
    shot = float(10 ** rng.uniform(-5.0, -3.2))
    return LdrCamera(
        random_response(rng, basis),
        shot,
        read=0.01 * shot,
        quality=int(rng.integers(70, 99)),
        subsampling=int(rng.choice([0, 1, 2, 2])),
    )


def scored_ldr_camera(rng: np.random.Generator) -> LdrCamera:
    """Draw a camera as results are scored: sRGB, power 2.2 or a sigmoid, little noise, JPEG 80 to 97."""
    family = int(rng.integers(3))
    if family == 0:
        inverse = srgb_decode(GRID)
    elif family == 1:
        inverse = GRID**2.2
    else:
        n, a = (float(np.clip(rng.normal(mean, 0.1), 0.2, 2.5)) for mean in (0.9, 0.6))
        inverse = sigmoid_inverse(GRID, n, a)
    return LdrCamera(Response(inverse), shot=1e-4, read=1e-6, quality=int(rng.integers(80, 98)))


def photograph(light: Rgb, camera: LdrCamera, rng: np.random.Generator) -> Photograph:
    """Photograph light (H, W, 3)."""
    if camera.blur:
        light = _blurred(_blurred(light, camera.blur, 0), camera.blur, 1)
    if camera.tone:
        light = light * _held_back(light, camera.tone)[..., None]
    deviation = np.sqrt(np.float32(camera.shot) * np.clip(light, 0.0, 1.0) + np.float32(camera.read))
    noise = deviation * rng.standard_normal(light.shape, dtype=np.float32)
    exposed = np.maximum(light + noise, np.float32(0.0))
    encoded = camera.response.encode(exposed)
    if camera.saturation != 1.0:
        grey = (encoded @ LUMA)[..., None]
        encoded = np.clip(grey + np.float32(camera.saturation) * (encoded - grey), 0.0, 1.0)
    return Photograph(exposed, encoded, _jpeg(encoded, camera))


def _jpeg(encoded: Rgb, camera: LdrCamera) -> bytes:
    """Round to 8 bits and compress."""
    stream = io.BytesIO()
    picture = PIL.Image.fromarray(np.rint(255.0 * encoded).astype(np.uint8))
    picture.save(stream, "JPEG", quality=camera.quality, subsampling=camera.subsampling)
    return stream.getvalue()


def _blurred(light: Rgb, share: float, axis: int) -> Rgb:
    """Give a share of every pixel to both its neighbours along an axis; the border repeats."""
    padded = np.pad(light, [(1, 1) if at == axis else (0, 0) for at in range(3)], mode="edge")
    before, after = (
        np.take(padded, range(light.shape[axis]), axis),
        np.take(padded, range(2, light.shape[axis] + 2), axis),
    )
    return np.float32(1.0 - 2.0 * share) * light + np.float32(share) * (before + after)


def _held_back(light: Rgb, power: float) -> Plane:
    """Give the factor of a mild local tone mapping, the local mean to the power of -power."""
    level = np.log(np.clip(light @ LUMA, 1e-3, 4.0))
    height, width = level.shape
    small = PIL.Image.fromarray(level).resize(
        (max(width // TONE_CELL, 1), max(height // TONE_CELL, 1)), PIL.Image.Resampling.BOX
    )
    smooth: AnyArray = np.asarray(small.resize((width, height), PIL.Image.Resampling.BILINEAR))
    return np.exp(np.float32(-power) * smooth)
