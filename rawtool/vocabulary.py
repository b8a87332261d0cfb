"""The closed sets of the project. Imports nothing of it."""

from enum import Enum, IntEnum


class CfaPattern(Enum):
    """The 2x2 Bayer cell read from pixel (0, 0) of the active area, left to right, top to bottom."""

    RGGB = "RGGB"
    GRBG = "GRBG"
    GBRG = "GBRG"
    BGGR = "BGGR"


class SensorKind(Enum):
    """How the sensor samples colour."""

    BAYER = "bayer"
    XTRANS = "x-trans"
    QUAD_BAYER = "quad-bayer"
    LINEAR = "linear"
    MONOCHROME = "monochrome"


class Space(Enum):
    """What the numbers of a picture mean."""

    CAMERA = "camera"
    XYZ = "xyz-d65"
    SCENE_LINEAR = "scene-linear"
    DISPLAY = "display"
    PQ = "pq"


class Profile(Enum):
    """Output spaces by name: primaries and transfer curve."""

    SRGB = "srgb"
    DISPLAY_P3 = "display-p3"
    ADOBE_RGB = "adobergb"
    REC2020 = "rec2020"
    LINEAR_SRGB = "linear-srgb"


class Task(Enum):
    """What a network is for."""

    RESTORE = "restore"
    ENHANCE = "enhance"
    HDR = "hdr"
    PACK = "pack"


class Encoding(Enum):
    """The curve on the values of a network's picture tensor."""

    LINEAR = "linear"
    GAMMA = "gamma-2.2"
    GAMMA_224 = "gamma-2.24"
    SRGB = "srgb"


class GlobalPass(Enum):
    """Where the image-wide term of a network comes from; GUIDE is a map, the others are vectors."""

    NONE = "none"
    THUMBNAIL = "thumbnail"
    GUIDE = "guide"
    EXACT = "exact"


class Format(Enum):
    """Output formats by the names of ``--format``."""

    JPEG = "jpg"
    TIFF = "tiff"
    PNG = "png"
    EXR = "exr"
    DNG = "dng"
    RADIANCE = "hdr"
    AVIF = "avif"
    JXL = "jxl"
    UHDR = "uhdr"
    NPY = "npy"

    @property
    def suffix(self) -> str:
        """The suffix of a file's name, without its dot: an Ultra HDR picture is a JPEG."""
        return "jpg" if self is Format.UHDR else self.value


class Stage(Enum):
    """How far ``develop`` goes."""

    FULL = "full"
    RESTORE = "restore"


class Look(Enum):
    """What a finished picture is given at the end: nothing, or more or less contrast and colour."""

    NATURAL = "natural"
    VIVID = "vivid"
    FLAT = "flat"


class Precision(Enum):
    """In what numbers a network counts; auto is int8 where that runs."""

    AUTO = "auto"
    FP32 = "fp32"
    INT8 = "int8"


class Embed(Enum):
    """Where the sidecar of a packed picture stands."""

    APP11 = "app11"
    TRAILER = "trailer"
    SIDECAR = "sidecar"


class ExistsPolicy(Enum):
    """What happens when an output is there already."""

    ERROR = "error"
    SKIP = "skip"
    OVERWRITE = "overwrite"
    RENAME = "rename"
    NEWER = "newer"


class ExitCode(IntEnum):
    """The exit statuses of the command line."""

    OK = 0
    MIXED = 1
    USAGE = 2
    CONFIG = 3
    NO_INPUT = 4
    MODEL = 5
    EXISTS = 6
    INPUT = 7
    DEVICE = 8
    MEMORY = 9
    WRITE = 10
    VERIFY = 11
    SIDECAR = 12
    INTERNAL = 70
    INTERRUPTED = 130
    TERMINATED = 143
