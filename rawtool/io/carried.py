"""What a picture carries beside its pixels, from file to file: the capture, EXIF, XMP, who made it."""

from rawtool.frames import Capture, Image
from rawtool.io.capture import read_facts
from rawtool.io.exif import block_of, block_with, minimal_block
from rawtool.io.exifsource import ExifSource
from rawtool.io.gainmapfacts import CONTAINER_URI, HDRGM_URI
from rawtool.io.xmp import xmp_packet, xmp_without

_EXTENDED_URI = "http://ns.adobe.com/xmp/note/"
# They speak of pictures behind this one and of a second packet, which do not travel.
_LEFT_BEHIND = (CONTAINER_URI, HDRGM_URI, _EXTENDED_URI)


def exif_of(image: Image) -> bytes | None:
    """Return the EXIF block to embed: the capture's, upright, with our name as Software."""
    software = image.provenance.software if image.provenance else None
    if image.capture is None:
        return block_with(None, software=software) if software else None
    return block_with(image.capture.exif or minimal_block(image.capture), software=software)


def xmp_of(image: Image) -> bytes | None:
    """Return the XMP packet to embed."""
    return xmp_packet(image.provenance, image.capture.xmp if image.capture else None)


def capture_of(source: ExifSource | None) -> Capture | None:
    """Return the capture of a finished picture, which is upright; None for a file that says nothing."""
    if source is None:
        return None
    facts, xmp = read_facts(source), source.xmp
    for uri in _LEFT_BEHIND if xmp else ():
        xmp = xmp_without(xmp, uri) if xmp else None
    return Capture(
        make=facts.make,
        model=facts.model,
        as_shot_neutral=None,
        matrices=(),
        iso=facts.iso,
        exposure_s=facts.exposure_s,
        f_number=facts.f_number,
        focal_length_mm=facts.focal_length_mm,
        taken_at=facts.taken_at,
        exif=block_of(source),
        xmp=xmp,
    )
