"""JPEGs that the tests of this room share."""

import io

import numpy as np
import PIL.Image

from rawtool.color.spaces import icc_profile
from rawtool.color.transfer import srgb_decode, srgb_encode
from rawtool.io.jpegsegments import APP2, EXIF_NAME, dumps, loads, segment_of, with_segments
from rawtool.vocabulary import Profile
from tests.io.material import rational, short, text, tiff

XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg"/></rdf:RDF></x:xmpmeta>'
    b"%s<?xpacket end='w'?>" % (b" " * 2000)
)
EXIF = tiff([text(271, "Acme"), text(272, "Box 1"), short(274, 1), rational(33434, (1, 250))])


def jpeg(codes, *, exif=EXIF, icc=Profile.SRGB, **said):
    """A JPEG of codes (H, W, 3) or (H, W) as a camera may write it."""
    stream = io.BytesIO()
    said = {"quality": 95, "subsampling": 0} | said
    PIL.Image.fromarray(codes).save(
        stream,
        "JPEG",
        exif=EXIF_NAME + exif if exif else b"",
        icc_profile=icc_profile(icc) if icc else None,
        **said,
    )
    return stream.getvalue()


def codes_of(light):
    """Light to 8-bit sRGB codes."""
    return np.rint(srgb_encode(np.clip(light, 0, 1)) * 255).astype(np.uint8)


def light_of(content):
    """The light that a JPEG shows, (H, W, 3)."""
    with PIL.Image.open(io.BytesIO(content)) as picture:
        return srgb_decode(np.asarray(picture.convert("RGB"), np.float32) / 255)


def with_application(content, name, payload=b"", marker=APP2):
    """The JPEG with one application segment more."""
    return dumps(with_segments(loads(content), (segment_of(marker, name + payload),)))
