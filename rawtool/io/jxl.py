"""JPEG XL pictures, through the optional package OpenImageIO. Source: ISO/IEC 18181-2 for the boxes."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.errors import CorruptFileError, InputError, OutputError
from rawtool.frames import Image
from rawtool.io.boxes import box, boxes
from rawtool.io.carried import exif_of, xmp_of
from rawtool.io.cicp import PQ_RGB, Cicp, space_of
from rawtool.io.colorprofile import managed
from rawtool.io.samples import ALPHA_DROPPED, has_alpha, plain, quantised, without_alpha

MAGICS = (b"\xff\x0a", b"\0\0\0\x0cJXL ")
_ADVICE = 'needs the package OpenImageIO; run: pip install "rawtool[jxl]"'
_SIGNATURE = box(b"JXL ", b"\r\n\x87\n")
_FILE_TYPE = box(b"ftyp", b"jxl \0\0\0\0jxl ")
_CODESTREAM = (b"jxlc", b"jxlp")
# The encoder's own, packed or not: Exif that says nothing.
_REPLACED = (b"Exif", b"xml ", b"brob")
_EFFORT = 3


def jxl_bytes(image: Image, scratch: Path, *, quality: int) -> bytes:
    """Return a JPEG XL of a PQ picture, 16 bits; quality 100 keeps every code. The encoder writes to scratch.

    Raises:
        OutputError: the package is missing, or refuses the picture.
    """
    oiio = _library()
    if oiio is None:
        raise OutputError(f"writing JPEG XL {_ADVICE}")
    codes = quantised(image, 16)
    rgb = np.repeat(codes[..., None], 3, axis=2) if codes.ndim == 2 else codes
    spec = oiio.ImageSpec(rgb.shape[1], rgb.shape[0], 3, "uint16")
    spec.attribute("CICP", oiio.TypeDesc("int[4]"), (PQ_RGB.primaries, PQ_RGB.transfer, PQ_RGB.matrix, 1))
    spec.attribute("compression", f"jpegxl:{quality}")
    spec.attribute("jpegxl:effort", _EFFORT)
    encoder = oiio.ImageOutput.create("jpegxl")
    is_written = (
        encoder is not None
        and encoder.open(str(scratch), spec)
        and encoder.write_image(np.ascontiguousarray(rgb))
        and encoder.close()
    )
    encoded = scratch.read_bytes() if is_written else b""
    if not encoded.startswith(MAGICS):
        reason = (encoder.geterror() if encoder is not None else "") or "the encoder gave nothing"
        raise OutputError(f"the JPEG XL cannot be encoded: {reason}; use --format exr")
    return _with_boxes(encoded, exif_of(image), xmp_of(image))


def read_jxl(path: Path) -> Image:
    """Return a JPEG XL picture, upright.

    Raises:
        InputError: the package is missing.
        CorruptFileError: damaged.
        UnsupportedFormatError: colours that have no name here.
    """
    oiio = _library()
    if oiio is None:
        raise InputError(f"reading JPEG XL {_ADVICE}")
    source = oiio.ImageInput.open(str(path))
    stored = None if source is None else source.read_image(oiio.UNKNOWN)
    if source is None or stored is None:
        reason = str(oiio.geterror()).splitlines()[:1]
        raise CorruptFileError(f"the JPEG XL is damaged ({' '.join(reason)}); export it again")
    spec = source.spec()
    image = _meant(plain(without_alpha(stored)), spec.getattribute("CICP"), spec.getattribute("ICCProfile"))
    return replace(image, warnings=(*image.warnings, ALPHA_DROPPED)) if has_alpha(stored) else image


def _meant(pixels: AnyArray, code_points: tuple[int, ...] | None, icc: AnyArray | None) -> Image:
    """Return the pixels with what their code points, or else a profile, say of them."""
    if code_points is not None:
        space, profile = space_of(Cicp(*code_points[:3]))
        return Image(pixels, space, profile)
    return managed(pixels, None if icc is None else icc.tobytes())


def _library() -> ModuleType | None:
    """Return the package, None when it is not installed."""
    try:
        import OpenImageIO
    except ImportError:
        return None
    module: ModuleType = OpenImageIO
    return module


def _with_boxes(encoded: bytes, exif: bytes | None, xmp: bytes | None) -> bytes:
    """Return a file with our EXIF and XMP in the place of those that it has."""
    if encoded.startswith(MAGICS[0]):
        encoded = _SIGNATURE + _FILE_TYPE + box(_CODESTREAM[0], encoded)
    added = box(b"Exif", bytes(4), exif) if exif else b""
    added += box(b"xml ", xmp) if xmp else b""
    found = [(kind, encoded[a:b]) for kind, a, b in boxes(BytesIO(encoded), 0, len(encoded))]
    kept = [(kind, content) for kind, content in found if kind not in _REPLACED]
    first = next(at for at, (kind, _) in enumerate(kept) if kind in _CODESTREAM)
    packed = [box(kind, content) for kind, content in kept]
    return b"".join([*packed[:first], added, *packed[first:]])
