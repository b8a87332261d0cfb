import errno
import os

import pytest

from rawtool.errors import MemoryLimitError, OutputError, OutputExistsError
from rawtool.io import publish as module
from rawtool.io.publish import part_of, publish


def writer(content):
    return lambda path: path.write_bytes(content)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def refuse_links(monkeypatch, number=errno.EPERM):
    def link(*_):
        raise OSError(number, "no links here")

    monkeypatch.setattr(module.os, "link", link)


def test_a_file_appears_whole_under_its_name_and_nothing_else_stays(tmp_path):
    publish(writer(b"whole"), tmp_path / "a.jpg", overwrite=False)

    assert names(tmp_path) == ["a.jpg"]
    assert (tmp_path / "a.jpg").read_bytes() == b"whole"


def test_while_it_is_written_only_a_hidden_part_is_there(tmp_path):
    seen = []
    publish(
        lambda path: (seen.extend(names(tmp_path)), path.write_bytes(b"x")),
        tmp_path / "a.jpg",
        overwrite=False,
    )
    publish(
        lambda path: (path.write_bytes(b"x"), seen.extend(names(tmp_path))),
        tmp_path / "b.jpg",
        overwrite=False,
    )

    assert seen == ["." + f"b.jpg.{os.getpid()}.part", "a.jpg"]


def test_what_exists_is_left_alone_and_the_writer_is_not_called(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"mine")

    with pytest.raises(OutputExistsError):
        publish(lambda _: pytest.fail("written"), tmp_path / "a.jpg", overwrite=False)
    assert (tmp_path / "a.jpg").read_bytes() == b"mine"


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_appears_meanwhile_is_left_alone(tmp_path, monkeypatch, has_links):
    if not has_links:
        refuse_links(monkeypatch)

    def write(path):
        path.write_bytes(b"late")
        (tmp_path / "a.jpg").write_bytes(b"mine")

    with pytest.raises(OutputExistsError):
        publish(write, tmp_path / "a.jpg", overwrite=False)
    assert (tmp_path / "a.jpg").read_bytes() == b"mine"
    assert names(tmp_path) == ["a.jpg"]


def test_a_dead_link_counts_as_taken(tmp_path):
    (tmp_path / "a.jpg").symlink_to(tmp_path / "nowhere")

    with pytest.raises(OutputExistsError):
        publish(writer(b"x"), tmp_path / "a.jpg", overwrite=False)


def test_overwriting_replaces(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"old")
    publish(writer(b"new"), tmp_path / "a.jpg", overwrite=True)

    assert (tmp_path / "a.jpg").read_bytes() == b"new"
    assert names(tmp_path) == ["a.jpg"]


def test_a_filesystem_without_links_is_written_to(tmp_path, monkeypatch):
    refuse_links(monkeypatch)
    publish(writer(b"whole"), tmp_path / "a.jpg", overwrite=False)

    assert (tmp_path / "a.jpg").read_bytes() == b"whole"
    assert names(tmp_path) == ["a.jpg"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, SystemExit])
@pytest.mark.parametrize("overwrite", [True, False])
def test_an_interrupted_writer_leaves_nothing_and_breaks_nothing(tmp_path, error, overwrite):
    (tmp_path / "a.jpg").write_bytes(b"old")

    def write(path):
        path.write_bytes(b"half")
        raise error

    with pytest.raises(error):
        publish(write, tmp_path / ("a.jpg" if overwrite else "b.jpg"), overwrite=overwrite)
    assert names(tmp_path) == ["a.jpg"]
    assert (tmp_path / "a.jpg").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("number", "word"), [(errno.ENOSPC, "room"), (errno.EACCES, "folder"), (errno.EIO, "disk")]
)
def test_the_system_s_refusals_are_output_errors_with_advice(tmp_path, number, word):
    def write(path):
        path.write_bytes(b"half")
        raise OSError(number, "no")

    with pytest.raises(OutputError, match=word):
        publish(write, tmp_path / "a.jpg", overwrite=False)
    assert names(tmp_path) == []


def test_a_missing_folder_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="create the folder"):
        publish(writer(b"x"), tmp_path / "none" / "a.jpg", overwrite=False)


def test_memory_that_runs_out_is_said_so(tmp_path):
    def write(_):
        raise MemoryError

    with pytest.raises(MemoryLimitError):
        publish(write, tmp_path / "a.jpg", overwrite=False)


def test_the_part_of_a_long_name_fits_the_filesystem(tmp_path):
    publish(writer(b"x"), tmp_path / ("é" * 125 + ".jpg"), overwrite=False)

    assert len(os.fsencode(part_of(tmp_path / ("é" * 125 + ".jpg")).name)) <= 255
