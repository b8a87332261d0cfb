"""Lists of numbers: what is packed comes back, anything else is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.codec import numbers
from rawtool.errors import DamagedSidecarError


@given(st.lists(st.integers(0, 2**32), max_size=60))
def test_numbers_of_any_size_are_packed_and_unpacked(values):
    packed = numbers.pack_numbers(np.array(values, np.int64))

    assert numbers.unpack_numbers(*packed).tolist() == values


def test_small_numbers_are_packed_into_few_bits():
    prefixes, suffixes = numbers.pack_numbers(np.array([0, 1, 2, 0, 0, 0, 0]))

    assert (prefixes, suffixes) == (bytes([0b10101111, 0b10000000]), bytes([0b01000000]))


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_noise_is_a_list_or_refused(prefixes, suffixes):
    try:
        values = numbers.unpack_numbers(prefixes, suffixes)
    except DamagedSidecarError:
        return
    assert numbers.pack_numbers(values) == (prefixes, suffixes)


def test_a_digit_too_few_is_refused():
    prefixes, suffixes = numbers.pack_numbers(np.array([500, 9000]))

    with pytest.raises(DamagedSidecarError, match="broken"):
        numbers.unpack_numbers(prefixes, suffixes[:-1])
    with pytest.raises(DamagedSidecarError, match="loose"):
        numbers.unpack_numbers(prefixes + b"\0", suffixes)
    with pytest.raises(DamagedSidecarError, match="broken"):
        numbers.unpack_numbers(bytes(8) + b"\x80", bytes(8))


@given(st.integers(0, 2**35 - 1))
def test_a_varint_comes_back_with_its_end(number):
    content = b"ab" + numbers.varint(number) + b"c"

    assert numbers.read_varint(content, 2) == (number, len(content) - 1)


def test_a_varint_without_end_is_refused():
    for content in (b"", b"\x80", b"\xff" * 9):
        with pytest.raises(DamagedSidecarError, match="cut short"):
            numbers.read_varint(content, 0)
