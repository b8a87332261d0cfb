"""The XMP packet: the camera's own, with who made the picture added.

Source: ISO 16684-1; IPTC digital source types for pictures that networks have worked on.
"""

import re
from html import escape

from rawtool.frames import Provenance

_BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_END = '\n<?xpacket end="w"?>'
_RDF_END = "</rdf:RDF>"
_EMPTY = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    "</rdf:RDF></x:xmpmeta>"
)
_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
_ORIENTATION = re.compile(r"(tiff:Orientation(?:=[\"']|>))\d")
_OWN = re.compile(r"<rdf:Description[^>]*xmlns:rawtool=.*?</rdf:Description>\s*", re.DOTALL)
# A description of nothing: what declares prefixes and has no property.
_HOLLOW = re.compile(
    r"<rdf:Description(?:\s+(?:rdf:about|xmlns:[\w.-]+)\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*"
    r"(?:/>|>\s*</rdf:Description>)"
)


def xmp_packet(
    provenance: Provenance | None, original: bytes | None, *, orientation: int = 1
) -> bytes | None:
    """Return the packet for a picture, None when there is nothing to say.

    The original's orientation is set to that of the picture; a packet that is no UTF-8 RDF is replaced.
    """
    body = _body(original)
    if body is None and provenance is None:
        return None
    text = _ORIENTATION.sub(rf"\g<1>{orientation}", body or _EMPTY)
    if provenance is not None:
        text = _OWN.sub("", text)
        at = text.rindex(_RDF_END)
        text = text[:at] + _description(provenance, text) + text[at:]
    return (_BEGIN + text.strip() + _END).encode()


def xmp_with(description: str, packet: bytes | None) -> bytes:
    """Return a packet with a further RDF description; one that is no UTF-8 RDF is replaced."""
    text = _body(packet) or _EMPTY
    at = text.rindex(_RDF_END)
    return (_BEGIN + text[:at] + description + text[at:] + _END).encode()


def xmp_without(packet: bytes, uri: str) -> bytes:
    """Return a packet without the properties of a namespace, whatever prefix it goes by."""
    text = packet.decode("utf-8", "surrogateescape")
    for prefix in set(re.findall(rf"xmlns:([\w.-]+)\s*=\s*[\"']{re.escape(uri)}[\"']", text)):
        name = rf"{re.escape(prefix)}:[\w.-]+"
        text = re.sub(rf"<({name})\b(?:[^>]*/>|.*?</\1\s*>)", "", text, flags=re.DOTALL)
        text = re.sub(rf"\s{name}\s*=\s*(?:\"[^\"]*\"|'[^']*')", "", text)
    text = _HOLLOW.sub("", text)
    return text.encode("utf-8", "surrogateescape")


def _body(original: bytes | None) -> str | None:
    """Return the XML inside a packet, None without one that can be added to."""
    try:
        text = (original or b"").rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        return None
    text = re.sub(r"<\?xpacket.*?\?>", "", text, flags=re.DOTALL).strip("\ufeff \r\n\t")
    return text if _RDF_END in text else None


def _description(provenance: Provenance, text: str) -> str:
    """Return our own description; properties that the packet has already are not said twice."""
    fields = [f"<rawtool:Software>{escape(provenance.software)}</rawtool:Software>"]
    if provenance.models:
        named = (f"{name} sha256:{digest}" for name, digest in provenance.models)
        models = "".join(f"<rdf:li>{escape(name)}</rdf:li>" for name in named)
        fields.append(f"<rawtool:Models><rdf:Seq>{models}</rdf:Seq></rawtool:Models>")
        if "DigitalSourceType" not in text:
            fields.append(f"<iptc:DigitalSourceType>{_SOURCE_TYPE}</iptc:DigitalSourceType>")
    if provenance.note:
        fields.append(f"<rawtool:Note>{escape(provenance.note)}</rawtool:Note>")
    names = {"rawtool": "urn:rawtool:1.0", "iptc": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"}
    declared = " ".join(f'xmlns:{prefix}="{escape(uri)}"' for prefix, uri in names.items())
    return f'<rdf:Description rdf:about="" {declared}>{"".join(fields)}</rdf:Description>'
