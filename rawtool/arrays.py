"""Names for shapes. To a type checker each is an ndarray; to the reader it is a shape.

H rows, W columns of the active area; h = H / 2, w = W / 2; C channels.
"""

import numpy as np
from jaxtyping import Float32, Float64, Num, Shaped, UInt8, UInt16

Counts = UInt16[np.ndarray, "H W"]
Mosaic = Float32[np.ndarray, "H W"]
Planes = Float32[np.ndarray, "h w 4"]
Rgb = Float32[np.ndarray, "H W 3"]
Layers = Float32[np.ndarray, "H W C"]
Plane = Float32[np.ndarray, "H W"]
Rgb8 = UInt8[np.ndarray, "H W 3"]
Rgb16 = UInt16[np.ndarray, "H W 3"]
Matrix3 = Float64[np.ndarray, "3 3"]
Vector3 = Float64[np.ndarray, "3"]
Vector = Float32[np.ndarray, "V"]
Samples = Num[np.ndarray, "H W"] | Num[np.ndarray, "H W 3"]
AnyArray = Shaped[np.ndarray, "..."]
