"""LibRaw's own renderings of a raw: what a user would get instead, for the tables of scores."""

from pathlib import Path

import numpy as np
import rawpy

from rawtool.arrays import AnyArray, Rgb, Rgb8
from rawtool.errors import CorruptFileError, UnsupportedRawError
from rawtool.io.libraw import ERRORS, translated

_WHITE = np.float32(1.0 / 65535.0)


def render_linear(
    path: Path, algorithm: str = "AHD", *, is_denoised: bool = False, n_medians: int = 0
) -> Rgb:
    """Demosaic a raw as LibRaw does: scene-linear (H, W, 3) in [0, 1], Rec.709 primaries, as-shot balance.

    algorithm is a name of LibRaw's (AHD, DHT, ...); is_denoised switches FBDD on in full before it,
    n_medians is the number of median passes over the colour differences after it. White is the
    file's own white level, nothing is brightened.

    Raises:
        UnsupportedRawError: this build of LibRaw lacks the algorithm.
        InputError: the raw cannot be used.
    """
    kinds = rawpy.DemosaicAlgorithm.__members__
    if algorithm not in kinds or not kinds[algorithm].isSupported:
        raise UnsupportedRawError(f"this LibRaw has no demosaicking {algorithm}; take AHD")
    denoising = rawpy.FBDDNoiseReductionMode
    codes = _rendered(
        path,
        rawpy.Params(
            demosaic_algorithm=kinds[algorithm],
            fbdd_noise_reduction=denoising.Full if is_denoised else denoising.Off,
            median_filter_passes=n_medians,
            output_color=rawpy.ColorSpace.sRGB,
            gamma=(1, 1),
            no_auto_bright=True,
            adjust_maximum_thr=0.0,
            use_camera_wb=True,
            output_bps=16,
        ),
    )
    return codes.astype(np.float32) * _WHITE


def render_default(path: Path) -> Rgb8:
    """Render a raw as ``dcraw -w`` does: automatic brightness, 8 bits, (H, W, 3) in sRGB primaries.

    Raises:
        InputError: the raw cannot be used.
    """
    return _rendered(path, rawpy.Params(use_camera_wb=True))


def _rendered(path: Path, params: rawpy.Params) -> AnyArray:
    """Let LibRaw render; its errors leave in our words."""
    try:
        with rawpy.imread(str(path)) as opened:
            codes: AnyArray = opened.postprocess(params)
            return codes
    except tuple(ERRORS) as error:
        raise translated(error) from error
    except OSError as error:
        raise CorruptFileError("the file is damaged or cut short; copy it again from the card") from error
