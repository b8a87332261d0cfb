"""Make a picture smaller to fit; never larger."""

import numpy as np
from PIL import Image as Pillow

from rawtool.arrays import AnyArray
from rawtool.errors import UsageError


def resized(pixels: AnyArray, wanted: str | None) -> AnyArray:
    """Shrink (H, W, 3) to fit ``WxH``, ``N%`` or a longest side, by Lanczos, in the values it has.

    None, and sizes larger than the picture, leave it alone.

    Raises:
        UsageError: the words are none of these.
    """
    if wanted is None:
        return pixels
    height, width = pixels.shape[:2]
    share = min(1.0, _share(wanted, height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    if size == (width, height):
        return pixels
    planes = [_plane(np.ascontiguousarray(pixels[..., c]), size) for c in range(3)]
    return np.stack(planes, axis=2).astype(pixels.dtype)


def _plane(plane: AnyArray, size: tuple[int, int]) -> AnyArray:
    """Shrink one channel in float32; whole numbers are rounded and kept in their range."""
    small = np.asarray(Pillow.fromarray(plane.astype(np.float32)).resize(size, Pillow.Resampling.LANCZOS))
    if plane.dtype.kind == "f":
        return small
    return np.rint(np.clip(small, 0, np.iinfo(plane.dtype).max))


def _share(wanted: str, height: int, width: int) -> float:
    """Give the scale that makes the picture fit."""
    mistake = f"--size {wanted} is not WxH, N% or a longest side in pixels"
    try:
        sizes = [float(part) for part in wanted.removesuffix("%").split("x")]
    except ValueError as error:
        raise UsageError(mistake) from error
    if not all(0 < size < np.inf for size in sizes) or len(sizes) > (1 if wanted.endswith("%") else 2):
        raise UsageError(mistake)
    if wanted.endswith("%"):
        return sizes[0] / 100.0
    return min(sizes[0] / width, sizes[1] / height) if len(sizes) == 2 else sizes[0] / max(height, width)
