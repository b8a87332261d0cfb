import pytest

from rawtool.color.spaces import chromaticities
from rawtool.io.primaries import nearest_profile, stated_by
from rawtool.vocabulary import Profile


@pytest.mark.parametrize("profile", list(Profile))
def test_files_state_what_the_colour_room_computes_with(profile):
    assert stated_by(profile) == chromaticities(profile)


@pytest.mark.parametrize(
    "profile", [Profile.LINEAR_SRGB, Profile.DISPLAY_P3, Profile.ADOBE_RGB, Profile.REC2020]
)
def test_the_nearest_of_what_is_stated_is_itself(profile):
    near = tuple(float(value) + 0.004 for value in stated_by(profile))

    assert nearest_profile(near) is profile


def test_without_a_statement_primaries_are_rec709():
    assert nearest_profile(None) is Profile.LINEAR_SRGB
