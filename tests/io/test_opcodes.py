import struct

import numpy as np
import pytest

from rawtool.frames import GainMap
from rawtool.io.opcodes import pack_gain_maps, read_gain_maps


def vignette(*coefficients, center=(0.5, 0.5)):
    body = struct.pack(">7d", *coefficients, *center)
    return struct.pack(">I", 1) + struct.pack(">4I", 3, 0x01030000, 0, len(body)) + body


def sample_map(plane=0):
    gains = np.arange(6, dtype=np.float32).reshape(2, 3) / 4 + 1
    return GainMap((1, 0, 29, 40), (2, 2), (0.0, 0.125), (0.5, 0.25), gains, plane, 1)


def test_a_gain_map_survives_packing():
    (found,) = read_gain_maps(pack_gain_maps((sample_map(),)), (30, 40))

    np.testing.assert_array_equal(found.gains, sample_map().gains)
    assert (found.area, found.pitch, found.origin) == (sample_map().area, (2, 2), (0.0, 0.125))
    assert (found.spacing, found.plane, found.n_planes) == ((0.5, 0.25), 0, 1)


def test_the_payload_is_big_endian_and_starts_with_the_number_of_opcodes():
    payload = pack_gain_maps((sample_map(), sample_map()))

    assert payload[:8] == b"\0\0\0\2\0\0\0\x09"


def test_a_map_for_each_plane_becomes_one_map_each():
    gains = np.arange(8, dtype=">f4")
    head = struct.pack(">10I4dI", 0, 0, 4, 4, 0, 2, 1, 1, 2, 2, 1.0, 1.0, 0.0, 0.0, 2)
    body = head + gains.tobytes()
    payload = struct.pack(">5I", 1, 9, 0, 0, len(body)) + body
    first, second = read_gain_maps(payload, (4, 4))

    np.testing.assert_array_equal(first.gains, [[0, 2], [4, 6]])
    np.testing.assert_array_equal(second.gains, [[1, 3], [5, 7]])
    assert (first.plane, second.plane) == (0, 1)


def test_vignetting_becomes_a_map_with_the_polynomial_at_its_nodes():
    (found,) = read_gain_maps(vignette(0.5, 0.25, 0.0, 0.0, 0.0), (30, 40))

    assert found.gains[16, 16] == pytest.approx(1.0)
    assert found.gains[0, 0] == pytest.approx(1.75)
    # Half-way down the left side of a 3:4 frame: r^2 = (20^2) / (20^2 + 15^2).
    r2 = 400 / 625
    assert found.gains[16, 0] == pytest.approx(1 + 0.5 * r2 + 0.25 * r2**2)


@pytest.mark.parametrize("payload", [None, b"", b"\0\0\0\1", b"\xff" * 40, vignette(1, 0, 0, 0, 0)[:-9]])
def test_cut_or_absurd_lists_hold_nothing(payload):
    assert read_gain_maps(payload, (4, 4)) == ()


def test_gains_that_are_no_numbers_are_left_out():
    payload = bytearray(pack_gain_maps((sample_map(),)))
    payload[-4:] = struct.pack(">f", float("nan"))

    assert read_gain_maps(bytes(payload), (30, 40)) == ()
