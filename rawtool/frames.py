"""What travels between the rooms."""

from dataclasses import dataclass, field

import numpy as np

from rawtool.arrays import AnyArray, GainCodes, Matrix3, Plane, Samples, Vector3
from rawtool.vocabulary import CfaPattern, Profile, SensorKind, Space


@dataclass(frozen=True, slots=True)
class Cfa:
    """The repeating cell of a colour filter array: 0 red, 1 green, 2 blue, row by row.

    2x2 for Bayer, 4x4 for Quad Bayer, 6x6 for X-Trans; read from pixel (0, 0) of the active area.
    """

    cell: tuple[tuple[int, ...], ...]

    @property
    def pattern(self) -> CfaPattern | None:
        """The Bayer phase, or None when the cell is not a Bayer cell."""
        name = "".join("RGB"[color] for row in self.cell for color in row)
        is_square = len(self.cell) == 2 and len(self.cell[0]) == 2
        return CfaPattern(name) if is_square and name in CfaPattern.__members__ else None


@dataclass(frozen=True, slots=True)
class Illuminated:
    """Colour matrices measured under one light (DNG CalibrationIlluminant, ColorMatrix, ForwardMatrix).

    camera_from_xyz maps XYZ to camera RGB; xyz_d50_from_balanced maps white-balanced camera RGB to
    XYZ D50, or is None when the file does not give it. cct_k is in kelvin.
    """

    cct_k: float
    camera_from_xyz: Matrix3
    xyz_d50_from_balanced: Matrix3 | None = None


@dataclass(frozen=True, slots=True)
class GainMap:
    """A DNG GainMap opcode: gains (rows, columns) over an area of the active frame, bilinear.

    area is (top, left, height, width) in pixels; pitch (rows, columns) is the step of the pixels it
    touches, (2, 2) for one plane of a Bayer mosaic. origin and spacing place the map's nodes in
    units of the whole frame's height and width (DNG MapOrigin, MapSpacing: vertical, horizontal).
    plane is the first channel that it touches and n_planes how many.
    """

    area: tuple[int, int, int, int]
    pitch: tuple[int, int]
    origin: tuple[float, float]
    spacing: tuple[float, float]
    gains: Plane
    plane: int = 0
    n_planes: int = 1


@dataclass(frozen=True, slots=True)
class Capture:
    """What the camera wrote about a frame.

    as_shot_neutral is the camera RGB of a grey object with green = 1, None when the file is silent.
    orientation is the EXIF number 1 to 8 that turns the frame upright. Matrices are ordered by cct_k.
    noise_profile is (shot, read): variance = shot * x + read for x in [0, 1], as the file states it.
    exif holds the TIFF-structured EXIF block to carry over (as in a TIFF), cleaned of
    orientation, thumbnails and image structure; xmp is the packet as bytes.
    """

    make: str
    model: str
    as_shot_neutral: Vector3 | None
    matrices: tuple[Illuminated, ...]
    orientation: int = 1
    baseline_exposure_ev: float = 0.0
    iso: float | None = None
    exposure_s: float | None = None
    f_number: float | None = None
    focal_length_mm: float | None = None
    taken_at: str | None = None
    noise_profile: tuple[float, float] | None = None
    exif: bytes | None = None
    xmp: bytes | None = None


@dataclass(frozen=True, slots=True)
class RawFrame:
    """A decoded raw: linearised samples of the active area, before black and white level.

    samples is (H, W) uint16 or float32 for a mosaic or a monochrome sensor and (H, W, 3) for a
    LinearRaw. cfa is None unless the sensor is a mosaic. black_level has one value per position of
    the cell, row by row (Bayer 4, Quad 16, X-Trans 36), three for LinearRaw, one for monochrome.
    crop is (top, left, height, width), the part of the active area that the picture shows.
    """

    samples: Samples
    kind: SensorKind
    cfa: Cfa | None
    black_level: tuple[float, ...]
    white_level: float
    crop: tuple[int, int, int, int]
    capture: Capture
    gain_maps: tuple[GainMap, ...] = ()

    @property
    def height(self) -> int:
        """Rows of the active area."""
        return int(self.samples.shape[0])

    @property
    def width(self) -> int:
        """Columns of the active area."""
        return int(self.samples.shape[1])


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who made a picture: written into the file."""

    software: str
    models: tuple[tuple[str, str], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class ContentLight:
    """How bright a picture gets: its brightest pixel and the mean over its pixels, in cd/m2.

    Of each pixel the largest of its three channels counts (CTA-861.3: MaxCLL and MaxFALL).
    """

    most_nits: float
    mean_nits: float


@dataclass(frozen=True, slots=True)
class Image:
    """A picture.

    pixels is (H, W, 3), or (H, W) for one channel: float32, float16 where half is enough, or uint8 / uint16
    codes of [0, 1].
    DISPLAY values are after the profile's transfer curve; SCENE_LINEAR ones have the profile's
    primaries and no upper bound; PQ ones are absolute, [0, 1] for 0 to 10000 cd/m2 (SMPTE ST 2084).
    capture is None when nothing is known of the camera. white_nits are the cd/m2 of scene-linear 1.0,
    None where nobody has said. warnings are what reading left out or changed, in words for the user.
    """

    pixels: AnyArray
    space: Space
    profile: Profile = Profile.SRGB
    capture: Capture | None = None
    provenance: Provenance | None = None
    icc: bytes | None = field(default=None, repr=False)
    white_nits: float | None = None
    content_light: ContentLight | None = None
    warnings: tuple[str, ...] = ()

    def as_float(self) -> AnyArray:
        """The pixels as float32, integer codes divided by their maximum."""
        if self.pixels.dtype.kind == "u":
            return self.pixels.astype(np.float32) / np.float32(np.iinfo(self.pixels.dtype).max)
        return self.pixels.astype(np.float32, copy=False)


@dataclass(frozen=True, slots=True)
class GainRange:
    """How the codes of one channel of a gain map count, in the terms of ISO 21496-1.

    gain_ev = least_ev + (most_ev - least_ev) * (code / 255) ** (1 / exponent), and
    hdr = (base + base_offset) * 2 ** gain_ev - hdr_offset, both in relative light.
    """

    least_ev: float
    most_ev: float
    exponent: float = 1.0
    base_offset: float = 1 / 64
    hdr_offset: float = 1 / 64


@dataclass(frozen=True, slots=True)
class HdrGainMap:
    """How much more light every place of a picture has on an HDR display (ISO 21496-1, Ultra HDR).

    codes stretch over the whole picture, whatever their size; (h, w) holds for its three channels.
    ranges is one GainRange for all channels, or three. A display that is 2^base_headroom_ev times as
    bright as its white shows the base, one of 2^hdr_headroom_ev and more the whole gain.
    """

    codes: GainCodes
    ranges: tuple[GainRange, ...]
    hdr_headroom_ev: float
    base_headroom_ev: float = 0.0
