"""Radiance pictures: three mantissas of 8 bits with one exponent. Source: Radiance, "picture file format".

Mantissas are rounded, which is unbiased for the readers that take them as they stand (OpenCV, stb,
OpenImageIO, imagecodecs); Radiance's own adds half a step. Scan lines are flat: every reader knows them, and
no first pixel can be taken for the mark of a packed line, since its largest mantissa is 128 at least.
"""

import re
from pathlib import Path

import imagecodecs
import numpy as np

from rawtool.arrays import AnyArray
from rawtool.frames import Image, Provenance
from rawtool.io.primaries import Chromaticities, nearest_profile
from rawtool.vocabulary import Space

_ROWS = 256
_LEAST, _MOST, _MOST_MANTISSA = 1e-38, 1.6e38, 255
_LONGEST_LINE = 100
_PRIMARIES = re.compile(rb"^PRIMARIES=\s*((?:[-+.\deE]+\s+){7}[-+.\deE]+)\s*$", re.MULTILINE)


def write_radiance(image: Image, path: Path, *, chromaticities: Chromaticities | None) -> None:
    """Write scene-linear light (H, W, 3) or grey (H, W); negative light becomes 0.

    What each pixel keeps is 8 bits of its brightest channel: up to 0.4 % of it.
    """
    height, width = image.pixels.shape[:2]
    with path.open("wb") as stream:
        stream.write(_header(image, chromaticities) + f"-Y {height} +X {width}\n".encode())
        for top in range(0, height, _ROWS):
            stream.write(_rgbe(image.pixels[top : top + _ROWS]).tobytes())


def read_radiance(path: Path) -> Image:
    """Return a Radiance picture: scene-linear, in the named space nearest to the primaries that it states."""
    content = path.read_bytes()
    stated = _PRIMARIES.search(content.partition(b"\n\n")[0])
    primaries = None if stated is None else tuple(float(number) for number in stated[1].split())
    pixels = np.asarray(imagecodecs.rgbe_decode(content), np.float32)
    return Image(pixels, Space.SCENE_LINEAR, nearest_profile(primaries))


def _header(image: Image, chromaticities: Chromaticities | None) -> bytes:
    """Return the header; FORMAT is its last line, as some readers want it."""
    lines = ["#?RADIANCE", *_makers(image.provenance)]
    if image.white_nits is not None:
        lines.append(f"# 1.0 is {image.white_nits:g} cd/m2")
    if chromaticities is not None:
        lines.append("PRIMARIES=" + " ".join(f"{value:g}" for value in chromaticities))
    lines += ["FORMAT=32-bit_rle_rgbe", "", ""]
    return "\n".join(lines).encode("ascii", "replace")


def _makers(provenance: Provenance | None) -> list[str]:
    """Return who made the picture, in lines short enough for every reader."""
    if provenance is None:
        return []
    models = (f"# {name[:24]} sha256:{digest}" for name, digest in provenance.models)
    return [f"SOFTWARE={provenance.software}"[:_LONGEST_LINE], *models]


def _rgbe(pixels: AnyArray) -> AnyArray:
    """Return (H, W, 4) mantissas and exponent of light."""
    light = np.broadcast_to(pixels[..., None], (*pixels.shape, 3)) if pixels.ndim == 2 else pixels
    light = np.clip(light.astype(np.float32), 0, _MOST)
    largest = light.max(axis=2)
    exponents = np.frexp(largest)[1]
    exponents += np.rint(np.ldexp(largest, 8 - exponents)) > _MOST_MANTISSA
    rgbe = np.empty((*largest.shape, 4), np.uint8)
    rgbe[..., :3] = np.rint(np.ldexp(light, 8 - exponents[..., None]))
    rgbe[..., 3] = np.clip(exponents + 128, 0, 255)
    rgbe[largest < _LEAST] = 0
    return rgbe
