"""Where the picture around a raw comes from, and which are refused."""

import io

import numpy as np
import PIL.Image
import pytest

from rawtool.codec.facts import BaseSource
from rawtool.errors import CorruptFileError, InputError
from rawtool.io.basepixels import base_pixels, pixels_sha256
from rawtool.io.orientation import upright
from rawtool.io.packedjpeg import scan_sha256, with_payload
from rawtool.pipelines import basepicture
from rawtool.pipelines.basepicture import camera_base, developed_base, file_base
from rawtool.pipelines.clock import Clock
from rawtool.pipelines.packroom import PackSettings
from tests import packs


@pytest.fixture
def saved(tmp_path):
    def save(content):
        (tmp_path / "mine.jpg").write_bytes(content)
        return tmp_path / "mine.jpg"

    return save


@pytest.fixture
def preview(monkeypatch):
    """Put a JPEG into the place of what the camera wrote."""

    def put(content):
        monkeypatch.setattr(basepicture, "read_preview", lambda _path: content)

    return put


def test_a_developed_base_shows_the_crop_upright_at_full_size(darkroom):
    base = developed_base(packs.frame(orientation=6), darkroom, PackSettings(quality=90), Clock())

    assert (base.pixels.shape, base.is_upright, base.source) == ((112, 84, 3), True, BaseSource.DEVELOP)
    np.testing.assert_array_equal(base.pixels, base_pixels(base.content))
    with PIL.Image.open(io.BytesIO(base.content)) as picture:
        assert picture.getexif()[274] == 1
        assert picture.info["icc_profile"]


def test_the_quality_is_that_of_the_developed_picture(darkroom):
    coarse, fine = (
        developed_base(packs.frame(), darkroom, PackSettings(quality=quality), Clock())
        for quality in (50, 95)
    )

    assert len(coarse.content) < len(fine.content)


def test_the_users_jpeg_is_kept_byte_for_byte(saved):
    content = packs.jpeg(packs.codes(), quality=71)

    base = file_base(saved(content), packs.frame())

    assert (base.content, base.source, base.warnings) == (content, BaseSource.FILE, ())


def test_a_raw_that_the_users_jpeg_carries_already_makes_room(saved):
    content = packs.jpeg(packs.codes())

    base = file_base(saved(with_payload(content, b"older")), packs.frame())

    assert base.content == content
    assert "carried a raw already" in base.warnings[0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_upright_jpeg_of_a_turned_raw_is_known(saved, orientation):
    base = file_base(saved(packs.jpeg(packs.codes(orientation))), packs.frame(orientation=orientation))

    assert base.is_upright


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_jpeg_that_lies_as_the_sensor_does_and_says_so_is_known(saved, orientation):
    content = packs.jpeg(packs.codes(), orientation=orientation)

    base = file_base(saved(content), packs.frame(orientation=orientation))

    assert not base.is_upright
    assert base.pixels.shape == (84, 112, 3)


def test_a_jpeg_that_lies_in_a_third_way_is_refused(saved):
    # Stored so that its own orientation 3 turns it upright, of a raw that lies on its side.
    stored = np.ascontiguousarray(upright(packs.codes(6), 3))

    with pytest.raises(InputError, match="stored turned"):
        file_base(saved(packs.jpeg(stored, orientation=3)), packs.frame(orientation=6))


def test_an_orientation_that_cannot_be_counts_as_none(saved):
    assert file_base(saved(packs.jpeg(packs.codes(), orientation=9)), packs.frame()).is_upright


def test_another_picture_is_refused(saved):
    with pytest.raises(InputError, match="does not show what the raw shows"):
        file_base(saved(packs.jpeg(packs.codes(seed=2))), packs.frame())


def test_what_is_no_jpeg_is_refused(saved):
    with pytest.raises(CorruptFileError):
        file_base(saved(b"text"), packs.frame())


def test_a_missing_jpeg_is_said(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        file_base(tmp_path / "none.jpg", packs.frame())


def test_the_cameras_jpeg_without_exif_lies_as_the_sensor_does(preview, tmp_path):
    preview(packs.jpeg(packs.codes()))

    base = camera_base(tmp_path / "a.nef", packs.frame(orientation=6))

    assert (base.is_upright, base.source) == (False, BaseSource.CAMERA)
    with PIL.Image.open(io.BytesIO(base.content)) as picture:
        assert picture.getexif()[274] == 6


def test_a_small_preview_is_refused(preview, tmp_path):
    preview(packs.jpeg(packs.codes()[::4, ::4]))

    with pytest.raises(InputError, match=r"28 x 21 pixels, .* use --base develop"):
        camera_base(tmp_path / "a.nef", packs.frame())


def test_the_facts_are_those_of_its_pixels_and_its_scan(saved):
    base = file_base(saved(packs.jpeg(packs.codes())), packs.frame())

    facts = base.facts()

    assert (facts.width, facts.height, facts.is_upright, facts.source) == (112, 84, True, BaseSource.FILE)
    assert facts.pixels_sha256 == pixels_sha256(base.pixels)
    assert facts.scan_sha256 == scan_sha256(base.content)
