import io

import pytest

from rawtool.io.capture import read_facts, read_noise_profile
from rawtool.io.exifsource import tiff_source
from tests.io.material import long, rational, short, text, tiff


def source(*tags):
    found = tiff_source(io.BytesIO(tiff(list(tags))))
    assert found is not None
    return found


def doubles(*values):
    import struct

    return 51041, 12, len(values), struct.pack(f"<{len(values)}d", *values)


def test_the_exposure_is_read():
    facts = read_facts(
        source(rational(33434, (1, 50)), rational(33437, (28, 10)), short(34855, 800), text(271, "A"))
    )

    assert (facts.exposure_s, facts.f_number, facts.iso, facts.make) == (0.02, 2.8, 800.0, "A")


def test_an_iso_above_what_its_tag_can_hold_stands_in_a_newer_tag():
    assert read_facts(source(short(34855, 65535), long(34866, 102400))).iso == 102400.0


def test_silence_is_none():
    facts = read_facts(source(rational(33434, (0, 1)), short(256, 1)))

    assert (facts.exposure_s, facts.f_number, facts.iso, facts.taken_at) == (None, None, None, None)
    assert (facts.make, facts.model) == ("", "")


def test_the_unique_name_stands_in_for_a_missing_model():
    assert read_facts(source(text(50708, "Acme Box 1"))).model == "Acme Box 1"


@pytest.mark.parametrize(("stated", "expected"), [(1, 1), (6, 6), (2, 2), (0, 1), (9, 1)])
def test_an_orientation_out_of_range_is_upright(stated, expected):
    assert read_facts(source(short(274, stated))).orientation == expected


def test_the_noise_of_the_planes_is_averaged():
    main = source(doubles(1.0, 4.0, 2.0, 5.0, 3.0, 6.0)).main

    assert read_noise_profile(main, main) == (2.0, 5.0)


@pytest.mark.parametrize("values", [(1.0,), (-1.0, 2.0)])
def test_a_noise_profile_that_cannot_be_is_none(values):
    main = source(doubles(*values)).main

    assert read_noise_profile(main, main) is None
