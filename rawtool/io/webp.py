"""WebP pictures, which are read only."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image

from rawtool.frames import Image
from rawtool.io.colorprofile import managed
from rawtool.io.samples import ALPHA_DROPPED


def read_webp(path: Path) -> Image:
    """Return a WebP as it is stored, its first picture if it moves; alpha is dropped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
        with PIL.Image.open(path, formats=("WEBP",)) as picture:
            is_transparent, icc = picture.mode == "RGBA", picture.info.get("icc_profile")
            pixels = np.array(picture.convert("RGB"))
    image = managed(pixels, icc)
    return replace(image, warnings=(*image.warnings, ALPHA_DROPPED)) if is_transparent else image
