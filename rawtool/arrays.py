"""Names for shapes. To a type checker each is an ndarray; to the reader it is a shape.

H rows, W columns of the active area; h = H / 2, w = W / 2; C channels. The tests import jaxtyping first and
check the shapes at every call; a program that nobody checks starts without it.
"""

import sys
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Float32, Float64, Num, Shaped, UInt8, UInt16

    Counts = UInt16[np.ndarray, "H W"]
    Mosaic = Float32[np.ndarray, "H W"]
    Planes = Float32[np.ndarray, "h w 4"]
    Rgb = Float32[np.ndarray, "H W 3"]
    Layers = Float32[np.ndarray, "H W C"]
    Plane = Float32[np.ndarray, "H W"]
    Rgb8 = UInt8[np.ndarray, "H W 3"]
    Rgb16 = UInt16[np.ndarray, "H W 3"]
    GainCodes = UInt8[np.ndarray, "h w"] | UInt8[np.ndarray, "h w 3"]
    Matrix3 = Float64[np.ndarray, "3 3"]
    Vector3 = Float64[np.ndarray, "3"]
    Vector = Float32[np.ndarray, "V"]
    Samples = Num[np.ndarray, "H W"] | Num[np.ndarray, "H W 3"]
    AnyArray = Shaped[np.ndarray, "..."]
else:
    Counts = Mosaic = Planes = Rgb = Layers = Plane = Rgb8 = Rgb16 = GainCodes = np.ndarray
    Matrix3 = Vector3 = Vector = Samples = AnyArray = np.ndarray


def lies_in_planes(picture: AnyArray) -> bool:
    """Tell whether a picture (H, W, C) lies in memory plane by plane, as networks take and give it."""
    return picture.ndim == 3 and picture.strides[1] == picture.itemsize and picture.shape[2] > 1
