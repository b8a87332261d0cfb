"""What the camera wrote about a shot, from its EXIF directories."""

from dataclasses import dataclass

from rawtool.io.exifsource import ExifSource
from rawtool.io.tiffdir import Directory

_NOISE_PROFILE, _UNIQUE_MODEL = 51041, 50708


@dataclass(frozen=True, slots=True)
class Facts:
    """The plain facts of a capture; None where the file is silent."""

    make: str
    model: str
    orientation: int
    iso: float | None
    exposure_s: float | None
    f_number: float | None
    focal_length_mm: float | None
    taken_at: str | None


def read_facts(source: ExifSource) -> Facts:
    """Return the facts of a file's directories."""
    main, exif = source.main, source.exif or source.main
    model = main.text(272) or main.text(_UNIQUE_MODEL) or ""
    orientation = main.integer(274, 1)
    return Facts(
        make=main.text(271) or "",
        model=model,
        orientation=orientation if 1 <= orientation <= 8 else 1,
        iso=_iso(exif),
        exposure_s=_positive(exif.number(33434)),
        f_number=_positive(exif.number(33437)),
        focal_length_mm=_positive(exif.number(37386)),
        taken_at=exif.text(36867) or main.text(306),
    )


def read_noise_profile(main: Directory, picture: Directory) -> tuple[float, float] | None:
    """Return NoiseProfile's (shot, read), averaged over the planes."""
    values = picture.numbers(_NOISE_PROFILE) or main.numbers(_NOISE_PROFILE)
    if not values or len(values) % 2 or min(values[::2]) < 0:
        return None
    n_planes = len(values) // 2
    return sum(values[::2]) / n_planes, sum(values[1::2]) / n_planes


def _iso(exif: Directory) -> float | None:
    """Return the ISO speed; 65535 means that a newer tag holds it."""
    iso = exif.number(34855)
    if iso is None or iso >= 65535:
        iso = exif.number(34866) or exif.number(34865) or iso
    return _positive(iso)


def _positive(value: float | None) -> float | None:
    """Return the value as a float, None for zero and less."""
    return float(value) if value is not None and value > 0 else None
