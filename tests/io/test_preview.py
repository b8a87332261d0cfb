import io

import numpy as np
import PIL.Image
import pytest
import tifffile

from rawtool.errors import CorruptFileError, InputError
from rawtool.frames import Capture
from rawtool.io.dng import write_dng
from rawtool.io.exifsource import find_exif
from rawtool.io.jpegsegments import frame_of, loads
from rawtool.io.preview import read_preview, with_exif_of
from tests import packs, raws

SMALL, LARGE = packs.codes()[:20, :30], packs.codes()


def camera_file(path, *previews):
    """A TIFF-like file whose directories hold JPEGs, as NEF, CR2, ARW and PEF do."""
    with tifffile.TiffWriter(path) as writer:
        for pixels in previews:
            writer.write(
                pixels,
                photometric="ycbcr",
                compression="jpeg",
                rowsperstrip=pixels.shape[0],
                subfiletype=1,
                metadata=None,
            )


@pytest.fixture(autouse=True)
def _libraw_knows_none(monkeypatch):
    """The files here are no raws for LibRaw."""
    monkeypatch.setattr("rawtool.io.preview._of_libraw", lambda _path: iter(()))


@pytest.mark.parametrize("order", [(SMALL, LARGE), (LARGE, SMALL)])
def test_the_largest_jpeg_of_the_directories_is_taken(tmp_path, order):
    camera_file(tmp_path / "a.nef", *order)

    assert frame_of(loads(read_preview(tmp_path / "a.nef"))) == (84, 112, 3)


def test_what_libraw_finds_counts_too(tmp_path, monkeypatch):
    camera_file(tmp_path / "a.nef", SMALL)
    monkeypatch.setattr("rawtool.io.preview._of_libraw", lambda _path: iter((packs.jpeg(LARGE),)))

    assert read_preview(tmp_path / "a.nef") == packs.jpeg(LARGE)


def test_the_lossless_jpeg_of_the_raw_itself_is_no_preview(tmp_path):
    write_dng(packs.frame(), tmp_path / "a.dng")

    with pytest.raises(InputError, match="holds no JPEG of the camera; use --base develop"):
        read_preview(tmp_path / "a.dng")


def test_a_damaged_jpeg_is_no_preview(tmp_path, monkeypatch):
    broken = (b"\xff\xd8", packs.jpeg(LARGE)[:300], b"")
    monkeypatch.setattr("rawtool.io.preview._listed", lambda _stream: iter(broken))
    (tmp_path / "a.nef").touch()

    with pytest.raises(InputError, match="holds no JPEG"):
        read_preview(tmp_path / "a.nef")


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(InputError, match="cannot be read: no such file"):
        read_preview(tmp_path / "a.nef")


def test_a_jpeg_without_exif_gets_that_of_the_raw_with_its_orientation():
    capture = Capture("Acme", "Box 1", raws.NEUTRAL, raws.MATRICES, orientation=6, iso=400.0)

    content = with_exif_of(packs.jpeg(LARGE), capture)

    source = find_exif(io.BytesIO(content))
    assert source is not None
    assert (source.main.integer(274, 0), source.main.text(271)) == (6, "Acme")
    with PIL.Image.open(io.BytesIO(content)) as shown, PIL.Image.open(io.BytesIO(packs.jpeg(LARGE))) as plain:
        np.testing.assert_array_equal(np.asarray(shown), np.asarray(plain))


def test_a_jpeg_with_exif_stays_as_it_is():
    content = packs.jpeg(LARGE, orientation=3)

    assert with_exif_of(content, raws.capture()) == content


def test_no_jpeg_is_no_picture():
    with pytest.raises(CorruptFileError):
        with_exif_of(b"no JPEG", raws.capture())
