"""The corrections that a DNG lists: gain maps and radial vignetting, as gain maps.

Source: DNG 1.7.1, chapter 7; opcode lists are big-endian in every file.
"""

import struct

import numpy as np

from rawtool.frames import GainMap

_FIX_VIGNETTE_RADIAL = 3
_GAIN_MAP = 9
_GAIN_MAP_HEAD = struct.Struct(">10I4dI")
_VIGNETTE_NODES = 33


def read_gain_maps(payload: bytes | None, shape: tuple[int, int]) -> tuple[GainMap, ...]:
    """Return the gain maps of an OpcodeList payload for a frame of (height, width).

    Other opcodes, and opcodes cut short, are left out. A map per plane becomes one GainMap each.
    """
    maps: list[GainMap] = []
    for opcode, body in _opcodes(payload or b""):
        if opcode == _GAIN_MAP:
            maps += _gain_maps(body)
        elif opcode == _FIX_VIGNETTE_RADIAL and len(body) == 56:
            maps.append(_vignette_map(struct.unpack(">7d", body), shape))
    return tuple(gain_map for gain_map in maps if np.isfinite(gain_map.gains).all())


def _opcodes(payload: bytes) -> list[tuple[int, bytes]]:
    """Return (opcode, parameters) pairs."""
    if len(payload) < 4:
        return []
    found, at = [], 4
    for _ in range(struct.unpack(">I", payload[:4])[0]):
        if at + 16 > len(payload):
            break
        opcode, _version, _flags, n_bytes = struct.unpack(">4I", payload[at : at + 16])
        body = payload[at + 16 : at + 16 + n_bytes]
        if len(body) == n_bytes:
            found.append((opcode, body))
        at += 16 + n_bytes
    return found


def _gain_maps(body: bytes) -> list[GainMap]:
    """Return the maps of one GainMap opcode, none when its parameters contradict each other."""
    if len(body) < _GAIN_MAP_HEAD.size:
        return []
    head = _GAIN_MAP_HEAD.unpack(body[: _GAIN_MAP_HEAD.size])
    top, left, bottom, right, plane, planes, row_pitch, column_pitch, rows, columns = head[:10]
    n_maps = head[14]
    fits = rows * columns * n_maps * 4 == len(body) - _GAIN_MAP_HEAD.size and n_maps > 0
    if not fits or bottom <= top or right <= left or not row_pitch or not column_pitch or not planes:
        return []
    gains = np.frombuffer(body, ">f4", offset=_GAIN_MAP_HEAD.size).reshape(rows, columns, n_maps)
    return [
        GainMap(
            area=(top, left, bottom - top, right - left),
            pitch=(row_pitch, column_pitch),
            origin=(head[12], head[13]),
            spacing=(head[10], head[11]),
            gains=np.ascontiguousarray(gains[..., index], np.float32),
            plane=plane + index,
            n_planes=planes if n_maps == 1 else 1,
        )
        for index in range(min(n_maps, planes))
    ]


def _vignette_map(parameters: tuple[float, ...], shape: tuple[int, int]) -> GainMap:
    """Return FixVignetteRadial as a map: gain = 1 + k0 r^2 + ... + k4 r^10, r = 1 at the farthest corner."""
    height, width = shape
    center_x, center_y = parameters[5], parameters[6]
    nodes = np.linspace(0.0, 1.0, _VIGNETTE_NODES)
    rows, columns = (nodes - center_y) * height, (nodes - center_x) * width
    squared = rows[:, None] ** 2 + columns[None, :] ** 2
    squared = squared / squared.max()
    powers = sum(k * squared ** (index + 1) for index, k in enumerate(parameters[:5]))
    step = 1.0 / (_VIGNETTE_NODES - 1)
    gains = np.asarray(1.0 + powers, np.float32)
    return GainMap((0, 0, height, width), (1, 1), (0.0, 0.0), (step, step), gains, 0, 4)


def pack_gain_maps(gain_maps: tuple[GainMap, ...]) -> bytes:
    """Return an OpcodeList payload of GainMap opcodes."""
    packed = struct.pack(">I", len(gain_maps))
    for gain_map in gain_maps:
        top, left, height, width = gain_map.area
        head = (
            top,
            left,
            top + height,
            left + width,
            gain_map.plane,
            gain_map.n_planes,
            *gain_map.pitch,
            *gain_map.gains.shape,
            *gain_map.spacing,
            *gain_map.origin,
            1,
        )
        body = _GAIN_MAP_HEAD.pack(*head) + gain_map.gains.astype(">f4").tobytes()
        packed += struct.pack(">4I", _GAIN_MAP, 0x01030000, 0, len(body)) + body
    return packed
