"""OpenEXR files, through the optional package OpenEXR."""

from pathlib import Path
from types import ModuleType

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.errors import CorruptFileError, InputError, OutputError
from rawtool.frames import Capture, Image, Provenance

_HALF_MAX = 65504.0
_ADVICE = 'needs the package OpenEXR; run: pip install "rawtool[exr]"'
_COMPRESSIONS = {"zip": "ZIP", "zips": "ZIPS", "piz": "PIZ", "dwaa": "DWAA", "none": "NO"}

Chromaticities = tuple[float, ...]
Header = dict[str, str | float | Chromaticities]


def write_exr(
    image: Image, path: Path, *, is_half: bool, compression: str, chromaticities: Chromaticities | None
) -> None:
    """Write a scan-line EXR, half or float; half clips at its largest number, 65504.

    Raises:
        OutputError: the package is missing or the file cannot be written.
    """
    exr = _library()
    if exr is None:
        raise OutputError(f"writing OpenEXR {_ADVICE}")
    pixels = image.as_float()
    if is_half:
        pixels = np.clip(pixels, -_HALF_MAX, _HALF_MAX).astype(np.float16)
    header = _attributes(image.capture, image.provenance)
    header |= {
        "compression": getattr(exr, f"{_COMPRESSIONS[compression]}_COMPRESSION"),
        "type": exr.scanlineimage,
    }
    if chromaticities is not None:
        header["chromaticities"] = chromaticities
    channels = {"RGB" if pixels.ndim == 3 else "Y": np.ascontiguousarray(pixels)}
    try:
        with exr.File(header, channels) as file:
            file.write(str(path))
    except (RuntimeError, ValueError) as error:
        raise OutputError(f"cannot be written: {error}; check the disk and the folder") from error


def read_exr(path: Path) -> tuple[AnyArray, Chromaticities | None]:
    """Return float32 pixels (H, W, 3) or (H, W), and the chromaticities if the file states them.

    Raises:
        InputError: the package is missing.
        CorruptFileError: damaged, or without colour channels.
    """
    exr = _library()
    if exr is None:
        raise InputError(f"reading OpenEXR {_ADVICE}")
    try:
        with exr.File(str(path)) as file:
            planes = {name: np.array(channel.pixels, np.float32) for name, channel in file.channels().items()}
            stated = file.header().get("chromaticities")
            primaries = None if stated is None else tuple(float(value) for value in stated)
    except (RuntimeError, ValueError, MemoryError) as error:
        raise CorruptFileError(f"OpenEXR cannot read it ({error}); export it again") from error
    return _pixels(planes), primaries


def _library() -> ModuleType | None:
    """Return the package, None when it is not installed."""
    try:
        import OpenEXR
    except ImportError:
        return None
    module: ModuleType = OpenEXR
    return module


def _pixels(planes: dict[str, AnyArray]) -> AnyArray:
    """Return the colour channels as one array."""
    for name in ("RGB", "RGBA"):
        if name in planes:
            return planes[name][..., :3]
    if {"R", "G", "B"} <= planes.keys():
        return np.stack([planes[name] for name in "RGB"], axis=-1)
    if "Y" in planes:
        return planes["Y"]
    raise CorruptFileError("the OpenEXR file has no R, G, B or Y channels; export them")


def _attributes(capture: Capture | None, provenance: Provenance | None) -> Header:
    """Return the standard attributes, and ours. Source: OpenEXR, "Standard Attributes"."""
    header: Header = {}
    if capture is not None:
        stated = {
            "cameraMake": capture.make,
            "cameraModel": capture.model,
            "capDate": capture.taken_at,
            "expTime": capture.exposure_s,
            "aperture": capture.f_number,
            "isoSpeed": capture.iso,
        }
        header |= {name: value for name, value in stated.items() if value}
    if provenance is not None:
        header["software"] = provenance.software
        if provenance.models:
            header["rawtool:model"] = ", ".join(
                f"{name} sha256:{digest}" for name, digest in provenance.models
            )
        if provenance.note:
            header["rawtool:note"] = provenance.note
    return header
