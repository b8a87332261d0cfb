"""JPEGs that can stay as they are under a gain map."""

from io import BytesIO
from pathlib import Path

from rawtool.io.exifsource import ADOBE_RGB, ExifSource, find_exif
from rawtool.io.iccprofile import profile_of
from rawtool.io.jpegsegments import SOI, frame_of, loads, profile_in
from rawtool.io.reading import readable

_ORIENTATION = 274


def read_base(path: Path) -> bytes | None:
    """Return the bytes of a JPEG whose picture every reader takes for what it is here.

    None for other files, and for a JPEG that must be turned, is grey (libultrahdr refuses such a base), or
    whose colours are not those of sRGB or of an embedded profile that has a name here.

    Raises:
        CorruptFileError: the JPEG is damaged or cut short.
        InputError: not readable.
    """
    with readable(), path.open("rb") as stream:
        if stream.read(len(SOI)) != SOI:
            return None
        content = SOI + stream.read()
    source, picture = find_exif(BytesIO(content)), loads(content)
    is_color = frame_of(picture)[2] == 3
    is_upright = source is None or source.main.integer(_ORIENTATION, 1) == 1
    return content if is_color and is_upright and _is_named(profile_in(picture), source) else None


def _is_named(icc: bytes | None, source: ExifSource | None) -> bool:
    """Return whether the embedded profile, or that there is none, says what the colours are."""
    if icc is not None:
        return profile_of(icc) is not None
    return source is None or source.interop != ADOBE_RGB
