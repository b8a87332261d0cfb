"""The camera files and the odd ones derived from them."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from rawtool.errors import CorruptFileError, InputError, UnsupportedFormatError
from rawtool.io.dng import write_dng
from rawtool.io.raw import read_raw
from rawtool.vocabulary import CfaPattern, SensorKind

SHARED = Path(os.environ.get("RAWTOOL_SHARED", Path(__file__).resolve().parents[3] / "shared"))
RAW = SHARED / "data" / "raw"
ODD = RAW / "odd"
CAMERAS = sorted(path for path in RAW.glob("*.*") if path.is_file())

pytestmark = pytest.mark.skipif(not ODD.is_dir(), reason="no camera files here")


def odd(name):
    return read_raw(next(ODD.glob(f"{name}*")))


def index():
    if not ODD.is_dir():
        return []
    with (ODD / "index.csv").open(encoding="utf-8") as stream:
        return [row["file"] for row in csv.DictReader(stream)]


@pytest.mark.parametrize("name", index())
def test_every_odd_file_is_a_frame_or_an_error_in_one_line(name):
    is_damaged = name[:2] in {"90", "91", "92", "94", "95", "96"}
    if is_damaged:
        with pytest.raises(InputError, match=r"^[^\n]+; [^\n]+$"):
            read_raw(ODD / name)
    else:
        frame = read_raw(ODD / name)
        assert frame.samples.size > 0
        assert np.isfinite(frame.samples).all()
        assert frame.white_level > max(frame.black_level)


@pytest.mark.parametrize("name", ["02", "03", "11", "18", "12_orientation_2", "12_orientation_8"])
def test_every_container_and_compression_holds_the_same_counts(name):
    np.testing.assert_array_equal(odd(name).samples, odd("01").samples)


def test_lossless_jpeg_xl_holds_the_same_colours():
    np.testing.assert_array_equal(odd("09").samples, odd("06").samples)


def test_lossy_pictures_are_close():
    reference = odd("06").samples.astype(np.float32)

    assert np.corrcoef(odd("10").samples[..., 1].ravel(), reference[..., 1].ravel())[0, 1] > 0.999
    assert np.corrcoef(odd("08").samples[..., 1].ravel(), reference[..., 1].ravel())[0, 1] > 0.999


def test_floats_are_the_counts_between_black_and_white():
    counts = odd("01")
    expected = (counts.samples.astype(np.float64) - 2048) / 60000

    np.testing.assert_allclose(odd("04").samples, expected, atol=1e-3)
    np.testing.assert_allclose(odd("05").samples, odd("04").samples, atol=5e-4)
    assert odd("04").white_level == 1.0


def test_values_above_white_are_kept():
    assert odd("07").samples.max() > 1.5


def test_an_odd_active_area_is_cut_exactly():
    frame = odd("13")

    np.testing.assert_array_equal(frame.samples, odd("01").samples[5:378, 7:508])
    assert frame.crop == (4, 4, 365, 493)


@pytest.mark.parametrize("phase", ["BGGR", "GBRG", "GRBG"])
def test_phases(phase):
    cfa = odd(f"17_cfa_phase_{phase.lower()}").cfa

    assert cfa is not None
    assert cfa.pattern is CfaPattern[phase]


def test_kinds():
    kinds = {name: odd(name).kind for name in ("06", "14", "15", "16", "21")}

    assert kinds == {
        "06": SensorKind.LINEAR,
        "14": SensorKind.MONOCHROME,
        "15": SensorKind.XTRANS,
        "16": SensorKind.QUAD_BAYER,
        "21": SensorKind.BAYER,
    }


def test_black_levels_stand_in_the_order_of_the_cell():
    frame = odd("20")
    # The offsets were added site by site to the counts of the plain file.
    added = frame.samples.astype(int) - odd("01").samples
    sites = [added[y::2, x::2] for y in (0, 1) for x in (0, 1)]

    assert [float(np.median(site)) + 2048 for site in sites] == list(frame.black_level)


def test_a_linearisation_table_is_applied():
    counts = odd("19").samples

    assert 20000 < counts.max() < 65535
    assert counts.dtype == np.uint16


@pytest.mark.parametrize(
    ("name", "error", "word"),
    [
        ("90", CorruptFileError, "196888 bytes are missing"),
        ("94", CorruptFileError, "empty"),
        ("95", UnsupportedFormatError, "JPEG"),
        ("96", CorruptFileError, "46080000"),
    ],
)
def test_damage_is_named(name, error, word):
    with pytest.raises(error, match=word):
        odd(name)


@pytest.mark.parametrize("path", CAMERAS, ids=lambda path: path.name)
def test_camera_files_say_everything_that_developing_needs(path):
    frame = read_raw(path)
    capture = frame.capture

    assert (frame.kind, frame.cfa and frame.cfa.pattern) == (SensorKind.BAYER, CfaPattern.RGGB)
    assert capture.as_shot_neutral is not None
    assert capture.as_shot_neutral[1] == 1.0
    assert all(0.3 < value < 1.2 for value in capture.as_shot_neutral)
    assert capture.matrices
    assert capture.make in {"Canon", "GoPro"}
    assert capture.iso
    assert capture.exposure_s
    assert capture.taken_at
    assert capture.exif


def test_the_crw_has_the_borders_and_levels_of_its_camera():
    frame = read_raw(RAW / "canon_s40_CRW_0112.CRW")

    assert frame.samples.shape == (1720, 2312)
    assert frame.crop == (8, 20, 1704, 2272)
    assert (frame.black_level, frame.white_level) == ((32.0,) * 4, 1023.0)


def test_the_gopro_has_two_matrices_a_noise_profile_and_a_gain_map_for_each_plane():
    frame = read_raw(RAW / "gopro_hero6_GOPR0024.dng")

    assert [light.cct_k for light in frame.capture.matrices] == [2856.0, 5003.0]
    assert frame.capture.noise_profile == pytest.approx((1.56201e-4, 4.88002e-8), rel=1e-5)
    assert frame.capture.orientation == 2
    assert [gain_map.area[:2] for gain_map in frame.gain_maps] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert all(gain_map.gains.shape == (23, 23) for gain_map in frame.gain_maps)


def test_a_camera_file_repacked_is_the_same_frame(tmp_path):
    frame = read_raw(RAW / "canon_g2_colorchecker_CRW_0305.CRW")
    write_dng(frame, tmp_path / "a.dng")
    found = read_raw(tmp_path / "a.dng")

    np.testing.assert_array_equal(found.samples, frame.samples)
    assert (found.crop, found.black_level, found.white_level) == (
        frame.crop,
        frame.black_level,
        frame.white_level,
    )
    np.testing.assert_allclose(found.capture.as_shot_neutral, frame.capture.as_shot_neutral, atol=1e-6)
