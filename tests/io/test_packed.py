from pathlib import Path

import pytest

from rawtool.errors import InputError, NoSidecarError, OutputExistsError, VerificationError
from rawtool.io.packed import read_packed, write_packed
from rawtool.io.packedjpeg import sidecar_of, without_payload
from rawtool.vocabulary import Embed
from tests import packs

BASE = packs.jpeg(packs.codes())
PAYLOAD = bytes(range(256)) * 300
HOWS = pytest.mark.parametrize("embed", Embed)


def keep(_picture, payload):
    return payload


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@HOWS
def test_what_is_written_is_read_again(embed, tmp_path):
    kept = write_packed(BASE, PAYLOAD, tmp_path / "a.jpg", embed, keep)

    picture, payload = read_packed(tmp_path / "a.jpg")
    assert (kept, payload) == (PAYLOAD, PAYLOAD)
    assert without_payload(picture) == BASE


@HOWS
def test_what_finish_returns_is_kept(embed, tmp_path):
    seen = []

    def finish(picture, payload):
        seen.append((without_payload(picture), payload, names(tmp_path)))
        return payload + b"more"

    kept = write_packed(BASE, PAYLOAD, tmp_path / "a.jpg", embed, finish)

    assert kept == read_packed(tmp_path / "a.jpg")[1] == PAYLOAD + b"more"
    assert [(picture, payload) for picture, payload, _ in seen] == [(BASE, PAYLOAD)]
    # It is asked while nothing has its name yet.
    assert all(name.startswith(".") and name.endswith(".part") for name in seen[0][2])


@HOWS
def test_nothing_stays_when_finish_refuses(embed, tmp_path):
    def refuse(_picture, _payload):
        raise VerificationError("not the same")

    with pytest.raises(VerificationError, match="not the same"):
        write_packed(BASE, PAYLOAD, tmp_path / "a.jpg", embed, refuse)

    assert names(tmp_path) == []


@HOWS
def test_an_older_file_stays_when_finish_refuses(embed, tmp_path):
    for path in (tmp_path / "a.jpg", sidecar_of(tmp_path / "a.jpg")):
        path.write_bytes(b"older")

    def refuse(_picture, _payload):
        raise VerificationError("not the same")

    with pytest.raises(VerificationError):
        write_packed(BASE, PAYLOAD, tmp_path / "a.jpg", embed, refuse, overwrite=True)

    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"older"}


@HOWS
def test_a_disk_that_gives_back_other_bytes_is_noticed(embed, tmp_path, monkeypatch):
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path)[:-1] + b"?")

    with pytest.raises(VerificationError, match="other bytes than were written"):
        write_packed(BASE, PAYLOAD, tmp_path / "a.jpg", embed, keep)

    assert names(tmp_path) == []


@HOWS
def test_nothing_is_overwritten_unless_asked(embed, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"older")

    with pytest.raises(OutputExistsError):
        write_packed(BASE, PAYLOAD, tmp_path / "a.jpg", embed, keep)
    assert (names(tmp_path), (tmp_path / "a.jpg").read_bytes()) == (["a.jpg"], b"older")

    write_packed(BASE, PAYLOAD, tmp_path / "a.jpg", embed, keep, overwrite=True)
    assert read_packed(tmp_path / "a.jpg")[1] == PAYLOAD


def test_a_file_beside_the_picture_that_is_there_already_stays_and_nothing_else_is_written(tmp_path):
    sidecar_of(tmp_path / "a.jpg").write_bytes(b"older")

    with pytest.raises(OutputExistsError):
        write_packed(BASE, PAYLOAD, tmp_path / "a.jpg", Embed.SIDECAR, keep)

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"older"]


def test_without_its_picture_no_file_beside_it_stays(tmp_path, monkeypatch):
    target = tmp_path / "a.jpg"

    def finish(_picture, payload):
        target.write_bytes(b"somebody was faster")
        return payload

    with pytest.raises(OutputExistsError):
        write_packed(BASE, PAYLOAD, target, Embed.SIDECAR, finish)

    assert names(tmp_path) == ["a.jpg"]


def test_a_picture_without_a_raw_and_no_picture_are_told_apart(tmp_path):
    (tmp_path / "a.jpg").write_bytes(BASE)

    with pytest.raises(NoSidecarError):
        read_packed(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="no such file"):
        read_packed(tmp_path / "b.jpg")
