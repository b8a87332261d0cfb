import numpy as np
import pytest
import rawpy

from rawtool.errors import CorruptFileError, MemoryLimitError, RawtoolError, UnsupportedRawError
from rawtool.io.dng import write_dng
from rawtool.io.libraw import (
    ERRORS,
    black_in_cell_order,
    neutral_of,
    read_camera_file,
    read_stored,
    translated,
)
from rawtool.vocabulary import CfaPattern
from tests.io.material import linear_frame, mosaic_frame


def test_every_error_of_libraw_has_a_translation():
    exported = {getattr(rawpy, name) for name in dir(rawpy) if name.endswith("Error")}

    assert exported - ERRORS.keys() == set()


@pytest.mark.parametrize(
    ("foreign", "expected"),
    [
        (rawpy.LibRawFileUnsupportedError, UnsupportedRawError),
        (rawpy.LibRawDataError, CorruptFileError),
        (rawpy.LibRawIOError, CorruptFileError),
        (rawpy.LibRawUnsufficientMemoryError, MemoryLimitError),
    ],
)
def test_errors_become_ours(foreign, expected):
    assert type(translated(foreign("x"))) is expected


def test_an_error_that_is_new_takes_the_translation_of_its_parent():
    class LibRawNewError(rawpy.LibRawFatalError):
        pass

    assert isinstance(translated(LibRawNewError("x")), RawtoolError)


def test_a_file_of_noise_is_unsupported(tmp_path):
    path = tmp_path / "a.nef"
    path.write_bytes(bytes(range(256)) * 40)

    with pytest.raises(UnsupportedRawError):
        read_stored(path)


def test_black_levels_are_put_into_the_order_of_the_cell():
    # LibRaw's order is R, G1, B, G2; its pattern of a GRBG cell counts the second green as 3.
    assert black_in_cell_order([10.0, 20.0, 30.0, 40.0], np.array([[1, 0], [2, 3]])) == (
        20.0,
        10.0,
        30.0,
        40.0,
    )


def test_the_neutral_is_one_over_the_gains_and_ignores_an_empty_second_green():
    np.testing.assert_allclose(neutral_of([2.0, 1.0, 1.6, 0.0]), [0.5, 1.0, 0.625])


def test_gains_of_zero_are_no_neutral():
    assert neutral_of([0.0, 0.0, 0.0, 0.0]) is None


def test_samples_survive_the_closing_of_the_file(tmp_path):
    frame = mosaic_frame(32, 48)
    write_dng(frame, tmp_path / "a.dng")

    np.testing.assert_array_equal(read_stored(tmp_path / "a.dng"), frame.samples)


def test_an_empty_fourth_channel_is_dropped(tmp_path):
    frame = linear_frame(32, 48)
    write_dng(frame, tmp_path / "a.dng")

    np.testing.assert_array_equal(read_stored(tmp_path / "a.dng"), frame.samples)


def test_a_camera_file_is_described_by_libraw_alone(tmp_path):
    frame = mosaic_frame(64, 96, black_level=(10.0, 20.0, 30.0, 40.0), crop=(8, 8, 48, 80))
    write_dng(frame, tmp_path / "a.dng")
    found = read_camera_file(tmp_path / "a.dng")

    np.testing.assert_array_equal(found.samples, frame.samples)
    assert found.cfa is not None
    assert found.cfa.pattern is CfaPattern.RGGB
    assert found.black_level == (10.0, 20.0, 30.0, 40.0)
    assert found.white_level == 16383.0
    assert found.crop == (8, 8, 48, 80)
    np.testing.assert_allclose(found.neutral, [0.5, 1.0, 0.625], atol=1e-4)
