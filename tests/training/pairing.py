"""Raws beside finished pictures, as a photographer has them."""

from dataclasses import replace

import numpy as np
import PIL.Image

from rawtool.color.transfer import quantise, srgb_encode
from rawtool.io.dng import write_dng
from tests import raws

HEIGHT, WIDTH = 160, 224
MARGIN = (6, 10)
CROP = (*MARGIN, HEIGHT, WIDTH)


def scene(seed=1):
    """Soft blobs of light: the untrained restoration, which only interpolates, is near to it."""
    random = np.random.default_rng(seed)
    height, width = HEIGHT + 2 * MARGIN[0], WIDTH + 2 * MARGIN[1]
    light = np.zeros((height, width, 3), np.float32)
    for step in (5, 11, 32):
        small = random.random((3, height // step + 2, width // step + 2)).astype(np.float32)
        planes = [PIL.Image.fromarray(p).resize((width, height), PIL.Image.Resampling.BICUBIC) for p in small]
        light += np.stack([np.asarray(plane) for plane in planes], axis=2)
    return np.clip(0.05 + 0.8 * (light / 3) ** 2, 0.0, 0.95)


def shown(seed=1):
    light = scene(seed)
    return light[MARGIN[0] : MARGIN[0] + HEIGHT, MARGIN[1] : MARGIN[1] + WIDTH]


def write_raw(path, seed=1, orientation=1):
    frame = raws.photograph(scene(seed), crop=CROP)
    write_dng(replace(frame, capture=replace(frame.capture, orientation=orientation)), path)


def write_finished(path, picture, **options):
    PIL.Image.fromarray(quantise(np.ascontiguousarray(picture), 8)).save(path, quality=98, **options)


def make_studio(folder):
    """Three good pairs, another picture under the name of a raw, a damaged raw, and a cropped picture."""
    folder.mkdir()
    for number in range(3):
        write_raw(folder / f"good{number}.dng", number)
        write_finished(folder / f"good{number}.jpg", srgb_encode(shown(number)) ** 2)
    write_raw(folder / "wrong.dng", 5)
    write_finished(folder / "wrong.jpg", srgb_encode(shown(6)))
    (folder / "broken.dng").write_bytes(b"II*\0")
    write_finished(folder / "broken.jpg", srgb_encode(shown()))
    write_raw(folder / "cut.dng", 7)
    write_finished(folder / "cut.jpg", srgb_encode(shown(7))[:, : WIDTH // 2])
    return folder
