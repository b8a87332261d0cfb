"""Every whole camera file goes into a JPEG and comes back bit for bit, or within what was allowed."""

import os
from pathlib import Path

import numpy as np
import pytest
import rawpy

from rawtool.codec.facts import BaseSource
from rawtool.io.raw import read_raw
from rawtool.pipelines.darkroom import open_darkroom
from rawtool.pipelines.pack import pack
from rawtool.pipelines.packing import whole
from rawtool.pipelines.packroom import Goal, PackRoom, PackSettings, UnpackRoom, UnpackSettings
from rawtool.pipelines.unpack import unpack
from rawtool.vocabulary import Format, SensorKind

SHARED = Path(os.environ.get("RAWTOOL_SHARED", Path(__file__).resolve().parents[3] / "shared"))
RAW = SHARED / "data" / "raw"
DAMAGED = {"90", "91", "92", "94", "95", "96"}
ODD = sorted(path for path in (RAW / "odd").glob("*.dng") if path.name[:2] not in DAMAGED)
CAMERAS = sorted(path for path in RAW.glob("*.*") if path.is_file())
NOBODY = UnpackRoom(lambda _: pytest.fail("the learned coder was opened"))

pytestmark = [pytest.mark.skipif(not ODD, reason="no camera files here"), pytest.mark.slow]


@pytest.fixture(scope="module")
def room(untrained_model):
    return PackRoom(open_darkroom(str(untrained_model), device="cpu", threads=1))


def packed(path, folder, room, max_error_dn=0):
    settings = PackSettings(Goal(max_error_dn=max_error_dn), BaseSource.DEVELOP, quality=90)
    return pack(path, folder / "a.jpg", room, settings)


@pytest.mark.parametrize("path", ODD, ids=lambda path: path.name)
def test_odd_files_come_back_as_plain_samples_and_as_a_dng(path, room, tmp_path):
    frame, warnings = whole(read_raw(path))

    report = packed(path, tmp_path, room)
    unpack(tmp_path / "a.jpg", tmp_path / "a.npy", NOBODY, UnpackSettings(Format.NPY))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), frame.samples)

    assert dict(report.metrics)["is_identical"] is not bool(warnings)
    if frame.capture.matrices or frame.kind is SensorKind.MONOCHROME:
        unpack(tmp_path / "a.jpg", tmp_path / "a.dng", NOBODY, UnpackSettings())
        found = read_raw(tmp_path / "a.dng")
        np.testing.assert_array_equal(found.samples, frame.samples)
        assert (found.crop, found.black_level) == (frame.crop, pytest.approx(frame.black_level))


@pytest.mark.parametrize("path", CAMERAS, ids=lambda path: path.name)
def test_libraw_sees_the_same_mosaic_in_what_came_back(path, room, tmp_path):
    packed(path, tmp_path, room)
    unpack(tmp_path / "a.jpg", tmp_path / "a.dng", NOBODY, UnpackSettings())

    with rawpy.imread(str(path)) as before, rawpy.imread(str(tmp_path / "a.dng")) as after:
        np.testing.assert_array_equal(after.raw_image_visible, before.raw_image_visible)
        assert after.white_level == before.white_level
        assert after.black_level_per_channel == before.black_level_per_channel


def test_near_lossless_within_four_counts_is_smaller(room, tmp_path):
    path = next(each for each in CAMERAS if each.suffix == ".CRW")
    exact = dict(packed(path, tmp_path, room).metrics)
    (tmp_path / "a.jpg").unlink()
    near = dict(packed(path, tmp_path, room, max_error_dn=4).metrics)

    assert 0 < near["max_error_dn"] <= 4
    assert near["bpp"] < 0.7 * exact["bpp"]
