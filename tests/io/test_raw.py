import contextlib

import numpy as np
import pytest
import tifffile

from rawtool.errors import CorruptFileError, InputError, UnsupportedFormatError, UnsupportedRawError
from rawtool.frames import Cfa, GainMap
from rawtool.io.dng import write_dng
from rawtool.io.opcodes import pack_gain_maps
from rawtool.io.raw import is_raw, read_raw
from rawtool.vocabulary import SensorKind
from tests.io.material import dng, linear_frame, long, mosaic_frame, short

SAMPLES = np.random.default_rng(1).integers(0, 60000, (32, 48)).astype(np.uint16)


def read(folder, content, name="a.dng"):
    path = folder / name
    path.write_bytes(content)
    return read_raw(path)


@pytest.mark.parametrize("cell", [((0, 1), (1, 2)), ((1, 0), (2, 1)), ((1, 2), (0, 1)), ((2, 1), (1, 0))])
def test_every_phase_is_read_with_its_black_levels(tmp_path, cell):
    frame = mosaic_frame(cfa=Cfa(cell))
    write_dng(frame, tmp_path / "a.dng")
    found = read_raw(tmp_path / "a.dng")

    np.testing.assert_array_equal(found.samples, frame.samples)
    assert (found.cfa, found.black_level, found.crop) == (frame.cfa, frame.black_level, frame.crop)


@pytest.mark.parametrize(("size", "kind"), [(4, SensorKind.QUAD_BAYER), (6, SensorKind.XTRANS)])
def test_larger_cells_are_read(tmp_path, size, kind):
    cell = tuple(tuple((y // 2 + x // 2 + (y == x)) % 3 for x in range(size)) for y in range(size))
    frame = mosaic_frame(36, 48, cfa=Cfa(cell), kind=kind)
    write_dng(frame, tmp_path / "a.dng")
    found = read_raw(tmp_path / "a.dng")

    np.testing.assert_array_equal(found.samples, frame.samples)
    assert (found.cfa, found.kind, found.black_level) == (frame.cfa, kind, frame.black_level)


def test_only_the_active_area_is_given(tmp_path):
    found = read(tmp_path, dng(SAMPLES, long(50829, 3, 5, 30, 47)))

    np.testing.assert_array_equal(found.samples, SAMPLES[3:30, 5:47])
    assert found.samples.base is None


def test_a_linear_picture_has_three_channels(tmp_path):
    frame = linear_frame(32, 48)
    write_dng(frame, tmp_path / "a.dng")
    found = read_raw(tmp_path / "a.dng")

    np.testing.assert_array_equal(found.samples, frame.samples)
    assert (found.kind, found.cfa, found.black_level) == (SensorKind.LINEAR, None, (0.0, 0.0, 0.0))


def test_one_sample_of_linear_raw_is_monochrome(tmp_path):
    found = read(tmp_path, dng(SAMPLES, short(262, 34892), without=(33421, 33422)))

    np.testing.assert_array_equal(found.samples, SAMPLES)
    assert (found.kind, found.black_level, found.capture.as_shot_neutral) == (
        SensorKind.MONOCHROME,
        (0.0,),
        None,
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_what_the_file_says_mirrored_or_not(tmp_path, orientation):
    found = read(tmp_path, dng(SAMPLES, short(274, orientation)))

    assert found.capture.orientation == orientation
    np.testing.assert_array_equal(found.samples, SAMPLES)


def test_the_white_level_is_that_of_the_tag_even_below_the_data(tmp_path):
    assert read(tmp_path, dng(SAMPLES, long(50717, 1000))).white_level == 1000.0


def test_capture_facts_come_from_the_tags(tmp_path):
    write_dng(mosaic_frame(), tmp_path / "a.dng")
    found = read_raw(tmp_path / "a.dng").capture

    assert (found.make, found.model, found.iso, found.exposure_s) == ("Acme", "Box 1", 200.0, 0.004)
    assert found.taken_at == "2024:05:06 07:08:09"
    np.testing.assert_allclose(found.as_shot_neutral, [0.5, 1.0, 0.625], atol=1e-6)


def test_gain_maps_travel_with_the_frame(tmp_path):
    gain_map = GainMap((0, 1, 24, 31), (2, 2), (0.0, 0.0), (1.0, 1.0), np.full((2, 2), 1.5, np.float32))
    write_dng(mosaic_frame(gain_maps=(gain_map,)), tmp_path / "a.dng")
    (found,) = read_raw(tmp_path / "a.dng").gain_maps

    assert (found.area, found.pitch) == (gain_map.area, gain_map.pitch)
    np.testing.assert_array_equal(found.gains, gain_map.gains)


def test_a_picture_too_small_for_libraw_is_read(tmp_path):
    found = read(tmp_path, dng(SAMPLES[:6, :8]))

    np.testing.assert_array_equal(found.samples, SAMPLES[:6, :8])


def test_an_empty_file_is_damage(tmp_path):
    with pytest.raises(CorruptFileError, match="empty"):
        read(tmp_path, b"")


@pytest.mark.parametrize("n_bytes", [9, 40, 200, 700, 2000])
def test_a_cut_file_is_damage(tmp_path, n_bytes):
    with pytest.raises(CorruptFileError):
        read(tmp_path, dng(SAMPLES)[:n_bytes])


@pytest.mark.parametrize(
    ("head", "what"), [(b"\xff\xd8\xff\xe0", "JPEG"), (b"\x89PNG\r\n\x1a\n", "PNG"), (b"%PDF-1.7", "PDF")]
)
def test_another_kind_of_file_is_named(tmp_path, head, what):
    with pytest.raises(UnsupportedFormatError, match=what):
        read(tmp_path, head + b"\0" * 400)


def test_a_file_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_raw(tmp_path / "none.dng")


def test_a_folder_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="directory"):
        read_raw(tmp_path)


def test_a_tiff_of_a_finished_picture_is_refused(tmp_path):
    path = tmp_path / "a.nef"
    tifffile.imwrite(path, np.zeros((32, 48, 3), np.uint8), photometric="rgb", compression="zlib")

    with pytest.raises(UnsupportedRawError):
        read_raw(path)


@pytest.mark.parametrize("seed", range(60))
def test_damage_anywhere_in_the_directory_is_a_frame_or_an_input_error(tmp_path, seed):
    content = bytearray(dng(SAMPLES))
    random = np.random.default_rng(seed)
    for at in random.integers(8, len(content) - SAMPLES.nbytes, 6):
        content[at] = random.integers(256)

    with contextlib.suppress(InputError):
        assert read(tmp_path, bytes(content)).samples.size <= 2 * SAMPLES.size


def test_raws_are_told_by_their_suffix(tmp_path):
    assert is_raw(tmp_path / "a.CR2")
    assert not is_raw(tmp_path / "a.jpg")


def test_damage_that_libraw_notices_is_not_read_around(tmp_path):
    write_dng(mosaic_frame(64, 96), tmp_path / "a.dng")
    content = bytearray((tmp_path / "a.dng").read_bytes())
    start = content.index(b"\xff\xda")
    content[start + 40 : start + 44] = b"\xff\xd9\xff\xd9"

    with pytest.raises(CorruptFileError):
        read(tmp_path, bytes(content), "b.dng")


@pytest.mark.parametrize(("plane", "n_planes", "n_kept"), [(0, 3, 1), (0, 1, 0), (1, 2, 0)])
def test_of_the_corrections_after_demosaicking_a_mosaic_takes_those_that_treat_colours_alike(
    tmp_path, plane, n_planes, n_kept
):
    gains = np.full((2, 2), 1.5, np.float32)
    gain_map = GainMap((0, 0, 32, 48), (1, 1), (0.0, 0.0), (1.0, 1.0), gains, plane, n_planes)
    payload = pack_gain_maps((gain_map,))

    assert len(read(tmp_path, dng(SAMPLES, (51022, 7, len(payload), payload))).gain_maps) == n_kept
