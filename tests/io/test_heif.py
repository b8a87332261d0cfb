import struct

import imagecodecs
import numpy as np
import pytest

from rawtool.errors import CorruptFileError
from rawtool.io.boxes import box, full_box
from rawtool.io.heif import loads, with_items

CODES = np.random.default_rng(1).integers(0, 1024, (20, 33, 3)).astype(np.uint16)
PLAIN = bytes(imagecodecs.avif_encode(CODES, 100, bitspersample=10, primaries=9, transfer=16, matrix=9))
EXIF, XMP = b"MM\0*\0\0\0\x08\0\0\0\0\0\0", b"<x:xmpmeta/>"


def test_a_file_of_libavif_has_one_picture_and_its_properties():
    container = loads(PLAIN)

    assert [item.kind for item in container.items] == [b"av01"]
    assert container.stated(b"ispe") == struct.pack(">3I", 0, 33, 20)
    assert container.stated(b"colr")[:10] == b"nclx" + struct.pack(">3H", 9, 16, 9)
    assert (container.exif, container.xmp, container.stated(b"clli")) == (None, None, None)


@pytest.mark.parametrize("exif", [EXIF, None])
@pytest.mark.parametrize("xmp", [XMP, None])
def test_what_is_added_is_read_back_and_the_picture_is_the_same(exif, xmp):
    content = with_items(PLAIN, exif=exif, xmp=xmp, properties=((b"clli", b"\0\1\0\2"),))
    container = loads(content)

    assert (container.exif, container.xmp) == (exif, xmp)
    assert container.stated(b"clli") == b"\0\1\0\2"
    assert container.item(b"av01") == loads(PLAIN).item(b"av01")
    np.testing.assert_array_equal(imagecodecs.avif_decode(content), imagecodecs.avif_decode(PLAIN))


def test_what_is_added_twice_is_there_once():
    once = with_items(PLAIN, exif=EXIF, xmp=XMP)

    assert loads(with_items(once, exif=EXIF, xmp=b"<other/>")).xmp == b"<other/>"
    assert len(loads(with_items(once, exif=EXIF, xmp=XMP)).items) == 3


def wide():
    """A container as other writers make it: wide numbers, items in idat, extents, a late mime item."""
    iloc = b"\x44\x48" + struct.pack(">I", 2)
    iloc += struct.pack(">IHHI H", 7, 1, 0, 1, 2) + struct.pack(">QII QII", 0, 0, 2, 0, 3, 2)
    iloc += struct.pack(">IHHI H", 9, 0, 0, 0, 1) + struct.pack(">QII", 0, 8, 4)
    infe = full_box(b"infe", 3, 0, struct.pack(">IH4s", 7, 0, b"Exif"), b"name\0")
    infe += full_box(b"infe", 2, 0, struct.pack(">HH4s", 9, 0, b"mime"), b"\0application/rdf+xml\0\0")
    meta = [full_box(b"iloc", 2, 0, iloc), full_box(b"iinf", 1, 0, struct.pack(">I", 2), infe)]
    meta += [box(b"idat", b"\0\0\0\0ABC"), box(b"iprp", box(b"ipco", box(b"irot", b"\1")))]
    return box(b"ftyp", b"avif") + full_box(b"meta", 0, 0, *meta)


def test_wide_containers_of_other_writers_are_understood():
    container = loads(wide())

    assert [item.number for item in container.items] == [7, 9]
    assert container.item(b"Exif") == b"\0\0AB"
    assert container.xmp == b"avif"
    assert container.stated(b"irot") == b"\1"


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.4])
def test_a_cut_container_is_damage(share):
    with pytest.raises(CorruptFileError):
        loads(PLAIN[: int(len(PLAIN[: PLAIN.index(b"mdat")]) * share)])


@pytest.mark.parametrize("name", [b"iloc", b"iinf", b"iprp", b"ipco", b"meta"])
def test_a_container_without_a_box_that_it_must_have_is_damage(name):
    with pytest.raises(CorruptFileError):
        loads(PLAIN.replace(name, b"free"))


def test_an_item_list_that_ends_early_is_damage():
    at = PLAIN.index(b"iloc")
    short = PLAIN[:at] + b"iloc" + PLAIN[at + 4 : at + 10] + b"\xff\xff" + PLAIN[at + 12 :]

    with pytest.raises(CorruptFileError):
        loads(short)
