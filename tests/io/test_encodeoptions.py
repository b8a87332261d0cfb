"""What each format can hold."""

import pytest

from rawtool.errors import UsageError
from rawtool.io.encodeoptions import EncodeOptions, depth_of
from rawtool.vocabulary import Format


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (EncodeOptions(Format.JPEG), (8, False)),
        (EncodeOptions(Format.PNG, bit_depth=16), (16, False)),
        (EncodeOptions(Format.TIFF, is_float=True), (32, True)),
        (EncodeOptions(Format.EXR), (16, True)),
        (EncodeOptions(Format.EXR, bit_depth=32), (32, True)),
        (EncodeOptions(Format.RADIANCE), (8, True)),
        (EncodeOptions(Format.AVIF), (10, False)),
        (EncodeOptions(Format.AVIF, bit_depth=12), (12, False)),
        (EncodeOptions(Format.JXL), (16, False)),
        (EncodeOptions(Format.UHDR), (8, False)),
    ],
    ids=str,
)
def test_every_format_has_its_depths(options, expected):
    assert depth_of(options) == expected


def test_a_dng_has_a_door_of_its_own():
    with pytest.raises(ValueError, match="write_dng"):
        depth_of(EncodeOptions(Format.DNG))


def test_what_a_format_cannot_hold_is_refused_with_what_it_can():
    with pytest.raises(UsageError, match="jpg cannot hold 16 bits; use --bit-depth 8, or --format tiff"):
        depth_of(EncodeOptions(Format.JPEG, bit_depth=16))
