"""Pictures are (H, W, C), networks want (1, C, H, W). The only place that knows what networks want.

A picture that lies in memory plane by plane (``arrays.lies_in_planes``) gets there without being turned.
"""

import numpy as np

from rawtool.arrays import AnyArray


def network_from_picture(picture: AnyArray) -> AnyArray:
    """(H, W, C) to contiguous float32 (1, C, H, W)."""
    return np.ascontiguousarray(np.moveaxis(picture, 2, 0)[None], dtype=np.float32)


def picture_from_network(tensor: AnyArray) -> AnyArray:
    """(1, C, H, W) to (H, W, C), a view."""
    return np.moveaxis(tensor[0], 0, 2)


def network_from_vector(vector: AnyArray) -> AnyArray:
    """(V,) to contiguous float32 (1, V)."""
    return np.ascontiguousarray(vector[None], dtype=np.float32)
