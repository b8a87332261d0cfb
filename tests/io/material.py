"""Small frames and files that the tests of this room share."""

import struct

import numpy as np

from rawtool.frames import Capture, Cfa, Illuminated, RawFrame
from rawtool.vocabulary import SensorKind

# A plausible camera: rows sum to what white light gives, XYZ (D65) to camera.
CAMERA_FROM_XYZ = np.array([[0.8606, -0.2573, -0.0949], [-0.8237, 1.5489, 0.2974], [-0.2649, 0.3076, 0.91]])
RGGB = Cfa(((0, 1), (1, 2)))


def capture(**changes):
    known = {
        "make": "Acme",
        "model": "Box 1",
        "as_shot_neutral": np.array([0.5, 1.0, 0.625]),
        "matrices": (Illuminated(6504.0, CAMERA_FROM_XYZ),),
        "iso": 200.0,
        "exposure_s": 0.004,
        "f_number": 2.8,
        "taken_at": "2024:05:06 07:08:09",
    }
    return Capture(**(known | changes))


def mosaic_frame(height=24, width=32, cfa=RGGB, kind=SensorKind.BAYER, **changes):
    n_sites = len(cfa.cell) * len(cfa.cell[0])
    known = {
        "samples": np.random.default_rng(5).integers(0, 16384, (height, width)).astype(np.uint16),
        "kind": kind,
        "cfa": cfa,
        "black_level": tuple(float(64 + site) for site in range(n_sites)),
        "white_level": 16383.0,
        "crop": (2, 4, height - 4, width - 8),
        "capture": capture(),
    }
    return RawFrame(**(known | changes))


def linear_frame(height=24, width=32, **changes):
    known = {
        "samples": np.random.default_rng(6).integers(0, 65536, (height, width, 3)).astype(np.uint16),
        "kind": SensorKind.LINEAR,
        "cfa": None,
        "black_level": (0.0, 0.0, 0.0),
        "white_level": 65535.0,
        "crop": (0, 0, height, width),
        "capture": capture(),
    }
    return RawFrame(**(known | changes))


def tiff(tags, order="<", extra=b""):
    """A classic TIFF of one directory: (code, kind, count, bytes) each, extra bytes at its end."""
    tags = sorted(tags)
    behind = 8 + 2 + 12 * len(tags) + 4
    table, values = b"", b""
    for code, kind, count, payload in tags:
        field = payload.ljust(4, b"\0")
        if len(payload) > 4:
            field = struct.pack(order + "I", behind + len(values))
            values += payload
        table += struct.pack(order + "HHI", code, kind, count) + field
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 8)
    return head + struct.pack(order + "H", len(tags)) + table + b"\0\0\0\0" + values + extra


def short(code, *values, order="<"):
    return code, 3, len(values), struct.pack(f"{order}{len(values)}H", *values)


def long(code, *values, order="<"):
    return code, 4, len(values), struct.pack(f"{order}{len(values)}I", *values)


def rational(code, *pairs, order="<", kind=5):
    flat = [number for pair in pairs for number in pair]
    return code, kind, len(pairs), struct.pack(f"{order}{len(flat)}{'I' if kind == 5 else 'i'}", *flat)


def text(code, words):
    return code, 2, len(words) + 1, words.encode() + b"\0"


def dng(samples, *tags, without=()):
    """A DNG with an uncompressed 16-bit mosaic, RGGB unless the tags say otherwise; later tags win."""
    height, width = samples.shape[:2]
    content = samples.astype(samples.dtype.newbyteorder("<")).tobytes()
    known = [
        long(254, 0),
        long(256, width),
        long(257, height),
        short(258, samples.dtype.itemsize * 8),
        short(259, 1),
        short(262, 32803),
        text(271, "Acme"),
        text(272, "Box 1"),
        long(273, 0),
        short(277, 1),
        long(278, height),
        long(279, len(content)),
        short(33421, 2, 2),
        (33422, 1, 4, b"\0\1\1\2"),
        (50706, 1, 4, b"\1\4\0\0"),
        long(50717, 60000),
        rational(50721, *[(round(v * 10000), 10000) for v in CAMERA_FROM_XYZ.ravel()], kind=10),
        rational(50728, (1, 2), (1, 1), (5, 8)),
        short(50778, 21),
    ]
    merged = {tag[0]: tag for tag in [*known, *tags] if tag[0] not in without}
    start = len(tiff(merged.values()))
    if 273 in merged:
        merged[273] = long(273, start)
    return tiff(merged.values(), extra=content)
