"""Lists of whole numbers of any size as bits: Exp-Golomb codes that whole arrays are written in at once.

A number n is written as n + 1 in binary, how many digits follow its leading one in unary. The unary parts
of a list, its prefixes, stand together, and so do the digits, its suffixes.
"""

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.errors import DamagedSidecarError

_MAX_DIGITS = 32


def pack_numbers(numbers: AnyArray) -> tuple[bytes, bytes]:
    """Pack numbers int64 (n,) from 0 to 2^32 into prefixes and suffixes."""
    values = np.asarray(numbers, np.int64) + 1
    n_digits = np.frexp(values.astype(np.float64))[1].astype(np.int64) - 1
    prefixes = np.zeros(int((n_digits + 1).sum()), np.uint8)
    prefixes[np.cumsum(n_digits + 1) - 1] = 1
    suffixes = np.zeros(int(n_digits.sum()), np.uint8)
    for chosen, place, shift in _digits(n_digits):
        suffixes[place] = values[chosen] >> shift & 1
    return np.packbits(prefixes).tobytes(), np.packbits(suffixes).tobytes()


def unpack_numbers(prefixes: bytes, suffixes: bytes) -> AnyArray:
    """Unpack what `pack_numbers` packed, int64 (n,).

    Raises:
        DamagedSidecarError: these are not the bytes that it makes of any list.
    """
    ends = np.flatnonzero(np.unpackbits(np.frombuffer(prefixes, np.uint8)))
    n_digits = np.diff(ends, prepend=-1) - 1
    if n_digits.max(initial=0) > _MAX_DIGITS or (int(n_digits.sum()) + 7) // 8 != len(suffixes):
        raise damaged("a list of numbers is broken")
    digits = np.unpackbits(np.frombuffer(suffixes, np.uint8))
    values = np.left_shift(1, n_digits)
    for chosen, place, shift in _digits(n_digits):
        values[chosen] |= digits[place].astype(np.int64) << shift
    if pack_numbers(values - 1) != (prefixes, suffixes):
        raise damaged("a list of numbers has loose ends")
    return values - 1


def _digits(n_digits: AnyArray) -> list[tuple[AnyArray, AnyArray, int]]:
    """Return for each power of two: the numbers with that digit, where it is stored, its exponent."""
    ends = np.cumsum(n_digits)
    chosen = [np.flatnonzero(n_digits > shift) for shift in range(int(n_digits.max(initial=0)))]
    return [(numbers, ends[numbers] - 1 - shift, shift) for shift, numbers in enumerate(chosen)]


def varint(number: int) -> bytes:
    """Write a number 7 bits a byte, the low ones first; the high bit says that more follow."""
    groups = [number >> shift & 127 for shift in range(0, max(number.bit_length(), 1), 7)]
    return bytes([*(group | 128 for group in groups[:-1]), groups[-1]])


def read_varint(content: bytes, at: int) -> tuple[int, int]:
    """Return the number that is written there, below 2^35, and where the next byte is.

    Raises:
        DamagedSidecarError: it does not end.
    """
    number = 0
    for group, byte in enumerate(content[at : at + 5]):
        number |= (byte & 127) << 7 * group
        if byte < 128:
            return number, at + group + 1
    raise damaged("a number is cut short")


def damaged(why: str) -> DamagedSidecarError:
    """Make the error that says why coded numbers cannot be read."""
    return DamagedSidecarError(
        f"the coded samples are damaged: {why}; fetch the file again from where it came"
    )
