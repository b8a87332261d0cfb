import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.codec.deflate import MOST_BYTES, deflate, inflate
from rawtool.errors import DamagedSidecarError


@given(st.binary(max_size=300))
def test_bytes_come_back(content):
    assert inflate(deflate(content)) == content
    assert zlib.decompress(deflate(content)) == content


def test_the_most_that_is_read_is_written_and_no_more():
    content = bytes(MOST_BYTES)

    assert inflate(deflate(content)) == content
    with pytest.raises(ValueError, match="at most"):
        deflate(content + b"\0")


@pytest.mark.parametrize("n_more", [1, MOST_BYTES])
def test_a_bomb_is_damage(n_more):
    with pytest.raises(DamagedSidecarError):
        inflate(zlib.compress(bytes(MOST_BYTES + n_more), 1))


@pytest.mark.parametrize(
    "change", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b"", lambda b: b"no zlib"]
)
def test_no_whole_stream_is_damage(change):
    with pytest.raises(DamagedSidecarError):
        inflate(change(deflate(b"abc")))
