import click
import pytest

from rawtool.cli import words
from rawtool.vocabulary import ExistsPolicy, Format, Profile

CONTEXT = click.Context(click.Command("x"))
PARAMETER = click.Option(["--x"])


def read(reader, word):
    return reader(CONTEXT, PARAMETER, word)


@pytest.mark.parametrize(("word", "value"), [(None, None), ("auto", None), ("1", 1), ("512", 512)])
def test_a_count_is_auto_or_a_positive_number(word, value):
    assert read(words.auto_or_count, word) == value


@pytest.mark.parametrize("word", ["0", "-1", "1.5", "many", "", "²"])
def test_other_counts_are_refused(word):
    with pytest.raises(click.BadParameter):
        read(words.auto_or_count, word)


@pytest.mark.parametrize(
    ("word", "value"),
    [("camera", "camera"), ("auto", "auto"), ("2,1,1.50", "2,1,1.5"), (" 2, 1 ,1", "2,1,1")],
)
def test_white_balance_is_a_word_or_three_gains(word, value):
    assert read(words.white_balance, word) == value


@pytest.mark.parametrize(
    "word", ["warm", "1,2", "1,2,3,4", "0,1,1", "-1,1,1", "nan,1,1", "inf,1,1", "", "a,b,c"]
)
def test_other_white_balances_are_refused(word):
    with pytest.raises(click.BadParameter):
        read(words.white_balance, word)


@pytest.mark.parametrize("word", [None, "1920x1080", "50%", "12.5%", "2048"])
def test_a_size_is_a_frame_a_share_or_a_longest_side(word):
    assert read(words.picture_size, word) == word


@pytest.mark.parametrize("word", ["0", "0x5", "x5", "-3", "50 %", "1920X1080", "big", ""])
def test_other_sizes_are_refused(word):
    with pytest.raises(click.BadParameter):
        read(words.picture_size, word)


def test_an_enum_is_chosen_by_its_values():
    assert list(words.one_of(ExistsPolicy).choices) == [policy.value for policy in ExistsPolicy]
    assert read(words.as_member(ExistsPolicy), "rename") is ExistsPolicy.RENAME
    assert read(words.as_member(ExistsPolicy), None) is None


def test_some_members_are_chosen_each_once():
    few = [Format.EXR, Format.UHDR, Format.UHDR]

    assert list(words.one_of(few).choices) == ["exr", "uhdr"]
    assert read(words.as_members(Format), ("uhdr", "exr", "uhdr")) == (Format.UHDR, Format.EXR)
    assert read(words.as_members(Format), ()) == ()


@pytest.mark.parametrize(
    ("word", "nits"), [(None, None), ("auto", None), ("1000", 1000.0), ("203.5", 203.5), ("10000", 10_000.0)]
)
def test_a_peak_is_auto_or_a_luminance(word, nits):
    assert read(words.auto_or_nits, word) == nits


@pytest.mark.parametrize("word", ["0", "-5", "10001", "nan", "inf", "bright", ""])
def test_other_peaks_are_refused(word):
    with pytest.raises(click.BadParameter):
        read(words.auto_or_nits, word)


@pytest.mark.parametrize(
    ("word", "profile"),
    [(None, None), ("auto", None), ("linear", Profile.LINEAR_SRGB), ("display-p3", Profile.DISPLAY_P3)],
)
def test_an_input_space_is_auto_or_a_profile(word, profile):
    assert read(words.input_space, word) is profile


@pytest.mark.parametrize("word", ["develop", "camera", "mine.jpg", "a/b.JPEG"])
def test_a_base_is_developed_or_the_cameras_or_a_jpeg(word):
    assert read(words.base_picture, word) == word


@pytest.mark.parametrize("word", ["", "Camera", "mine.png", "jpg"])
def test_other_bases_are_refused(word):
    with pytest.raises(click.BadParameter, match="neither develop nor camera nor a file"):
        read(words.base_picture, word)
