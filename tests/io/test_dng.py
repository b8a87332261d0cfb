from dataclasses import replace

import numpy as np
import pytest
import rawpy
import tifffile

from rawtool.errors import OutputExistsError, UsageError
from rawtool.frames import Provenance
from rawtool.io.dng import with_whole_numbers, write_dng
from rawtool.io.raw import read_raw
from rawtool.vocabulary import SensorKind
from tests.io.material import CAMERA_FROM_XYZ, capture, linear_frame, mosaic_frame


@pytest.mark.parametrize(
    "size", [(24, 32), (23, 22), (40, 33), (100, 511), (513, 515), (48, 1030), (37, 497), (48, 1024)]
)
def test_libraw_and_tifffile_read_the_same_counts(tmp_path, size):
    frame = mosaic_frame(*size, crop=(0, 0, *size))
    write_dng(frame, tmp_path / "a.dng")
    with rawpy.imread(str(tmp_path / "a.dng")) as opened:
        np.testing.assert_array_equal(opened.raw_image, frame.samples)
        assert opened.white_level == 16383

    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.dng"), frame.samples)


@pytest.mark.parametrize("size", [(24, 32), (513, 515), (23, 45)])
def test_linear_pictures_keep_their_numbers(tmp_path, size):
    frame = linear_frame(*size)
    write_dng(frame, tmp_path / "a.dng")

    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.dng"), frame.samples)
    np.testing.assert_array_equal(read_raw(tmp_path / "a.dng").samples, frame.samples)


def test_the_frame_comes_back_as_it_went(tmp_path):
    frame = mosaic_frame(capture=capture(orientation=6, baseline_exposure_ev=0.5, noise_profile=(1e-4, 2e-7)))
    write_dng(frame, tmp_path / "a.dng")
    found = read_raw(tmp_path / "a.dng")

    assert (found.kind, found.cfa, found.black_level) == (frame.kind, frame.cfa, frame.black_level)
    assert (found.white_level, found.crop) == (frame.white_level, frame.crop)
    assert (found.capture.orientation, found.capture.baseline_exposure_ev) == (6, 0.5)
    assert found.capture.noise_profile == (1e-4, 2e-7)
    np.testing.assert_allclose(found.capture.matrices[0].camera_from_xyz, CAMERA_FROM_XYZ, atol=1e-6)


def test_libraw_renders_a_neutral_patch_grey(tmp_path):
    neutral = np.array([0.5, 1.0, 0.625])
    samples = np.empty((64, 96), np.uint16)
    for y, x, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        samples[y::2, x::2] = 64 + round(8000 * neutral[channel])
    frame = mosaic_frame(64, 96, samples=samples, black_level=(64.0,) * 4, crop=(0, 0, 64, 96))
    write_dng(frame, tmp_path / "a.dng")
    with rawpy.imread(str(tmp_path / "a.dng")) as opened:
        rgb = opened.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0, output_bps=16)

    red, green, blue = rgb[8:-8, 8:-8].reshape(-1, 3).mean(axis=0)
    assert red == pytest.approx(green, rel=0.01)
    assert blue == pytest.approx(green, rel=0.01)


def test_linear_floats_become_sixteen_bits_from_black_to_white(tmp_path):
    samples = np.zeros((16, 16, 3), np.float32)
    samples[0, :4, 0] = [-1.0, 1.0, 3.0, 9.0]
    frame = linear_frame(16, 16, samples=samples, black_level=(1.0, 0.0, 0.0), white_level=5.0)
    found = with_whole_numbers(frame)

    np.testing.assert_array_equal(found.samples[0, :4, 0], [0, 0, round(65535 / 2), 65535])
    assert (found.black_level, found.white_level) == ((0.0, 0.0, 0.0), 65535.0)


def test_mosaics_of_floats_keep_what_is_below_black():
    samples = np.full((4, 4), 0.5, np.float32)
    samples[0, 0] = -0.02
    found = with_whole_numbers(mosaic_frame(4, 4, samples=samples, black_level=(0.0,) * 4, white_level=1.0))
    decoded = (found.samples - found.black_level[0]) / (found.white_level - found.black_level[0])

    np.testing.assert_allclose(decoded, samples, atol=1e-5)


def test_monochrome_needs_no_matrix(tmp_path):
    samples = np.arange(32 * 48, dtype=np.uint16).reshape(32, 48)
    frame = replace(
        linear_frame(32, 48),
        samples=samples,
        kind=SensorKind.MONOCHROME,
        black_level=(0.0,),
        capture=capture(matrices=(), as_shot_neutral=None),
    )
    write_dng(frame, tmp_path / "a.dng")
    found = read_raw(tmp_path / "a.dng")

    np.testing.assert_array_equal(found.samples, samples)
    assert found.kind is SensorKind.MONOCHROME


def test_a_mosaic_without_a_matrix_is_refused(tmp_path):
    with pytest.raises(UsageError, match="matrix"):
        write_dng(mosaic_frame(capture=capture(matrices=())), tmp_path / "a.dng")
    assert list(tmp_path.iterdir()) == []


def test_who_made_it_is_written(tmp_path):
    write_dng(mosaic_frame(), tmp_path / "a.dng", provenance=Provenance("rawtool 9", (("net", "ab"),)))
    with tifffile.TiffFile(tmp_path / "a.dng") as tiff:
        tags = tiff.pages[0].tags
        assert tags.valueof(305) == "rawtool 9"
        assert b"net sha256:ab" in tags.valueof(700)
        assert tags.valueof(50708) == "Acme Box 1"
        assert tags.valueof(34665)["ISOSpeedRatings"] == 200


def test_nothing_is_overwritten_unasked(tmp_path):
    write_dng(mosaic_frame(), tmp_path / "a.dng")

    with pytest.raises(OutputExistsError):
        write_dng(mosaic_frame(), tmp_path / "a.dng")


@pytest.mark.parametrize("n_colors", [1, 3])
def test_whole_numbers_between_other_levels_are_kept_on_demand(tmp_path, n_colors):
    frame = linear_frame(23, 45)
    frame = replace(frame, black_level=(64.0,) * 3, white_level=16000.0)
    if n_colors == 1:
        grey, kind = np.ascontiguousarray(frame.samples[..., 0]), SensorKind.MONOCHROME
        frame = replace(frame, samples=grey, kind=kind, black_level=(64.0,))

    write_dng(frame, tmp_path / "a.dng", keeps_levels=True)
    write_dng(frame, tmp_path / "b.dng")

    kept, scaled = read_raw(tmp_path / "a.dng"), read_raw(tmp_path / "b.dng")
    np.testing.assert_array_equal(kept.samples, frame.samples)
    assert (kept.black_level, kept.white_level) == (frame.black_level, 16000.0)
    assert (set(scaled.black_level), scaled.white_level) == ({0.0}, 65535.0)


def test_floats_are_rounded_whatever_is_asked(tmp_path):
    frame = mosaic_frame(samples=np.full((24, 32), 0.5, np.float32), black_level=(0.0,) * 4, white_level=1.0)

    write_dng(frame, tmp_path / "a.dng", keeps_levels=True)

    assert read_raw(tmp_path / "a.dng").samples.dtype == np.uint16


@pytest.mark.parametrize("frame", [mosaic_frame(48, 64), linear_frame(48, 64)], ids=["mosaic", "linear"])
def test_a_preview_lies_beside_the_raw_and_changes_nothing_of_it(tmp_path, frame):
    preview = np.zeros((13, 31, 3), np.uint8)
    preview[:, 15:] = (200, 90, 30)
    write_dng(frame, tmp_path / "plain.dng")

    write_dng(frame, tmp_path / "a.dng", preview=preview)

    plain, found = (read_raw(tmp_path / name) for name in ("plain.dng", "a.dng"))
    np.testing.assert_array_equal(found.samples, plain.samples)
    assert replace(found, samples=plain.samples).crop == plain.crop
    assert found.capture.exif == plain.capture.exif
    with tifffile.TiffFile(tmp_path / "a.dng") as opened:
        assert opened.pages[0].subifds is not None
        page = opened.pages[0].pages[0]
        assert page.tags[254].value == 1
        np.testing.assert_allclose(page.asarray()[:, [2, 28]], preview[:, [2, 28]], atol=12)
    if frame.cfa is not None:
        with rawpy.imread(str(tmp_path / "a.dng")) as opened:
            np.testing.assert_array_equal(opened.raw_image, frame.samples)
            assert opened.extract_thumb().format is rawpy.ThumbFormat.JPEG
