from pathlib import Path

import pytest

from rawtool.batch.folders import leaving_no_empty_folders, make_folder
from rawtool.errors import OutputError


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_folder_is_made_with_those_above_it_and_may_be_there():
    make_folder(Path("a/b/c"))
    make_folder(Path("a/b/c"))

    assert Path("a/b/c").is_dir()


def test_a_folder_that_cannot_be_made_is_an_output_error():
    Path("file").touch()

    with pytest.raises(OutputError, match="choose another with -o"):
        make_folder(Path("file/below"))


def test_new_folders_into_which_nothing_came_are_taken_away_and_others_stay():
    Path("old").mkdir()

    with leaving_no_empty_folders([Path("old"), Path("new/empty"), Path("new/full"), Path("gone/x/y")]):
        for name in ("new/empty", "new/full", "gone/x/y"):
            make_folder(Path(name))
        Path("new/full/a.jpg").touch()

    assert sorted(str(path) for path in Path().rglob("*")) == ["new", "new/full", "new/full/a.jpg", "old"]
