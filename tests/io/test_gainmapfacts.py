import struct
import xml.etree.ElementTree as ET
from fractions import Fraction

import pytest

from rawtool.errors import CorruptFileError
from rawtool.frames import GainRange
from rawtool.io.gainmapfacts import (
    container_description,
    dumps_iso,
    hdrgm_description,
    loads_hdrgm,
    loads_iso,
)
from rawtool.io.xmp import xmp_with

ONE = (GainRange(-0.25, 5.5),)
THREE = (GainRange(0.0, 1.5, 1.0, 0.0, 0.0), GainRange(-1.0, 6.0, 0.5, 0.1, 0.2), GainRange(0.125, 2.0))
HDRGM = "{http://ns.adobe.com/hdr-gain-map/1.0/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


@pytest.mark.parametrize("ranges", [ONE, THREE])
def test_the_binary_form_is_read_back(ranges):
    found, base_ev, hdr_ev = loads_iso(dumps_iso(ranges, 0.0, 5.5))

    assert (base_ev, hdr_ev) == (0.0, 5.5)
    assert found == ranges


def test_the_binary_form_has_the_fields_of_the_standard_in_their_order():
    content = dumps_iso(ONE, 0.0, 5.5)
    flat = struct.unpack(">HHB2I2I2i2i2I2i2i", content[:61])
    fractions = [Fraction(*pair) for pair in zip(flat[3::2], flat[4::2], strict=True)]

    assert len(content) == 61
    assert flat[:3] == (0, 0, 0x40)
    assert fractions == [
        0,
        Fraction(11, 2),
        Fraction(-1, 4),
        Fraction(11, 2),
        1,
        Fraction(1, 64),
        Fraction(1, 64),
    ]


def test_three_channels_are_flagged():
    content = dumps_iso(THREE, 0.0, 6.0)

    assert content[4] == 0xC0
    assert len(content) == 21 + 3 * 40


def test_a_common_denominator_is_understood():
    content = bytes(4) + b"\x08" + struct.pack(">3I2iI2i", 2, 2, 8, -1, 4, 2, 1, 0)

    assert loads_iso(content) == ((GainRange(-0.5, 2.0, 1.0, 0.5, 0.0),), 1.0, 4.0)


def test_numerators_may_use_all_of_their_bits():
    content = bytes(4) + b"\x40" + struct.pack(">4I", 0, 1, 0xF0000000, 0x10000000)
    content += struct.pack(">iIiIIIiIiI", -1, 1, 6, 2, 0xC0000000, 0x80000000, 1, 64, 1, 64)

    assert loads_iso(content) == ((GainRange(-1.0, 3.0, 1.5),), 0.0, 15.0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(4),
        dumps_iso(ONE, 0.0, 1.0)[:-1],
        b"\0\1" + dumps_iso(ONE, 0.0, 1.0)[2:],
        bytes(4) + b"\x44" + bytes(56),
    ],
)
def test_a_binary_form_that_is_cut_or_foreign_is_refused(content):
    with pytest.raises(CorruptFileError):
        loads_iso(content)


@pytest.mark.parametrize("ranges", [ONE, THREE])
def test_the_xmp_form_is_read_back(ranges):
    packet = xmp_with(hdrgm_description(ranges, 0.0, 5.5), None).decode()
    found, base_ev, hdr_ev = loads_hdrgm(packet)

    assert found == ranges
    assert (base_ev, hdr_ev) == (0.0, 5.5)


def test_the_xmp_form_is_what_the_specification_shows():
    root = ET.fromstring(xmp_with(hdrgm_description(ONE, 0.0, 5.5), None))
    (described,) = root.iter(f"{RDF}Description")

    assert described.get(f"{HDRGM}Version") == "1.0"
    assert described.get(f"{HDRGM}BaseRenditionIsHDR") == "False"
    assert float(described.get(f"{HDRGM}GainMapMin")) == -0.25
    assert float(described.get(f"{HDRGM}HDRCapacityMax")) == 5.5
    assert float(described.get(f"{HDRGM}OffsetSDR")) == 1 / 64


def test_what_the_xmp_form_leaves_out_has_its_default():
    packet = '<x hdrgm:Version="1.0" hdrgm:GainMapMax="3.5" hdrgm:HDRCapacityMax=\'4\'/>'

    assert loads_hdrgm(packet) == ((GainRange(0.0, 3.5),), 0.0, 4.0)


def test_plain_elements_are_read_like_attributes():
    packet = "<hdrgm:GainMapMax>2</hdrgm:GainMapMax><hdrgm:HDRCapacityMax>3</hdrgm:HDRCapacityMax>"

    assert loads_hdrgm(packet) == ((GainRange(0.0, 2.0),), 0.0, 3.0)


@pytest.mark.parametrize(
    "packet",
    [
        'hdrgm:Version="1.0"',
        'hdrgm:GainMapMax="3"',
        'hdrgm:GainMapMax="x" hdrgm:HDRCapacityMax="1"',
        'hdrgm:GainMapMax="3" hdrgm:HDRCapacityMax="1" hdrgm:BaseRenditionIsHDR="True"',
    ],
)
def test_an_xmp_form_that_lacks_its_must_or_means_another_base_is_refused(packet):
    with pytest.raises(CorruptFileError):
        loads_hdrgm(packet)


def test_the_container_names_both_pictures_and_the_length_of_the_second():
    root = ET.fromstring(xmp_with(container_description(1234), None))
    item = "{http://ns.google.com/photos/1.0/container/item/}"
    items = list(root.iter("{http://ns.google.com/photos/1.0/container/}Item"))

    assert [one.get(f"{item}Semantic") for one in items] == ["Primary", "GainMap"]
    assert items[1].get(f"{item}Length") == "1234"
    assert next(root.iter(f"{RDF}Description")).get(f"{HDRGM}Version") == "1.0"
