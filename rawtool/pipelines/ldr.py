"""A finished picture before its light is reconstructed: codes, what they mean, and what they came in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rawtool.arrays import AnyArray, Rgb
from rawtool.color.transfer import decode
from rawtool.errors import CorruptFileError, UnsupportedFormatError
from rawtool.frames import Capture
from rawtool.io.basejpeg import read_base
from rawtool.io.image import read_image
from rawtool.io.raw import is_raw
from rawtool.vocabulary import Profile, Space

NO_PROFILE = "the file has no colour profile: sRGB is assumed; --input-space names another"

Values = Callable[[AnyArray], AnyArray]
"""Codes to values: (H, W) grey or (H, W, 3) to float32 (H, W, 3), plane by plane in memory."""


@dataclass(frozen=True, slots=True)
class Ldr:
    """A display-encoded picture, upright.

    codes is (H, W) grey or (H, W, 3): uint8, uint16, or float32 in [0, 1]; profile says what they mean.
    jpeg is the file itself where that was asked for and every reader takes its picture for this one.
    """

    codes: AnyArray
    profile: Profile
    capture: Capture | None = None
    warnings: tuple[str, ...] = ()
    jpeg: bytes | None = field(default=None, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.codes.shape[0]), int(self.codes.shape[1])

    def values(self, curve: Callable[[AnyArray], AnyArray]) -> Values:
        """Give what turns codes into curve(code in [0, 1]): a table of all codes where they are whole."""
        if self.codes.dtype.kind == "f":
            return lambda codes: _three(np.asarray(curve(codes), np.float32))
        n_codes = int(np.iinfo(self.codes.dtype).max) + 1
        fractions = np.arange(n_codes, dtype=np.float32) / np.float32(n_codes - 1)
        table = np.asarray(curve(fractions), np.float32)
        return lambda codes: _three(_looked_up(table, codes))

    def light(self) -> Rgb:
        """Decode the whole picture to relative light (H, W, 3) of its own primaries."""
        return self.values(self.decode)(self.codes)

    def decode(self, encoded: AnyArray) -> AnyArray:
        """Undo the profile's transfer curve."""
        return decode(encoded, self.profile)


def read_ldr(path: Path, input_space: Profile | None = None, *, keeps_jpeg: bool = False) -> Ldr:
    """Read a display-encoded picture; input_space stands for what the file says of its colours.

    Raises:
        UnsupportedFormatError: a raw file, a picture that is HDR already, or no picture.
        CorruptFileError: damaged, cut short or empty.
        InputError: not readable.
    """
    if is_raw(path):
        raise UnsupportedFormatError(
            "this is a raw file, which holds its light already; develop it: rawtool develop --format exr"
        )
    image = read_image(path)
    if image.space is not Space.DISPLAY:
        kind = "PQ" if image.space is Space.PQ else image.space.value
        raise UnsupportedFormatError(
            f"the picture is HDR already ({kind}); give a finished one, such as the camera's JPEG"
        )
    is_silent = image.icc is None and image.profile is Profile.SRGB and input_space is None
    is_as_it_says = input_space in (None, image.profile)
    return Ldr(
        _codes(image.pixels),
        input_space or image.profile,
        image.capture,
        (*image.warnings, NO_PROFILE) if is_silent else image.warnings,
        read_base(path) if keeps_jpeg and is_as_it_says else None,
    )


def _codes(pixels: AnyArray) -> AnyArray:
    """Give codes of [0, 1]; what floating point has outside is cut."""
    if pixels.dtype.kind != "f":
        return pixels
    if not np.isfinite(pixels).all():
        raise CorruptFileError("the picture holds values that are not numbers; export it again")
    return np.clip(pixels, 0.0, 1.0)


def _looked_up(table: AnyArray, codes: AnyArray) -> AnyArray:
    """Look codes up, (H, W) or (H, W, 3), the result plane by plane."""
    if codes.ndim == 2:
        return np.take(table, codes)
    planes = np.empty((3, *codes.shape[:2]), np.float32)
    for channel, plane in enumerate(planes):
        np.take(table, codes[..., channel], out=plane, mode="clip")
    return np.moveaxis(planes, 0, 2)


def _three(values: AnyArray) -> AnyArray:
    """Give three channels; grey has three equal ones."""
    if values.ndim == 3:
        return values
    return np.moveaxis(np.broadcast_to(values, (3, *values.shape)), 0, 2)
