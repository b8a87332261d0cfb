import io
import struct

from rawtool.io.ciff import read_make_and_model


def heap(records):
    """A CIFF heap: values, then the directory, then the directory's offset."""
    values, table = b"", b""
    for tag, payload in records:
        table += struct.pack("<HII", tag, len(payload), len(values))
        values += payload
    return values + struct.pack("<H", len(records)) + table + struct.pack("<I", len(values))


def crw(records):
    return b"II" + struct.pack("<I", 26) + b"HEAPCCDR" + b"\0" * 12 + heap(records)


def test_maker_and_model_are_found_in_a_heap_within_a_heap():
    inner = heap([(0x080A, b"Canon\0Canon PowerShot S40\0")])
    content = crw([(0x2005, b"x" * 9), (0x300A, heap([(0x2807, inner)]))])

    assert read_make_and_model(io.BytesIO(content)) == ("Canon", "Canon PowerShot S40")


def test_a_heap_that_says_nothing_gives_nothing():
    assert read_make_and_model(io.BytesIO(crw([(0x2005, b"x")]))) is None


def test_offsets_outside_the_file_give_nothing():
    content = crw([(0x300A, b"abcdefgh")])[:-4] + struct.pack("<I", 10**6)

    assert read_make_and_model(io.BytesIO(content)) is None


def test_other_files_are_left_alone():
    assert read_make_and_model(io.BytesIO(b"II*\0" + b"\0" * 40)) is None
