"""How close light that was made from one LDR picture is to the scene's.

Pictures are (H, W, 3) floats of one shape. Light is relative, 1 = the white of the LDR picture.
"""

from dataclasses import dataclass

import numpy as np

from rawtool.arrays import AnyArray, Rgb8
from rawtool.color.transfer import SDR_WHITE_NITS
from rawtool.metrics import fidelity

WELL_EXPOSED = (0.1, 0.9)
"""Of a pixel's largest LDR channel, exclusive: where the exposure of the result is read."""

CLIPPED_CODE = 250
"""The largest 8-bit channel from which a pixel counts as clipped; JPEG does not keep 255."""

LUMINANCE_FLOOR = 1e-4

CHALLENGE_POWER = 2.24
"""NTIRE 2021's encoding: light = value^2.24."""


@dataclass(frozen=True, slots=True)
class HdrScore:
    """PU21-PSNR in dB, PU21-SSIM, and the mean luminance error in stops where the LDR picture is clipped."""

    psnr: float
    ssim: float
    highlight_ev: float


def hdr_score(light: AnyArray, truth: AnyArray, ldr_codes: Rgb8) -> HdrScore:
    """Score light against the scene's, after one factor for exposure; 1.0 is shown at 203 cd/m2.

    ldr_codes is the 8-bit picture that the light was made from. highlight_ev is nan where nothing clips.
    """
    exposed = light * np.asarray(exposure_factor(light, truth, ldr_codes), light.dtype)
    nits, truth_nits = (values * np.asarray(SDR_WHITE_NITS, values.dtype) for values in (exposed, truth))
    return HdrScore(
        fidelity.pu21_psnr(nits, truth_nits),
        fidelity.pu21_ssim(nits, truth_nits),
        fidelity.highlight_error(exposed, truth, ldr_codes, CLIPPED_CODE),
    )


def exposure_factor(light: AnyArray, truth: AnyArray, ldr_codes: Rgb8) -> float:
    """Find the median luminance ratio of truth to light over well-exposed pixels; 1 without any."""
    level = ldr_codes.max(axis=2) / 255
    counted = (level > WELL_EXPOSED[0]) & (level < WELL_EXPOSED[1])
    if not counted.any():
        return 1.0
    found, wanted = (
        np.maximum(values[counted].astype(np.float64) @ fidelity.LUMINANCE_WEIGHTS, LUMINANCE_FLOOR)
        for values in (light, truth)
    )
    return float(np.median(wanted / found))


@dataclass(frozen=True, slots=True)
class ChallengeScore:
    """PSNR-L and PSNR-mu in dB as the scripts of the NTIRE 2021 HDR challenge compute them."""

    psnr_l: float
    psnr_mu: float


def challenge_score(encoded: AnyArray, truth: AnyArray) -> ChallengeScore:
    """Score values encoded by the power 1 / 2.24, negatives taken as 0, nothing clipped above.

    PSNR-L is of the encoded values, PSNR-mu of the light.
    """
    found, wanted = (np.maximum(values, 0) for values in (encoded, truth))
    return ChallengeScore(
        fidelity.psnr_l(found, wanted),
        fidelity.psnr_mu(found**CHALLENGE_POWER, wanted**CHALLENGE_POWER),
    )
