"""OpenEXR files, through the optional package OpenEXR."""

from pathlib import Path
from types import ModuleType

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.errors import CorruptFileError, InputError, OutputError
from rawtool.frames import Capture, Image, Provenance
from rawtool.io.cores import n_cores
from rawtool.io.primaries import Chromaticities, nearest_profile
from rawtool.io.samples import ALPHA_DROPPED
from rawtool.vocabulary import Space

_HALF_MAX = 65504.0
_ROWS = 256
_ADVICE = 'needs the package OpenEXR; run: pip install "rawtool[exr]"'
_COMPRESSIONS = {"zip": "ZIP", "zips": "ZIPS", "piz": "PIZ", "dwaa": "DWAA", "none": "NO"}

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
    pixels = _half(image) if is_half else image.as_float()
    header = _attributes(image)
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


def read_exr(path: Path) -> Image:
    """Return an OpenEXR picture: scene-linear float32, in the named space nearest to its chromaticities.

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
            header = dict(file.header())
    except (RuntimeError, ValueError, MemoryError) as error:
        raise CorruptFileError(f"OpenEXR cannot read it ({error}); export it again") from error
    stated, white_nits = header.get("chromaticities"), header.get("whiteLuminance")
    primaries = None if stated is None else tuple(float(value) for value in stated)
    return Image(
        _pixels(planes),
        Space.SCENE_LINEAR,
        nearest_profile(primaries),
        white_nits=None if white_nits is None else float(white_nits),
        warnings=(ALPHA_DROPPED,) if planes.keys() & {"A", "RGBA"} else (),
    )


def _half(image: Image) -> AnyArray:
    """Return half floats, some rows at a time to spare memory; what is too large becomes the largest."""
    if image.pixels.dtype == np.float16:
        return image.pixels
    pixels = image.pixels if image.pixels.dtype.kind == "f" else image.as_float()
    half = np.empty(pixels.shape, np.float16)
    for top in range(0, pixels.shape[0], _ROWS):
        rows = slice(top, top + _ROWS)
        half[rows] = np.clip(pixels[rows], -_HALF_MAX, _HALF_MAX)
    return half


def _library() -> ModuleType | None:
    """Return the package, None when it is not installed."""
    try:
        import OpenEXR
    except ImportError:
        return None
    module: ModuleType = OpenEXR
    # Older packages do not have it and work in one thread.
    if hasattr(module, "set_global_thread_count"):
        module.set_global_thread_count(n_cores())
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


def _attributes(image: Image) -> Header:
    """Return the standard attributes, and ours. Source: OpenEXR, "Standard Attributes"."""
    header: Header = {}
    if image.white_nits is not None:
        header["whiteLuminance"] = float(image.white_nits)
    if image.capture is not None:
        header |= _capture_attributes(image.capture)
    if image.provenance is not None:
        header |= _maker_attributes(image.provenance)
    return header


def _capture_attributes(capture: Capture) -> Header:
    """Return what the camera wrote."""
    stated = {
        "cameraMake": capture.make,
        "cameraModel": capture.model,
        "capDate": capture.taken_at,
        "expTime": capture.exposure_s,
        "aperture": capture.f_number,
        "isoSpeed": capture.iso,
        "nominalFocalLength": capture.focal_length_mm,
    }
    return {name: value for name, value in stated.items() if value}


def _maker_attributes(provenance: Provenance) -> Header:
    """Return who made the picture."""
    header: Header = {"software": provenance.software}
    if provenance.models:
        header["rawtool:model"] = ", ".join(f"{name} sha256:{digest}" for name, digest in provenance.models)
    if provenance.note:
        header["rawtool:note"] = provenance.note
    return header
