"""HDR pictures that the tests of this room share: light of Rec.2020 primaries, and its PQ codes."""

import numpy as np

from rawtool.color.transfer import pq_decode, pq_encode
from rawtool.frames import ContentLight, Image, Provenance
from rawtool.vocabulary import Profile, Space
from tests.io.material import capture

ROWS, COLUMNS = np.mgrid[0:48, 0:80].astype(np.float32)
# 0.2 to 6000 cd/m2, of a warm hue on the left and a cool one on the right.
_HUES = np.stack([1 - COLUMNS / 200, np.ones_like(ROWS), 0.6 + COLUMNS / 200], axis=2)
NITS = (0.2 * 30_000 ** (ROWS / 47))[..., None] * _HUES
WHO = Provenance("rawtool 9", (("hdr-s@1", "ab" * 32),), "n")
LIGHT = ContentLight(float(NITS.max()), float(NITS.max(axis=2).mean()))


def pq_picture(**changes):
    """The picture as a journey hands it over for AVIF, JPEG XL and PNG."""
    known = {"capture": capture(), "provenance": WHO, "content_light": LIGHT}
    return Image(pq_encode(NITS).astype(np.float32), Space.PQ, Profile.REC2020, **(known | changes))


def off_by(image):
    """The relative error of a picture's luminance at every pixel, its darkest half cd/m2 aside."""
    luminance, expected = (light @ [0.2627, 0.678, 0.0593] for light in (pq_decode(image.as_float()), NITS))
    return np.abs(luminance - expected) / np.maximum(expected, 0.5)
