"""How a picture is to be written, and what each format can hold: known before any encoder is loaded."""

from dataclasses import dataclass

from rawtool.errors import UsageError
from rawtool.vocabulary import Format

# What each format can hold: (bits, is floating point); the first is the default.
_DEPTHS = {
    Format.JPEG: ((8, False),),
    Format.PNG: ((8, False), (16, False)),
    Format.TIFF: ((16, False), (8, False), (32, True)),
    Format.EXR: ((16, True), (32, True)),
    Format.RADIANCE: ((8, True),),
    Format.AVIF: ((10, False), (12, False)),
    Format.JXL: ((16, False),),
    Format.UHDR: ((8, False),),
}
_ALWAYS_FLOAT = (Format.EXR, Format.RADIANCE)


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """How a picture is written.

    bit_depth None takes the format's own: JPEG 8, PNG 8 and for PQ 16, TIFF 16, EXR 16 (half), AVIF 10,
    JPEG XL 16. TIFF takes 8 and 16 whole or 32 float; EXR is always float; AVIF takes 12 as well.
    compression: PNG "0" to "9", TIFF "deflate" or "none", EXR "zip", "zips", "piz", "dwaa" or "none".
    quality is for JPEG, AVIF and JPEG XL. chromaticities (red, green, blue, white: x, y each) go into EXR
    and Radiance; None takes those of the picture's profile.
    """

    format: Format
    quality: int = 95
    bit_depth: int | None = None
    is_float: bool = False
    subsampling: str = "444"
    compression: str | None = None
    chromaticities: tuple[float, float, float, float, float, float, float, float] | None = None


def depth_of(options: EncodeOptions) -> tuple[int, bool]:
    """Return the bits per sample and whether they are floating point.

    Raises:
        UsageError: the format cannot hold such samples.
    """
    depths = _DEPTHS.get(options.format)
    if depths is None:
        raise ValueError("a DNG is written by write_dng")
    is_float = options.is_float or options.format in _ALWAYS_FLOAT
    if options.bit_depth is None:
        return (
            next((depth for depth in depths if depth[1] == is_float), (0, False)) if is_float else depths[0]
        )
    wanted = (options.bit_depth, is_float or options.bit_depth == 32)
    if wanted not in depths:
        known = " or ".join(f"{bits}{'f' if floating else ''}" for bits, floating in depths)
        raise UsageError(
            f"{options.format.value} cannot hold {options.bit_depth} bits; use --bit-depth {known}, "
            "or --format tiff"
        )
    return wanted
