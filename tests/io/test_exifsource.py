import io
import struct

import PIL.Image
import pytest

from rawtool.io.exifsource import find_exif
from tests.io.material import text, tiff

BLOCK = tiff([text(271, "Acme"), text(272, "Box 1")])
CANON = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")


def box(kind, content):
    return struct.pack(">I4s", 8 + len(content), kind) + content


def jpeg(**options):
    stream = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(stream, "JPEG", exif=b"Exif\0\0" + BLOCK, **options)
    return stream.getvalue()


def png():
    stream = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(stream, "PNG", exif=BLOCK)
    return stream.getvalue()


def raf():
    return b"FUJIFILMCCD-RAW ".ljust(84, b"0") + struct.pack(">II", 200, 999) + b"\0" * 108 + jpeg()


def cr3():
    exif = tiff([text(42036, "Lens")])
    inner = CANON + box(b"CMT1", BLOCK) + box(b"CMT2", exif)
    return box(b"ftyp", b"crx \0\0\0\1") + box(b"moov", box(b"free", b"") + box(b"uuid", inner))


@pytest.mark.parametrize(
    "content", [BLOCK, jpeg(), png(), raf(), cr3()], ids=["tiff", "jpeg", "png", "raf", "cr3"]
)
def test_the_directories_are_found_in_every_kind_of_file(content):
    source = find_exif(io.BytesIO(content))

    assert source is not None
    assert (source.main.text(271), source.main.text(272)) == ("Acme", "Box 1")


def test_the_boxes_of_a_cr3_give_their_own_directories():
    source = find_exif(io.BytesIO(cr3()))

    assert source is not None
    assert source.exif is not None
    assert source.exif.text(42036) == "Lens"
    assert source.gps is None


def test_the_xmp_of_a_jpeg_is_found():
    source = find_exif(io.BytesIO(jpeg(xmp=b"<x/>")))

    assert source is not None
    assert source.xmp == b"<x/>"


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe1\0\0", png()[:20], raf()[:86], cr3()[:60], b"text" * 20]
)
def test_cut_and_foreign_files_have_none(content):
    assert find_exif(io.BytesIO(content)) is None
