import io
import xml.etree.ElementTree as ET

import numpy as np
import PIL.Image
import pytest

from rawtool.frames import Image, Provenance
from rawtool.io.carried import capture_of, exif_of, xmp_of
from rawtool.io.exif import loads
from rawtool.io.exifsource import find_exif
from rawtool.io.gainmapfacts import container_description
from rawtool.io.xmp import xmp_with
from rawtool.vocabulary import Space
from tests.io.jpegs import XMP
from tests.io.material import capture

PIXELS = np.zeros((2, 2, 3), np.uint8)
EXTENDED = (
    '<rdf:Description rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" '
    'xmlns:GC="http://ns.google.com/photos/1.0/container/" xmpNote:HasExtendedXMP="ABC" GC:x="1"/>'
)


def source(xmp=XMP, **tags):
    exif = PIL.Image.Exif()
    exif[271], exif[272], exif[274] = "Acme", "Box 1", 6
    ifd = exif.get_ifd(0x8769)
    ifd[33434], ifd[34855], ifd[36867], ifd[41986] = 0.004, 200, "2024:05:06 07:08:09", 1
    exif._ifds[0x8769] = ifd
    stream = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(stream, "JPEG", exif=exif, xmp=xmp)
    return find_exif(io.BytesIO(stream.getvalue()))


def test_the_facts_of_a_finished_picture_are_its_capture():
    found = capture_of(source())

    assert (found.make, found.model, found.iso, found.exposure_s) == ("Acme", "Box 1", 200, 0.004)
    assert (found.taken_at, found.orientation, found.matrices) == ("2024:05:06 07:08:09", 1, ())
    assert found.as_shot_neutral is None


def test_the_block_is_carried_without_orientation():
    block = loads(capture_of(source()).exif)

    assert 274 not in {entry.code for entry in block.main}
    assert 41986 in {entry.code for entry in block.exif}


def test_xmp_that_speaks_of_pictures_left_behind_is_taken_out():
    packet = xmp_with(EXTENDED, xmp_with(container_description(99), XMP))
    found = capture_of(source(packet)).xmp

    for word in (b"Container", b"hdrgm", b"HasExtendedXMP", b"GC:x"):
        assert word not in found
    assert b'dc:format="image/jpeg"' in found
    ET.fromstring(found)


def test_a_file_that_says_nothing_has_no_capture():
    assert capture_of(None) is None


@pytest.mark.parametrize("given", [None, capture(), capture(exif=capture_of(source()).exif)])
def test_the_block_to_embed_is_upright_and_names_the_software(given):
    block = loads(exif_of(Image(PIXELS, Space.DISPLAY, capture=given, provenance=Provenance("rawtool 9"))))
    main = {entry.code: entry.payload for entry in block.main}

    assert main[305] == b"rawtool 9\0"
    assert sum(main[274][:2]) == 1
    assert (main.get(271) == b"Acme\0") is (given is not None)


def test_the_packet_to_embed_is_the_cameras_own_with_the_maker():
    image = Image(PIXELS, Space.DISPLAY, capture=capture(xmp=XMP), provenance=Provenance("rawtool 9"))

    assert b"rawtool 9" in xmp_of(image)
    assert b"image/jpeg" in xmp_of(image)


def test_a_picture_of_nobody_embeds_nothing():
    assert exif_of(Image(PIXELS, Space.DISPLAY)) is None
    assert xmp_of(Image(PIXELS, Space.DISPLAY)) is None
