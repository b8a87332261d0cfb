from pathlib import Path

import pytest

from rawtool.codec.facts import BaseSource
from rawtool.errors import DecoderMismatchError, ModifiedBaseError, NoSidecarError, UnsupportedFormatError
from rawtool.io.dng import write_dng
from rawtool.io.packed import read_packed
from rawtool.io.packedjpeg import with_payload
from rawtool.pipelines.info import FileFacts
from rawtool.pipelines.pack import RawFile, pack
from rawtool.pipelines.packedfacts import check_packed, inspect_any, inspect_packed
from rawtool.pipelines.packroom import Goal, PackRoom, PackSettings, UnpackRoom, UnpackSettings
from rawtool.vocabulary import SensorKind
from tests import packs

PACKED = Path("a.jpg")
ROOM = UnpackRoom(lambda _: packs.ToyCoder())
NOBODY = UnpackRoom(lambda _: pytest.fail("the coder was opened"))


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    packs.use_toy_exact_coder(monkeypatch)
    Path("mine.jpg").write_bytes(packs.jpeg(packs.codes()))


def packed(goal):
    settings = PackSettings(goal, BaseSource.FILE, Path("mine.jpg"))
    taken = RawFile(Path("a.raw"), 1, packs.frame())
    pack(lambda: taken, PACKED, PackRoom(None, packs.ToyCoder()), settings)


def test_what_is_inside_is_said_without_decoding_it():
    packed(Goal(max_error_dn=0))

    facts = inspect_packed(PACKED)

    assert (facts.camera, facts.kind, facts.size) == ("Acme Box 1", SensorKind.BAYER, (92, 122))
    assert (facts.coder, facts.base, facts.is_unchanged) == ("exact", "file", True)
    assert facts.quality == "every photosite identical"
    assert facts.sidecar_bytes == len(read_packed(PACKED)[1])
    assert facts.bpp == 8 * facts.sidecar_bytes / (92 * 122)


@pytest.mark.parametrize(
    ("goal", "room", "coder"), [(Goal(max_error_dn=0), NOBODY, "exact"), (Goal(rate=1.0), ROOM, "learned")]
)
def test_a_check_decodes_with_the_coder_that_the_file_needs(goal, room, coder):
    packed(goal)

    assert check_packed(PACKED, room, UnpackSettings()).coder == coder


def test_a_check_refuses_what_unpacking_would_refuse():
    packed(Goal(rate=1.0))
    with pytest.raises(DecoderMismatchError):
        check_packed(PACKED, UnpackRoom(lambda _: packs.ToyCoder(digest=b"?" * 32)), UnpackSettings())

    other = with_payload(packs.jpeg(packs.codes(), quality=50), read_packed(PACKED)[1])
    PACKED.write_bytes(other)
    with pytest.raises(ModifiedBaseError):
        check_packed(PACKED, ROOM, UnpackSettings())
    assert not check_packed(PACKED, ROOM, UnpackSettings(allows_modified=True)).is_unchanged
    assert "NOT that raw" in inspect_packed(PACKED).warnings[0]


def test_raws_and_packed_pictures_are_told_apart():
    write_dng(packs.frame(), Path("a.dng"))
    packed(Goal(max_error_dn=0))

    assert isinstance(inspect_any(Path("a.dng")), FileFacts)
    assert inspect_any(PACKED) == inspect_packed(PACKED)


def test_a_jpeg_without_a_raw_is_no_raw():
    with pytest.raises(UnsupportedFormatError, match="this is a JPEG picture"):
        inspect_any(Path("mine.jpg"))
    with pytest.raises(NoSidecarError):
        inspect_packed(Path("mine.jpg"))
