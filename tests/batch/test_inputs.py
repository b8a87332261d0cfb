import io
from pathlib import Path

import pytest

from rawtool.batch.inputs import Selection, find_inputs, natural_key
from rawtool.errors import InputError, NoInputError, UsageError

SUFFIXES = frozenset({".dng", ".nef"})


@pytest.fixture(autouse=True)
def shoot(tmp_path, monkeypatch):
    for name in (
        "shoot/img10.dng",
        "shoot/img2.DNG",
        "shoot/notes.txt",
        "shoot/.hidden.dng",
        "shoot/.img2_dev.jpg.77.part",
        "shoot/late.dng.part",
        "shoot/day1/a.nef",
        "shoot/day1/.thumbs/t.dng",
        "shoot/day1/deep/b.dng",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.chdir(tmp_path)


def names(*words, **choices):
    found = find_inputs(Selection(words, **choices), SUFFIXES)
    return [each.path.as_posix() for each in found]


def test_a_folder_gives_its_raws_in_natural_order_and_not_those_of_sub_folders():
    assert names("shoot") == ["shoot/img2.DNG", "shoot/img10.dng"]


def test_a_recursive_search_reaches_every_folder_but_hidden_ones():
    assert names("shoot", is_recursive=True) == [
        "shoot/day1/a.nef",
        "shoot/day1/deep/b.dng",
        "shoot/img2.DNG",
        "shoot/img10.dng",
    ]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("shoot/*.dng", ["shoot/img10.dng"]),
        ("shoot/img?.DNG", ["shoot/img2.DNG"]),
        ("shoot/**/*.dng", ["shoot/day1/deep/b.dng", "shoot/img10.dng"]),
        ("shoot/*/*.nef", ["shoot/day1/a.nef"]),
        ("**/[ab].*", ["shoot/day1/a.nef", "shoot/day1/deep/b.dng"]),
    ],
)
def test_a_quoted_pattern_is_expanded(pattern, found):
    assert names(pattern) == found


def test_a_file_whose_name_looks_like_a_pattern_is_taken_as_the_file():
    Path("[1].dng").write_bytes(b"x")
    Path("1.dng").write_bytes(b"x")

    assert names("[1].dng") == ["[1].dng"]


def test_named_files_keep_their_order_and_come_once():
    assert names("shoot/img10.dng", "shoot/img2.DNG", "shoot/day1/../img10.dng", "shoot") == [
        "shoot/img10.dng",
        "shoot/img2.DNG",
    ]


def test_a_file_that_was_named_first_and_then_found_counts_as_named():
    found = find_inputs(Selection(("shoot/img10.dng", "shoot")), SUFFIXES)

    assert [each.root for each in found] == [None, Path("shoot")]


def test_a_named_file_is_taken_even_when_it_is_missing_or_of_another_kind():
    assert names("nowhere.dng", "shoot/notes.txt") == ["nowhere.dng", "shoot/notes.txt"]


def test_a_loop_of_links_ends():
    Path("shoot/day1/loop").symlink_to(Path("shoot").resolve())
    Path("shoot/day1/deep/up").symlink_to(Path("shoot/day1").resolve())

    assert len(names("shoot", is_recursive=True)) == 4


def test_include_and_exclude_look_at_names_or_at_paths_below_the_folder():
    assert names("shoot", is_recursive=True, include=("*.dng",)) == [
        "shoot/day1/deep/b.dng",
        "shoot/img10.dng",
    ]
    assert names("shoot", is_recursive=True, exclude=("day1/**",)) == ["shoot/img2.DNG", "shoot/img10.dng"]
    assert names("shoot", is_recursive=True, exclude=("img*",)) == [
        "shoot/day1/a.nef",
        "shoot/day1/deep/b.dng",
    ]


@pytest.mark.parametrize(("end", "is_null"), [(b"\n", False), (b"\0", True)])
def test_a_list_names_more_inputs(end, is_null):
    Path("list").write_bytes(end.join([b"shoot/img2.DNG", b"shoot/day1", b""]))

    assert names(files_from="list", is_null_separated=is_null) == ["shoot/img2.DNG", "shoot/day1/a.nef"]


def test_a_list_comes_from_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"shoot/img2.DNG\n\nshoot/img10.dng\n")))

    assert names(files_from="-") == ["shoot/img2.DNG", "shoot/img10.dng"]


def test_a_list_that_is_not_there_is_said():
    with pytest.raises(InputError, match="list of files nowhere"):
        names(files_from="nowhere")


@pytest.mark.parametrize("words", [("shoot/*.cr2",), ("shoot/day1/deep/nothing*",), ()])
def test_nothing_found_is_an_error_of_its_own(words):
    with pytest.raises(NoInputError):
        names(*words)


def test_a_picture_is_not_read_from_standard_input():
    with pytest.raises(UsageError, match="standard input"):
        names("-")


def test_a_file_found_in_a_folder_knows_its_path_below_it():
    found = find_inputs(Selection(("shoot",), is_recursive=True), SUFFIXES)

    assert found[1].below_root == Path("day1/deep/b.dng")
    assert find_inputs(Selection(("shoot/img10.dng",)), SUFFIXES)[0].below_root == Path("img10.dng")


def test_numbers_sort_by_value():
    paths = [Path(name) for name in ("b1", "a10", "a9", "a09b", "2/x", "10/x")]

    assert [str(path) for path in sorted(paths, key=natural_key)] == [
        "2/x",
        "10/x",
        "a9",
        "a09b",
        "a10",
        "b1",
    ]
