import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rawtool.codec.forms import (
    FLAG,
    NUMBER,
    PLANE,
    TEXT,
    WHOLE,
    choice,
    dumps,
    loads,
    numbers,
    optional,
    record,
    several,
)
from rawtool.errors import DamagedSidecarError, NewerSidecarError


class Color(Enum):
    RED = "red"
    ONE = 1


@dataclass(frozen=True, slots=True)
class Pair:
    name: str
    values: tuple[int, ...]


PAIR = record(Pair, {"name": TEXT, "values": several(WHOLE)})


@given(st.floats(allow_nan=False))
def test_numbers_keep_every_bit(number):
    found = loads(NUMBER, dumps(NUMBER, number))

    assert (found, math.copysign(1, found)) == (number, math.copysign(1, number))


def test_not_a_number_stays_one():
    assert math.isnan(loads(NUMBER, dumps(NUMBER, math.nan)))


def test_a_number_of_numpy_is_written_as_one():
    assert dumps(NUMBER, np.float64(0.1)) == b"0.1"


@given(st.text(), st.integers(), st.booleans())
def test_texts_whole_numbers_and_flags_come_back(text, whole, flag):
    assert loads(TEXT, dumps(TEXT, text)) == text
    assert loads(WHOLE, dumps(WHOLE, whole % 2**64)) == whole % 2**64
    assert loads(FLAG, dumps(FLAG, flag)) is flag


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2)))
def test_planes_keep_every_bit(plane):
    found = loads(PLANE, dumps(PLANE, plane))

    assert found.dtype == np.float32
    assert found.shape == plane.shape
    assert found.tobytes() == plane.tobytes()


def test_a_plane_that_does_not_lie_row_by_row_comes_back():
    plane = np.arange(12, dtype=np.float32).reshape(3, 4).T[::-1]

    np.testing.assert_array_equal(loads(PLANE, dumps(PLANE, plane)), plane)


@given(hnp.arrays(np.float64, (2, 3)))
def test_arrays_keep_their_shape_and_every_number(array):
    np.testing.assert_array_equal(loads(numbers(2, 3), dumps(numbers(2, 3), array)), array)


def test_an_object_stands_by_its_attributes():
    assert dumps(PAIR, Pair("a", (1, 2))) == b'{"name":"a","values":[1,2]}'
    assert loads(PAIR, b'{"values":[1,2],"name":"a"}') == Pair("a", (1, 2))


def test_nothing_and_members_come_back():
    assert loads(optional(TEXT), dumps(optional(TEXT), None)) is None
    assert loads(optional(TEXT), dumps(optional(TEXT), "a")) == "a"
    assert loads(choice(Color), dumps(choice(Color), Color.ONE)) is Color.ONE


@pytest.mark.parametrize(
    ("form", "content"),
    [
        (NUMBER, b"1"),
        (NUMBER, b"true"),
        (NUMBER, b"NaN"),
        (NUMBER, b"Infinity"),
        (NUMBER, b"1e999"),
        (NUMBER, b'"0.1"'),
        (NUMBER, b"null"),
        (WHOLE, b"1.0"),
        (WHOLE, b"true"),
        (WHOLE, b"9" * 5000),
        (FLAG, b"1"),
        (TEXT, b"1"),
        (TEXT, b'"\xff"'),
        (choice(Color), b'"blue"'),
        (choice(Color), b"true"),
        (choice(Color), b"1.0"),
        (choice(Color), b"[]"),
        (several(WHOLE), b'"12"'),
        (several(WHOLE), b'{"0":1}'),
        (several(WHOLE), b"[1,null]"),
        (several(WHOLE, 2), b"[1]"),
        (several(WHOLE, 2), b"[1,2,3]"),
        (numbers(2, 2), b"[1.0,2.0,3.0]"),
        (numbers(2, 2), b"[[1.0,2.0],[3.0,4.0]]"),
        (PLANE, b"[1,1]"),
        (PLANE, b'"AAAAAA=="'),
        (PLANE, b'[1,2,"AAAAAA=="]'),
        (PLANE, b'[1,1,"AAAA*AA=="]'),
        (PLANE, b'[1,1,"AAAAAA="]'),
        (PLANE, b'[1,1,"\\u00e4"]'),
        (PLANE, b"[1,1,7]"),
        (PLANE, b'[0,0,""]'),
        (PLANE, b'[-1,-1,"AAAAAA=="]'),
        (PLANE, b'[true,true,"AAAAAA=="]'),
        (PAIR, b"[]"),
        (PAIR, b"{}"),
        (PAIR, b'{"name":"a"}'),
        (PAIR, b'{"name":"a","values":[1.0]}'),
        (PAIR, b""),
        (PAIR, b'{"name":'),
        (PAIR, b"[" * 100_000),
    ],
)
def test_what_does_not_fit_is_damage(form, content):
    with pytest.raises(DamagedSidecarError, match=r"the whole.*; take another copy"):
        loads(form, content)


def test_the_place_is_named():
    with pytest.raises(DamagedSidecarError, match=r"the whole\.values\[1\] is no whole number"):
        loads(PAIR, b'{"name":"a","values":[1,"2"]}')


def test_what_is_not_known_comes_from_a_newer_version():
    with pytest.raises(NewerSidecarError, match="more"):
        loads(PAIR, b'{"name":"a","values":[],"more":1}')
