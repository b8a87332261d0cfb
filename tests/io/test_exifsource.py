import io
import struct

import imagecodecs
import numpy as np
import PIL.Image
import pytest

from rawtool.io.exifsource import ADOBE_RGB, find_exif
from rawtool.io.heif import with_items
from tests.io.material import long, text, tiff

BLOCK = tiff([text(271, "Acme"), text(272, "Box 1")])
XMP = b"<x:xmpmeta/>"
PIXELS = np.zeros((8, 8, 3), np.uint8)
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


def webp(**options):
    stream = io.BytesIO()
    PIL.Image.fromarray(PIXELS).save(stream, "WEBP", **({"exif": BLOCK} | options))
    return stream.getvalue()


def avif(exif=BLOCK, xmp=None):
    return with_items(bytes(imagecodecs.avif_encode(PIXELS)), exif=exif, xmp=xmp)


def jxl(*boxes):
    head = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    return head + b"".join(boxes) + box(b"jxlc", b"\xff\x0a")


def png_with_xmp(exif=None):
    stream = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(stream, "PNG", **({"exif": exif} if exif else {}))
    content, payload = stream.getvalue(), b"XML:com.adobe.xmp\0\0\0\0\0" + XMP
    return content[:33] + struct.pack(">I", len(payload)) + b"iTXt" + payload + b"\0\0\0\0" + content[33:]


def interoperable(index):
    """A block whose EXIF directory points to an interoperability directory with an index."""
    main = tiff([text(271, "Acme"), long(34665, 0)])
    exif_at = len(main)
    interop_at = exif_at + 2 + 12 + 4
    main = tiff([text(271, "Acme"), long(34665, exif_at)])
    exif = struct.pack("<HHHII", 1, 40965, 4, 1, interop_at) + bytes(4)
    interop = struct.pack("<HHHI4s", 1, 1, 2, 4, index) + bytes(4)
    return main + exif + interop


def raf():
    return b"FUJIFILMCCD-RAW ".ljust(84, b"0") + struct.pack(">II", 200, 999) + b"\0" * 108 + jpeg()


def cr3():
    exif = tiff([text(42036, "Lens")])
    inner = CANON + box(b"CMT1", BLOCK) + box(b"CMT2", exif)
    return box(b"ftyp", b"crx \0\0\0\1") + box(b"moov", box(b"free", b"") + box(b"uuid", inner))


@pytest.mark.parametrize(
    "content",
    [BLOCK, jpeg(), png(), webp(), avif(), jxl(box(b"Exif", bytes(4) + BLOCK)), raf(), cr3()],
    ids=["tiff", "jpeg", "png", "webp", "avif", "jxl", "raf", "cr3"],
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


@pytest.mark.parametrize(
    "content",
    [
        jpeg(xmp=XMP),
        png_with_xmp(BLOCK),
        webp(xmp=XMP),
        avif(xmp=XMP),
        jxl(box(b"xml ", XMP), box(b"Exif", bytes(4) + BLOCK)),
    ],
    ids=["jpeg", "png", "webp", "avif", "jxl"],
)
def test_xmp_is_found_beside_exif(content):
    source = find_exif(io.BytesIO(content))

    assert source is not None
    assert (source.main.text(271), source.xmp) == ("Acme", XMP)


@pytest.mark.parametrize(
    "content",
    [
        jpeg(xmp=XMP).replace(b"Exif\0", b"none\0", 1),
        png_with_xmp(),
        webp(xmp=XMP, exif=b""),
        avif(exif=None, xmp=XMP),
        jxl(box(b"xml ", XMP)),
    ],
    ids=["jpeg", "png", "webp", "avif", "jxl"],
)
def test_xmp_alone_has_an_empty_directory(content):
    source = find_exif(io.BytesIO(content))

    assert source is not None
    assert (source.main.entries, source.exif, source.xmp) == ({}, None, XMP)


@pytest.mark.parametrize(("index", "expected"), [(b"R03\0", ADOBE_RGB), (b"R98\0", "R98")])
def test_the_interoperability_index_is_read(index, expected):
    assert find_exif(io.BytesIO(interoperable(index))).interop == expected


def test_without_an_interoperability_directory_there_is_no_index():
    assert find_exif(io.BytesIO(BLOCK)).interop is None


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\xff\xd8", b"\xff\xd8\xff\xe1\0\0", png()[:20], raf()[:86], cr3()[:60], b"text" * 20),
        *(webp()[:40], avif()[:80], jxl(box(b"Exif", b"\0"))),
    ],
)
def test_cut_and_foreign_files_have_none(content):
    assert find_exif(io.BytesIO(content)) is None
