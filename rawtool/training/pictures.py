"""Any picture as scene-linear Rec.709 light, for the scene shards."""

from pathlib import Path

import numpy as np

from rawtool.arrays import Rgb
from rawtool.color.transfer import srgb_decode
from rawtool.io.image import read_image
from rawtool.vocabulary import Space


def read_linear(path: Path) -> Rgb:
    """Read a picture as linear light (H, W, 3); display-encoded ones are taken as sRGB.

    Raises:
        InputError: it cannot be read.
    """
    image = read_image(path)
    pixels = image.as_float()
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    return pixels if image.space is Space.SCENE_LINEAR else srgb_decode(pixels)
