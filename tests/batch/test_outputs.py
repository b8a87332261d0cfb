from pathlib import Path

import pytest

from rawtool.batch.inputs import Found
from rawtool.batch.outputs import (
    HDR_OF_SUFFIX,
    JobWords,
    Naming,
    OutputKind,
    read_destination,
    split_positionals,
)
from rawtool.errors import UsageError
from rawtool.vocabulary import Format

WORDS = JobWords("_dev", "develop", "net")
READABLE = frozenset({".dng", ".nef"})


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def target(found=Found(Path("in/a.nef")), **said):
    return read_destination(Naming(**said), Format.JPEG).target(found, WORDS, 3).as_posix()


def test_an_output_stands_beside_its_input_by_default():
    assert target() == "in/a_dev.jpg"


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"output": "out/"}, "out/a_dev.jpg"),
        ({"output": "x.png"}, "x.png"),
        ({"output": "x.TIF"}, "x.TIF"),
        ({"output": "out/{stem}_{seq:03}.tif"}, "out/a_003.tif"),
        ({"output": "out/{stem}.{ext}"}, "out/a.jpg"),
        ({"output": "{dir}/jpg/"}, "in/jpg/a_dev.jpg"),
        ({"name": "{stem}.{ext}", "output": "out/"}, "out/a.jpg"),
        ({"name": "{stem}.png"}, "in/a.png"),
        ({"format": Format.TIFF}, "in/a_dev.tiff"),
        ({"format": Format.TIFF, "output": "x"}, "x"),
        ({"format": Format.TIFF, "output": "x.tif"}, "x.tif"),
    ],
)
def test_output_name_and_format_say_where_it_goes(said, path):
    assert target(**said) == path


def test_an_existing_folder_needs_no_slash():
    Path("out").mkdir()
    Path("o{x").mkdir()

    assert target(output="out") == "out/a_dev.jpg"
    assert target(output="o{x") == "o{x/a_dev.jpg"


def test_the_tree_below_a_searched_folder_is_kept_unless_flat_or_named():
    found = Found(Path("in/day/a.nef"), Path("in"))

    assert target(found, output="out/") == "out/day/a_dev.jpg"
    assert target(found, output="out/", is_tree=False) == "out/a_dev.jpg"
    assert target(found, output="out/{reldir}/x/") == "out/day/x/a_dev.jpg"
    assert target(found, output="out/", name="{reldir}_{stem}.{ext}") == "out/day_a.jpg"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"output": "x"}, "has no suffix"),
        ({"output": ".jpg"}, "has no suffix"),
        ({"output": "x.webp"}, "ends in .webp"),
        ({"name": "{stem}.{inext}"}, "has no suffix"),
        ({"name": "{stem}_final"}, "has no suffix"),
        ({"output": "x.png", "format": Format.JPEG}, "--format jpg and the suffix of x.png disagree"),
        ({"name": "{stem}.tif", "format": Format.JPEG}, "disagree"),
        ({"output": "x.webp", "format": Format.JPEG}, "ends in .webp"),
        ({"output": "x.jpg", "name": "{stem}.jpg"}, "leave --name out"),
        ({"output": ""}, "-o is empty"),
    ],
)
def test_words_that_do_not_fit_together_are_refused(said, why):
    with pytest.raises(UsageError, match=why):
        target(**said)


def test_the_kind_of_output_is_told_apart():
    kinds = [
        read_destination(Naming(output=word), Format.JPEG).kind
        for word in (None, "o/", "o.jpg", "{stem}.jpg")
    ]

    assert kinds == [OutputKind.BESIDE, OutputKind.FOLDER, OutputKind.FILE, OutputKind.TEMPLATE]


def split(*words, output=None):
    return split_positionals(words, output, READABLE)


@pytest.mark.parametrize("second", ["out.jpg", "OUT.TIFF", "new.dng", "folder/", "there"])
def test_two_words_are_input_and_output_when_the_second_can_only_be_an_output(second):
    Path("there").mkdir()

    assert split("a.dng", second) == (("a.dng",), second)


@pytest.mark.parametrize("second", ["b.dng", "b.nef", "missing.nef", "missing", "photo.webp"])
def test_two_words_are_two_inputs_when_the_second_may_be_one(second):
    Path("b.dng").touch()
    Path("b.nef").touch()

    assert split("a.dng", second) == (("a.dng", second), None)


def test_an_existing_picture_that_cannot_be_read_as_raw_is_an_output():
    Path("b.jpg").touch()

    assert split("a.dng", "b.jpg") == (("a.dng",), "b.jpg")


def test_three_words_or_an_output_option_make_all_words_inputs():
    assert split("a.dng", "b.dng", "c.jpg") == (("a.dng", "b.dng", "c.jpg"), None)
    assert split("a.dng", "b.jpg", output="o/") == (("a.dng", "b.jpg"), "o/")


def test_a_suffix_stands_for_what_the_command_writes():
    def kind(**said):
        return read_destination(Naming(**said), Format.EXR, HDR_OF_SUFFIX).format

    assert kind(output="x.jpg") is kind(format=Format.UHDR, output="x.JPEG") is Format.UHDR
    assert kind() is Format.EXR
    assert kind(output="x.hdr") is Format.RADIANCE
    with pytest.raises(UsageError, match=r"use one of \.avif \.exr \.hdr \.jpeg"):
        kind(output="x.dng")


def test_an_ultra_hdr_picture_is_named_as_the_jpeg_that_it_is():
    assert target(format=Format.UHDR) == "in/a_dev.jpg"


def test_the_suffixes_of_the_command_tell_input_and_output_apart():
    readable = frozenset({".jpg"})
    Path("b.jpg").touch()

    assert split_positionals(("a.jpg", "b.avif"), None, readable, HDR_OF_SUFFIX) == (("a.jpg",), "b.avif")
    assert split_positionals(("a.jpg", "new.jpg"), None, readable, HDR_OF_SUFFIX) == (("a.jpg",), "new.jpg")
    assert split_positionals(("a.jpg", "b.jpg"), None, readable, HDR_OF_SUFFIX) == (("a.jpg", "b.jpg"), None)
    assert split_positionals(("a.jpg", "b.dng"), None, readable, HDR_OF_SUFFIX) == (("a.jpg", "b.dng"), None)
