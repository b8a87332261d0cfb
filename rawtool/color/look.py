"""Looks: what is done to a finished picture at the very end, pixel by pixel.

A look is not learned. It is the same for every network, a style of the user's own included, costs
no time worth naming, and leaves ``natural`` exactly what the network gave.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rawtool.arrays import AnyArray, Plane, Rgb
from rawtool.color.tone import brightest, fit_gamut, luminance
from rawtool.vocabulary import Look


@dataclass(frozen=True, slots=True)
class Recipe:
    """contrast: share of an S-curve of luma (below 0: of its inverse); saturation: factor of colours.

    black and white are the codes that 0 and 1 of luma become.
    """

    contrast: float
    saturation: float
    black: float = 0.0
    white: float = 1.0


RECIPES: Mapping[Look, Recipe] = {
    Look.VIVID: Recipe(contrast=0.35, saturation=1.35),
    Look.FLAT: Recipe(contrast=-0.45, saturation=0.85, black=0.04, white=0.96),
}

SKIN_HUE, SKIN_WIDTH = 0.42, 0.30
"""Place of skin between red (0) and yellow (1), and how far around it counts as skin."""

SKIN_SHARE = 0.7
"""How much of a gain of saturation skin is spared."""

_LEAST = np.float32(1e-4)


def apply_look(picture: Rgb, look: Look) -> Rgb:
    """Give a display-encoded sRGB picture (H, W, 3) in [0, 1] a look; ``natural`` changes nothing."""
    recipe = RECIPES.get(look)
    if recipe is None:
        return picture
    luma = luminance(picture)
    # What gets lighter has the room that its brightest channel has: beyond white it would lose its colour.
    room = np.float32(1.0) - brightest(picture)
    toned = luma + np.minimum(_toned(luma, recipe) - luma, room)
    # Colour follows luma where it gets darker, or deep shadows would glow, and not where it gets lighter.
    share = _saturation(picture, recipe) * np.minimum(toned / np.maximum(luma, _LEAST), np.float32(1.0))
    colour = (picture - luma[..., None]) * share[..., None]
    return fit_gamut(np.maximum(toned[..., None] + colour, np.float32(0.0)))


def _toned(luma: Plane, recipe: Recipe) -> Plane:
    """Bend luma by a share of an S-curve (0, 1/2 and 1 stay), then lay it between black and white."""
    bend = luma * luma * (np.float32(3.0) - np.float32(2.0) * luma) - luma
    bent = luma + np.float32(recipe.contrast) * bend
    return np.float32(recipe.black) + np.float32(recipe.white - recipe.black) * bent


def _saturation(picture: Rgb, recipe: Recipe) -> Plane:
    """Give the factor of every pixel's colour: less of a gain for skin, and for what is saturated already."""
    top, bottom = brightest(picture), -brightest(-picture)
    relative = (top - bottom) / np.maximum(top, _LEAST)
    gain = np.float32(recipe.saturation - 1.0)
    if recipe.saturation <= 1.0:
        return np.full_like(top, 1.0 + gain)
    return 1.0 + gain * (1.0 - relative) * (1.0 - np.float32(SKIN_SHARE) * _skin(picture, top, bottom))


def _skin(picture: Rgb, top: Plane, bottom: Plane) -> Plane:
    """Tell how much a pixel is of the colour of skin, by its hue alone: 0 to 1."""
    red, green, blue = (picture[..., channel] for channel in range(3))
    hue = (green - blue) / np.maximum(red - blue, _LEAST)
    near = np.clip(1.0 - np.abs(hue - np.float32(SKIN_HUE)) / np.float32(SKIN_WIDTH), 0.0, 1.0)
    is_ordered: AnyArray = (red >= green) & (green >= blue) & (top > bottom)
    return np.where(is_ordered, near, np.float32(0.0)).astype(np.float32)
