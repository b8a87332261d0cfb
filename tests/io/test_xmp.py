import xml.etree.ElementTree as ET

import pytest

from rawtool.frames import Provenance
from rawtool.io.xmp import xmp_packet, xmp_with, xmp_without

WHO = Provenance("rawtool 9", (("net-a", "ab" * 32), ("net-b", "cd" * 32)), 'a < b & "c"')
OWN = "{urn:rawtool:1.0}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
CAMERAS = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6">
<tiff:Make>Acme</tiff:Make></rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>\0\0"""


def parsed(packet):
    assert packet is not None
    assert packet.startswith(b"<?xpacket begin=")
    return ET.fromstring(packet)


def test_a_packet_says_who_made_the_picture():
    root = parsed(xmp_packet(WHO, None))

    assert [node.text for node in root.iter(f"{OWN}Software")] == ["rawtool 9"]
    assert [node.text for node in root.iter(f"{OWN}Note")] == ['a < b & "c"']
    assert [node.text for node in root.iter(f"{RDF}li")] == [
        f"net-a sha256:{'ab' * 32}",
        f"net-b sha256:{'cd' * 32}",
    ]


def test_a_picture_that_networks_worked_on_says_so():
    assert b"algorithmicallyEnhanced" in (xmp_packet(WHO, None) or b"")
    assert b"algorithmicallyEnhanced" not in (xmp_packet(Provenance("rawtool 9"), None) or b"")


def test_the_cameras_own_packet_is_kept_and_turned_upright():
    root = parsed(xmp_packet(WHO, CAMERAS))
    tiff = "{http://ns.adobe.com/tiff/1.0/}"

    assert [node.text for node in root.iter(f"{tiff}Make")] == ["Acme"]
    assert [node.get(f"{tiff}Orientation") for node in root.iter(f"{RDF}Description")] == ["1", None]


def test_saying_it_twice_says_it_once():
    twice = parsed(xmp_packet(WHO, xmp_packet(WHO, CAMERAS)))

    assert len(list(twice.iter(f"{OWN}Software"))) == 1


@pytest.mark.parametrize("broken", [b"\xff\xfe\0", b"no xml at all", b""])
def test_a_packet_that_cannot_be_added_to_is_replaced(broken):
    assert len(list(parsed(xmp_packet(WHO, broken)).iter(f"{OWN}Software"))) == 1


def test_nothing_to_say_is_no_packet():
    assert xmp_packet(None, None) is None


TIFF_URI = "http://ns.adobe.com/tiff/1.0/"
OURS = '<rdf:Description rdf:about="" xmlns:a="urn:a" a:b="1"/>'


def test_a_description_is_added_and_the_rest_stays():
    root = parsed(xmp_with(OURS, CAMERAS))

    assert [node.get("{urn:a}b") for node in root.iter(f"{RDF}Description")] == [None, "1"]
    assert [node.text for node in root.iter(f"{{{TIFF_URI}}}Make")] == ["Acme"]
    assert next(root.iter(f"{RDF}Description")).get(f"{{{TIFF_URI}}}Orientation") == "6"


@pytest.mark.parametrize("packet", [None, b"", b"\xff\xfe", b"no xml"])
def test_a_description_alone_makes_a_packet(packet):
    assert len(list(parsed(xmp_with(OURS, packet)).iter(f"{RDF}Description"))) == 1


def test_a_namespace_is_taken_out_under_whatever_prefix():
    for prefix in ("tiff", "t-1"):
        packet = CAMERAS.replace(b"tiff:", f"{prefix}:".encode()).replace(b":tiff=", f":{prefix}=".encode())
        found = xmp_without(packet, TIFF_URI)

        assert b"Acme" not in found
        assert b"Orientation" not in found
        ET.fromstring(found[: found.rindex(b">") + 1])


def test_other_namespaces_stay_and_hollow_descriptions_go():
    packet = xmp_with(OURS, CAMERAS)
    found = xmp_without(xmp_without(packet, TIFF_URI), "urn:none")
    descriptions = list(parsed(found).iter(f"{RDF}Description"))

    assert [node.get("{urn:a}b") for node in descriptions] == ["1"]


def test_nested_and_empty_elements_are_taken_out_whole():
    inner = "<rdf:Seq><rdf:li><c:I c:x='1'/></rdf:li></rdf:Seq>"
    nested = f'<rdf:Description xmlns:c="urn:c"><c:D>{inner}</c:D><c:E/>'
    packet = xmp_with(nested + "</rdf:Description>", xmp_with(OURS, None))

    assert xmp_without(packet, "urn:c") == xmp_with(OURS, None)


def test_a_packet_without_the_namespace_is_as_it_was():
    assert xmp_without(CAMERAS, "urn:none") == CAMERAS
    assert xmp_without(b"\xff\xfe\0", "urn:none") == b"\xff\xfe\0"
