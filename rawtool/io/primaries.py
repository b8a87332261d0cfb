"""The primaries of the named spaces as files state them: x, y of red, green, blue and white."""

import numpy as np

from rawtool.vocabulary import Profile

Chromaticities = tuple[float, ...]

D65 = (0.3127, 0.3290)
# ITU-R BT.709-6; SMPTE EG 432-1; Adobe RGB (1998), 4.3.1; ITU-R BT.2020-2.
PRIMARIES: dict[Profile, tuple[float, float, float, float, float, float]] = {
    Profile.LINEAR_SRGB: (0.64, 0.33, 0.30, 0.60, 0.15, 0.06),
    Profile.DISPLAY_P3: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    Profile.ADOBE_RGB: (0.64, 0.33, 0.21, 0.71, 0.15, 0.06),
    Profile.REC2020: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
}


def nearest_profile(stated: Chromaticities | None) -> Profile:
    """Return the named space with the nearest primaries, Rec.709 ones for a file that states none."""
    if stated is None:
        return Profile.LINEAR_SRGB
    distances = {known: np.abs(np.subtract(stated[:6], xy)).max() for known, xy in PRIMARIES.items()}
    return min(distances, key=lambda known: distances[known])


def stated_by(profile: Profile) -> tuple[float, float, float, float, float, float, float, float]:
    """Return x, y of red, green, blue and white of a named space."""
    known = Profile.LINEAR_SRGB if profile is Profile.SRGB else profile
    red_x, red_y, green_x, green_y, blue_x, blue_y = PRIMARIES[known]
    return red_x, red_y, green_x, green_y, blue_x, blue_y, *D65
