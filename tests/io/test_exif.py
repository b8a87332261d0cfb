import io
import struct

import PIL.Image
import pytest

from rawtool.io.exif import (
    Block,
    ascii_entry,
    block_of,
    block_with,
    dumps,
    loads,
    minimal_block,
    read_exif,
    read_maker,
    short_entry,
    without_maker_note,
)
from rawtool.io.exifsource import tiff_source
from rawtool.io.tiffdir import Entry
from tests.io.material import capture, long, short, text, tiff

NOTE = bytes(range(200)) * 2


def pillow(block):
    """The block as an independent reader sees it: main, Exif and GPS tags."""
    exif = PIL.Image.Exif()
    exif.load(b"Exif\0\0" + block)
    return dict(exif), exif.get_ifd(0x8769), exif.get_ifd(0x8825)


def block(order="<", note=None):
    main = (ascii_entry(271, "Acme"), short_entry(order, 274, 6))
    exif = (Entry(33434, 5, 1, struct.pack(order + "2I", 1, 250), 0), short_entry(order, 34855, 400))
    return Block(order, main, exif, (ascii_entry(1, "N"),), note)


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_independent_reader_finds_every_tag(order):
    main, exif, gps = pillow(dumps(block(order)))

    assert main[271] == "Acme"
    assert (exif[33434], exif[34855]) == (1 / 250, 400)
    assert gps[1] == "N"


@pytest.mark.parametrize("offset", [300, 1500, 20, 10_000_000])
def test_the_maker_note_is_whole_wherever_it_stands(offset):
    packed = dumps(block(note=Entry(37500, 7, len(NOTE), NOTE, offset)))
    main, exif, gps = pillow(packed)

    assert exif[37500] == NOTE
    assert (main[271], exif[34855], gps[1]) == ("Acme", 400, "N")
    if offset < 60_000:
        assert packed[offset : offset + len(NOTE)] == NOTE


def test_a_maker_note_keeps_its_place_when_tags_are_set():
    packed = block_with(
        dumps(block(note=Entry(37500, 7, len(NOTE), NOTE, 1500))), software="a longer name " * 9
    )

    assert packed[1500 : 1500 + len(NOTE)] == NOTE


def test_the_maker_note_can_be_left_out():
    packed = without_maker_note(dumps(block(note=Entry(37500, 7, len(NOTE), NOTE, 1500))))

    assert 37500 not in pillow(packed)[1]
    assert len(packed) < 400


def test_software_and_orientation_are_set():
    main, exif, _ = pillow(block_with(dumps(block()), software="rawtool 9"))

    assert (main[305], main[274], exif[34855]) == ("rawtool 9", 1, 400)


def test_a_block_can_be_made_from_nothing():
    main, _, _ = pillow(block_with(None, software="rawtool 9"))

    assert dict(main) == {274: 1, 305: "rawtool 9"}


def test_what_describes_the_old_picture_is_dropped():
    tags = [
        long(256, 99),
        short(274, 6),
        text(271, "Acme"),
        long(273, 8),
        short(40962, 5),
        text(33432, "(c) Ä"),
    ]
    found = block_of(tiff_source(io.BytesIO(tiff(tags))))
    entries = {entry.code: entry.payload for entry in loads(found).main}

    assert entries.keys() == {271, 33432}
    assert entries[33432].rstrip(b"\0") == "(c) Ä".encode()


def test_a_picture_with_nothing_to_say_has_no_block():
    assert block_of(tiff_source(io.BytesIO(tiff([long(256, 99)])))) is None


def test_the_maker_note_of_adobes_converter_is_found():
    private = b"Adobe\0MakN" + struct.pack(">I", 6 + len(NOTE)) + b"II" + struct.pack(">I", 900) + NOTE
    found = block_of(tiff_source(io.BytesIO(tiff([text(271, "A"), (50740, 1, len(private), private)]))))

    assert found[900 : 900 + len(NOTE)] == NOTE
    assert pillow(found)[1][37500] == NOTE


def test_what_is_known_of_a_capture_makes_a_block():
    main, exif, _ = pillow(minimal_block(capture(focal_length_mm=7.5)))

    assert (main[271], main[272], main[306]) == ("Acme", "Box 1", "2024:05:06 07:08:09")
    assert (exif[33434], exif[33437], exif[37386], exif[34855]) == (0.004, 2.8, 7.5, 200)


def test_the_exif_of_a_jpeg_is_read(tmp_path):
    path = tmp_path / "a.jpg"
    PIL.Image.new("RGB", (8, 8)).save(path, exif=b"Exif\0\0" + dumps(block()))
    main, exif, gps = pillow(read_exif(path))

    assert (main[271], exif[34855], gps[1]) == ("Acme", 400, "N")
    assert 274 not in main


def test_a_file_without_exif_has_none(tmp_path):
    path = tmp_path / "a.jpg"
    PIL.Image.new("RGB", (8, 8)).save(path)

    assert read_exif(path) is None
    assert read_maker(path) is None


def test_bytes_that_are_no_block_are_our_own_mistake():
    with pytest.raises(ValueError, match="TIFF"):
        loads(b"nothing of the kind")
