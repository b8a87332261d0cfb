"""A preview sheet: the picture, its reconstructed light at three exposures, and where light was added."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from rawtool.arrays import AnyArray, Plane, Rgb, Rgb8
from rawtool.color.spaces import convert, icc_profile, luminance
from rawtool.color.transfer import encode, quantise
from rawtool.frames import Image
from rawtool.io.encode import write_image
from rawtool.io.encodeoptions import EncodeOptions
from rawtool.vocabulary import Format, Profile, Space

EXPOSURES_EV = (0.0, -2.0, -4.0)
LONGEST_PANEL = 640

_SMALLEST_CELL = (120, 200)
_LABEL_ROWS = 26
_MARGIN = 8
_COLUMNS = 3
_FONT_SIZE = 15
_BAR_ROWS = 20
_GROUND, _INK = (24, 24, 24), (230, 230, 230)
# Display-encoded colours of the map, from no light added to the most.
_RAMP = np.array(
    [(28, 44, 120), (104, 40, 150), (200, 48, 80), (240, 128, 32), (252, 216, 72), (255, 255, 255)],
    np.float32,
)
# What is less than this is hardly seen, and shows the picture in dark grey.
_FAINT_EV = 0.25
_DARKENED = 0.35
_LEAST_LIGHT = 1e-4


@dataclass(frozen=True, slots=True)
class Panel:
    """A small picture, display-encoded sRGB, and what stands above it."""

    title: str
    pixels: Rgb8


def sheet_of(before: AnyArray, after: AnyArray, profile: Profile) -> AnyArray:
    """Draw a sheet, uint8 sRGB: relative light (H, W, 3) of a profile's primaries, and it reconstructed."""
    before, after = (convert(_small(light), profile, Profile.SRGB) for light in (before, after))
    gained_ev = added_ev(before, after)
    most_ev = max(1.0, float(np.ceil(gained_ev.max())))
    exposed = [
        Panel(f"result, {ev:+g} EV" if ev else "result", _shown(after * np.float32(2.0**ev)))
        for ev in EXPOSURES_EV
    ]
    map_panel = Panel("light that was added", false_colour(gained_ev, most_ev, _shown(before)))
    cell = (max(before.shape[0], _SMALLEST_CELL[0]), max(before.shape[1], _SMALLEST_CELL[1]))
    legend = Panel("", _legend(most_ev, cell))
    return _arranged([Panel("input", _shown(before)), *exposed, map_panel, legend], cell)


def write_sheet(
    before: AnyArray, after: AnyArray, profile: Profile, target: Path, *, overwrite: bool
) -> None:
    """Write the sheet as a PNG.

    Raises:
        OutputError: it cannot be written, or exists.
    """
    pixels = sheet_of(before, after, profile)
    image = Image(pixels, Space.DISPLAY, Profile.SRGB, icc=icc_profile(Profile.SRGB))
    write_image(image, target, EncodeOptions(Format.PNG), overwrite=overwrite)


def added_ev(before: Rgb, after: Rgb) -> Plane:
    """Say how many EV every pixel gained in luminance; what it lost counts as nothing."""
    old, new = (
        np.maximum(luminance(light, Profile.SRGB), np.float32(_LEAST_LIGHT)) for light in (before, after)
    )
    return np.maximum(np.log2(new / old), np.float32(0.0))


def false_colour(gained_ev: Plane, most_ev: float, picture: Rgb8) -> Rgb8:
    """Paint gains from 0 to most_ev over the darkened grey of a picture."""
    at = np.clip(gained_ev / np.float32(most_ev), 0.0, 1.0) * np.float32(len(_RAMP) - 1)
    low = np.minimum(at.astype(np.intp), len(_RAMP) - 2)
    share = (at - low)[..., None]
    painted = _RAMP[low] * (1 - share) + _RAMP[low + 1] * share
    grey = picture.mean(axis=2, dtype=np.float32, keepdims=True) * np.float32(_DARKENED)
    seen = np.clip(gained_ev / np.float32(_FAINT_EV), 0.0, 1.0)[..., None]
    return np.rint(grey * (1 - seen) + painted * seen).astype(np.uint8)


def _small(light: AnyArray) -> AnyArray:
    """Shrink light to the size of a panel by the mean of its areas; never enlarge it."""
    height, width = light.shape[:2]
    share = min(1.0, LONGEST_PANEL / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    planes = [
        np.asarray(
            Pillow.fromarray(np.ascontiguousarray(light[..., channel], np.float32)).resize(
                size, Pillow.Resampling.BOX
            )
        )
        for channel in range(3)
    ]
    return np.stack(planes, axis=2)


def _shown(light: Rgb) -> Rgb8:
    """Encode light of Rec.709 primaries for a display."""
    return quantise(encode(light, Profile.SRGB), 8)


def _legend(most_ev: float, cell: tuple[int, int]) -> AnyArray:
    """Draw the bar that says which colour is how many EV."""
    height, width = cell
    page = Pillow.new("RGB", (width, height), _GROUND)
    pen, font = ImageDraw.Draw(page), _font()
    left, right = 2 * _MARGIN, width - 5 * _MARGIN
    top = (height - _BAR_ROWS) // 2
    ramp_ev = np.linspace(0.0, most_ev, right - left, dtype=np.float32)
    bar = false_colour(
        np.tile(ramp_ev, (_BAR_ROWS, 1)), most_ev, np.zeros((_BAR_ROWS, right - left, 3), np.uint8)
    )
    page.paste(Pillow.fromarray(bar), (left, top))
    pen.text((left, top - _LABEL_ROWS), "EV added", fill=_INK, font=font)
    n_steps = min(int(most_ev), 4)
    for step in range(n_steps + 1):
        x = left + (right - left) * step / n_steps
        pen.text((x, top + _BAR_ROWS + 4), f"{most_ev * step / n_steps:g}", fill=_INK, font=font, anchor="ma")
    return np.asarray(page)


def _arranged(panels: Sequence[Panel], cell: tuple[int, int]) -> AnyArray:
    """Lay panels out in rows of three, each in the middle of its cell, titles above them."""
    rows = -(-len(panels) // _COLUMNS)
    height, width = cell[0] + _LABEL_ROWS + _MARGIN, cell[1] + _MARGIN
    page = Pillow.new("RGB", (_COLUMNS * width + _MARGIN, rows * height + _MARGIN), _GROUND)
    pen, font = ImageDraw.Draw(page), _font()
    for number, panel in enumerate(panels):
        top, left = _MARGIN + number // _COLUMNS * height, _MARGIN + number % _COLUMNS * width
        pen.text((left, top + 2), panel.title, fill=_INK, font=font)
        n_rows, n_columns = panel.pixels.shape[:2]
        corner = (left + (cell[1] - n_columns) // 2, top + _LABEL_ROWS + (cell[0] - n_rows) // 2)
        page.paste(Pillow.fromarray(panel.pixels), corner)
    return np.asarray(page)


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Give Pillow's own font, which needs no file of the system."""
    return ImageFont.load_default(_FONT_SIZE)
