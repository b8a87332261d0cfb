import pytest

from rawtool.errors import UnsupportedFormatError
from rawtool.io.cicp import PQ_RGB, PQ_YCC, Cicp, space_of
from rawtool.vocabulary import Profile, Space


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (Cicp(1, 13, 0), (Space.DISPLAY, Profile.SRGB)),
        (Cicp(2, 2, 2), (Space.DISPLAY, Profile.SRGB)),
        (Cicp(12, 13, 6), (Space.DISPLAY, Profile.DISPLAY_P3)),
        (Cicp(9, 1, 9), (Space.DISPLAY, Profile.REC2020)),
        (Cicp(9, 16, 9), (Space.PQ, Profile.REC2020)),
        (Cicp(12, 16, 0), (Space.PQ, Profile.DISPLAY_P3)),
        (Cicp(1, 8, 0), (Space.SCENE_LINEAR, Profile.LINEAR_SRGB)),
        (Cicp(9, 8, 0), (Space.SCENE_LINEAR, Profile.REC2020)),
        (PQ_RGB, (Space.PQ, Profile.REC2020)),
        (PQ_YCC, (Space.PQ, Profile.REC2020)),
    ],
)
def test_code_points_name_the_space(stated, expected):
    assert space_of(stated) == expected


@pytest.mark.parametrize(("stated", "word"), [(Cicp(9, 18, 9), "HLG"), (Cicp(22, 13, 0), "primaries 22")])
def test_what_has_no_name_here_is_refused(stated, word):
    with pytest.raises(UnsupportedFormatError, match=word):
        space_of(stated)
