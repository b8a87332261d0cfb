import xml.etree.ElementTree as ET

import pytest

from rawtool.frames import Provenance
from rawtool.io.xmp import xmp_packet

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
