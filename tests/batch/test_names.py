import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawtool.batch.names import FIELDS, NameFacts, file_safe, parse_template
from rawtool.errors import UsageError

FACTS = NameFacts(
    dir="shoot/day1",
    reldir="day1",
    stem="IMG_7",
    ext="jpg",
    inext="NEF",
    tag="_dev",
    task="develop",
    network="cameranet-s",
    seq=7,
)


def fill(text, facts=FACTS):
    return parse_template(text).fill(facts)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{stem}{tag}.{ext}", "IMG_7_dev.jpg"),
        ("{reldir}/{stem}_{inext}.{ext}", "day1/IMG_7_NEF.jpg"),
        ("{seq:04}_{model}.{ext}", "0007_cameranet-s.jpg"),
        ("{task}-{seq}", "develop-7"),
        ("{{{stem}}}.tif", "{IMG_7}.tif"),
        ("plain.png", "plain.png"),
    ],
)
def test_fields_are_replaced_by_the_facts_of_the_input(text, name):
    assert fill(text) == name


def test_a_default_stands_in_for_an_empty_value():
    facts = NameFacts("", "", "a", "jpg", "", "_dev", "develop", "", 1)

    assert fill("{model|none}_{stem}", facts) == "none_a"
    assert fill("{model|none}_{stem}") == "cameranet-s_IMG_7"


def test_an_unknown_field_is_refused_with_the_nearest_match():
    with pytest.raises(UsageError, match=r"unknown field \{setm\}; did you mean \{stem\}\?"):
        parse_template("{setm}.{ext}")


def test_an_unknown_field_without_a_near_match_lists_the_fields():
    with pytest.raises(UsageError) as caught:
        parse_template("{zzzzzz}.{ext}")

    assert all(f"{{{field}}}" in str(caught.value) for field in FIELDS)


@pytest.mark.parametrize(
    "text", ["{stem", "stem}", "{stem:>8}", "{seq:x}", "{stem!r}", "{}", "{0}", "{stem.x}"]
)
def test_a_template_that_python_would_take_but_is_no_template_is_refused(text):
    with pytest.raises(UsageError):
        parse_template(text)


def test_values_cannot_leave_their_folder_or_break_a_name():
    facts = NameFacts("d", "", 'a/b\\c:d*e?f"g<h>i|j\nk', "jpg", "", "", "", "", 1)

    assert fill("{stem}.{ext}", facts) == "a_b_c_d_e_f_g_h_i_j_k.jpg"


@given(st.text())
def test_a_safe_value_has_no_separator_and_no_control_character(value):
    safe = file_safe(value)

    assert len(safe) == len(value)
    assert not set(safe) & set('/\\:*?"<>|\0\n\r\t')
