"""What a sidecar says in words and numbers: of the frame, of the picture around it, of what was reached.

The first two are JSON, compressed; the forms at the end of each part are the format of version 1.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from rawtool.arrays import Samples
from rawtool.codec.deflate import deflate, inflate
from rawtool.codec.forms import (
    FLAG,
    NUMBER,
    PLANE,
    TEXT,
    WHOLE,
    Form,
    choice,
    dumps,
    loads,
    numbers,
    optional,
    record,
    refusal,
    several,
)
from rawtool.frames import Capture, Cfa, GainMap, Illuminated, RawFrame
from rawtool.vocabulary import SensorKind

_LONGEST_SIDE = 2**20
_DTYPES = ("uint16", "float32")
_WITHOUT_CFA = (SensorKind.LINEAR, SensorKind.MONOCHROME)
_SHA256 = re.compile("[0-9a-f]{64}")
_ACHIEVED = struct.Struct("<3d2Q")
_FORM_OF_WHOLES = several(WHOLE)


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """Everything of a RawFrame but its samples, of which shape and dtype are left.

    EXIF and XMP are None in its capture: they are chunks of their own.
    """

    shape: tuple[int, ...]
    dtype: str
    kind: SensorKind
    cfa: Cfa | None
    black_level: tuple[float, ...]
    white_level: float
    crop: tuple[int, ...]
    capture: Capture
    gain_maps: tuple[GainMap, ...]


class BaseSource(Enum):
    """Where the picture that carries a sidecar comes from."""

    DEVELOP = "develop"
    CAMERA = "camera"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class BaseFacts:
    """The picture that a sidecar belongs to.

    width and height are those of its decoded pixels; pixels_sha256 and scan_sha256, in hexadecimal, are of
    these pixels, shape included, and of the JPEG's scan with its tables. is_upright tells that it was turned
    by the frame's orientation; otherwise it lies as the sensor does.
    """

    width: int
    height: int
    pixels_sha256: str
    scan_sha256: str
    is_upright: bool
    source: BaseSource


@dataclass(frozen=True, slots=True)
class Achieved:
    """What a sidecar gives back and what it costs.

    psnr_db is infinite and max_error_dn, in counts, 0 where every photosite is the same. bpp are bits of the
    sidecar per photosite; n_sidecar_bytes and n_base_bytes those of the sidecar and of the JPEG alone.
    """

    psnr_db: float
    max_error_dn: float
    bpp: float
    n_sidecar_bytes: int
    n_base_bytes: int


_MATRIX = numbers(3, 3)
_ILLUMINATED = record(
    Illuminated,
    {"cct_k": NUMBER, "camera_from_xyz": _MATRIX, "xyz_d50_from_balanced": optional(_MATRIX)},
)
_CAPTURE = record(
    Capture,
    {
        "make": TEXT,
        "model": TEXT,
        "as_shot_neutral": optional(numbers(3)),
        "matrices": several(_ILLUMINATED),
        "orientation": WHOLE,
        "baseline_exposure_ev": NUMBER,
        "iso": optional(NUMBER),
        "exposure_s": optional(NUMBER),
        "f_number": optional(NUMBER),
        "focal_length_mm": optional(NUMBER),
        "taken_at": optional(TEXT),
        "noise_profile": optional(several(NUMBER, 2)),
    },
)
_GAIN_MAP = record(
    GainMap,
    {
        "area": several(WHOLE, 4),
        "pitch": several(WHOLE, 2),
        "origin": several(NUMBER, 2),
        "spacing": several(NUMBER, 2),
        "gains": PLANE,
        "plane": WHOLE,
        "n_planes": WHOLE,
    },
)
_FRAME: Form[FrameFacts] = record(
    FrameFacts,
    {
        "shape": _FORM_OF_WHOLES,
        "dtype": TEXT,
        "kind": choice(SensorKind),
        "cfa": optional(record(Cfa, {"cell": several(_FORM_OF_WHOLES)})),
        "black_level": several(NUMBER),
        "white_level": NUMBER,
        "crop": several(WHOLE, 4),
        "capture": _CAPTURE,
        "gain_maps": several(_GAIN_MAP),
    },
)
_BASE: Form[BaseFacts] = record(
    BaseFacts,
    {
        "width": WHOLE,
        "height": WHOLE,
        "pixels_sha256": TEXT,
        "scan_sha256": TEXT,
        "is_upright": FLAG,
        "source": choice(BaseSource),
    },
)


def facts_of(frame: RawFrame) -> FrameFacts:
    """Return what is written of a frame beside its samples."""
    return FrameFacts(
        shape=frame.samples.shape,
        dtype=frame.samples.dtype.name,
        kind=frame.kind,
        cfa=frame.cfa,
        black_level=frame.black_level,
        white_level=frame.white_level,
        crop=frame.crop,
        capture=replace(frame.capture, exif=None, xmp=None),
        gain_maps=frame.gain_maps,
    )


def frame_of(
    facts: FrameFacts, samples: Samples, *, exif: bytes | None = None, xmp: bytes | None = None
) -> RawFrame:
    """Return the frame of these facts and samples.

    Raises:
        ValueError: the samples have another shape or type than the facts say.
    """
    if samples.shape != facts.shape or samples.dtype.name != facts.dtype:
        raise ValueError(f"{samples.dtype} {samples.shape} where facts say {facts.dtype} {facts.shape}")
    top, left, height, width = facts.crop
    return RawFrame(
        samples=samples,
        kind=facts.kind,
        cfa=facts.cfa,
        black_level=facts.black_level,
        white_level=facts.white_level,
        crop=(top, left, height, width),
        capture=replace(facts.capture, exif=exif, xmp=xmp),
        gain_maps=facts.gain_maps,
    )


def dumps_facts(facts: FrameFacts) -> bytes:
    """Return the facts of a frame as bytes; every number comes back as it is.

    Raises:
        ValueError: they do not fit together, so that loads_facts would refuse them.
    """
    for wrong in _complaints(facts):
        raise ValueError(wrong)
    return deflate(dumps(_FRAME, facts))


def loads_facts(content: bytes) -> FrameFacts:
    """Return the facts of a frame.

    Raises:
        DamagedSidecarError: something is missing, of another type, or does not fit together.
        NewerSidecarError: something is said that is not known here.
    """
    facts = loads(_FRAME, inflate(content))
    for wrong in _complaints(facts):
        raise refusal("the frame", wrong)
    return facts


def dumps_base(base: BaseFacts) -> bytes:
    """Return the facts of a base as bytes."""
    return deflate(dumps(_BASE, base))


def loads_base(content: bytes) -> BaseFacts:
    """Return the facts of a base.

    Raises:
        DamagedSidecarError: something is missing or of another type.
        NewerSidecarError: something is said that is not known here.
    """
    base = loads(_BASE, inflate(content))
    if not (_SHA256.fullmatch(base.pixels_sha256) and _SHA256.fullmatch(base.scan_sha256)):
        raise refusal("a digest of the base", "is none")
    if min(base.width, base.height) < 1 or max(base.width, base.height) > _LONGEST_SIDE:
        raise refusal("the base", f"measures {base.width} x {base.height}")
    return base


def dumps_achieved(achieved: Achieved) -> bytes:
    """Return what was reached as 40 bytes, always: the length of a sidecar counts them before they are known.

    psnr_db, max_error_dn and bpp as float64, n_sidecar_bytes and n_base_bytes as uint64, little-endian.
    """
    return _ACHIEVED.pack(
        achieved.psnr_db,
        achieved.max_error_dn,
        achieved.bpp,
        achieved.n_sidecar_bytes,
        achieved.n_base_bytes,
    )


def loads_achieved(content: bytes) -> Achieved:
    """Return what was reached.

    Raises:
        DamagedSidecarError: they are not 40 bytes.
    """
    if len(content) != _ACHIEVED.size:
        raise refusal("what it says of its quality", f"has {len(content)} bytes")
    return Achieved(*_ACHIEVED.unpack(content))


def _complaints(facts: FrameFacts) -> Iterator[str]:
    """Yield what does not fit together in the facts of a frame."""
    n_channels = 3 if facts.kind is SensorKind.LINEAR else 1
    if facts.dtype not in _DTYPES or not _is_shape(facts.shape, n_channels):
        yield f"cannot have {facts.dtype} samples of {facts.shape}"
    if (facts.cfa is None) != (facts.kind in _WITHOUT_CFA) or not _is_cell(facts.cfa):
        yield "has no cell of colours that fits"
        return
    n_sites = len(facts.cfa.cell) * len(facts.cfa.cell[0]) if facts.cfa else n_channels
    if len(facts.black_level) != n_sites:
        yield f"has {len(facts.black_level)} black levels for {n_sites} places"
    if not _is_inside(facts.crop, facts.shape):
        yield f"has the crop {facts.crop} outside of {facts.shape}"
    if not 1 <= facts.capture.orientation <= 8:
        yield f"has the orientation {facts.capture.orientation}"


def _is_inside(crop: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Return whether a crop (top, left, height, width) has pixels and lies within a shape."""
    top, left, height, width = crop
    fits = top + height <= shape[0] and left + width <= shape[1]
    return fits and min(top, left) >= 0 < min(height, width)


def _is_shape(shape: tuple[int, ...], n_channels: int) -> bool:
    """Return whether samples of so many channels can have a shape."""
    has_sides = len(shape) >= 2 and all(1 <= side <= _LONGEST_SIDE for side in shape[:2])
    return has_sides and shape[2:] == ((3,) if n_channels == 3 else ())


def _is_cell(cfa: Cfa | None) -> bool:
    """Return whether this is a rectangle of red, green and blue, or nothing."""
    if cfa is None:
        return True
    is_rectangle = len({len(row) for row in cfa.cell}) == 1 and len(cfa.cell[0]) > 0
    return is_rectangle and all(color in (0, 1, 2) for row in cfa.cell for color in row)
