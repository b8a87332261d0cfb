"""ICC profiles that are none of the named spaces, as littleCMS makes them."""

import imagecodecs
import numpy as np

# x, y of red, green, blue and white, and the power of the curve.
PROPHOTO = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), (0.3457, 0.3585), 1.8)
P3_SCREEN = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.3127, 0.3290), 2.2)
SRGB_22 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290), 2.2)

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def icc_with(stated):
    *primaries, white, power = stated
    flat = [value for x, y in primaries for value in (x, y, 1.0)]
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=(*white, 1.0), primaries=flat, gamma=power))


def grey_icc(power):
    return bytes(imagecodecs.cms_profile("gray", whitepoint=(0.3457, 0.3585, 1.0), gamma=power))


def d50_from(stated):
    """Linear RGB to XYZ D50, computed from the primaries: what a matrix profile holds."""
    *primaries, white, _ = stated

    def xyz(xy):
        return np.array([xy[0] / xy[1], 1.0, (1 - xy[0] - xy[1]) / xy[1]])

    columns = np.column_stack([xyz(xy) for xy in primaries])
    from_rgb = columns * np.linalg.solve(columns, xyz(white))
    scale = (_BRADFORD @ [0.96422, 1.0, 0.82521]) / (_BRADFORD @ xyz(white))
    return np.linalg.inv(_BRADFORD) @ np.diag(scale) @ _BRADFORD @ from_rgb
