import numpy as np
import pytest
import tifffile

from rawtool.errors import OutputExistsError
from rawtool.io.counts import write_counts
from rawtool.vocabulary import Format

COUNTS = np.random.default_rng(1).integers(0, 65536, (37, 41), dtype=np.uint16)
COLORS = np.random.default_rng(2).integers(0, 65536, (13, 17, 3), dtype=np.uint16)


@pytest.mark.parametrize("samples", [COUNTS, COLORS], ids=["mosaic", "three colours"])
def test_arrays_come_back_as_they_are(samples, tmp_path):
    write_counts(samples, tmp_path / "a.npy", Format.NPY)
    write_counts(samples, tmp_path / "a.tif", Format.TIFF)

    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), samples)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), samples)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npy", "a.tif"]


def test_nothing_is_overwritten_unless_asked(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"older")

    with pytest.raises(OutputExistsError):
        write_counts(COUNTS, tmp_path / "a.npy", Format.NPY)
    assert (tmp_path / "a.npy").read_bytes() == b"older"
    write_counts(COUNTS, tmp_path / "a.npy", Format.NPY, overwrite=True)
    assert np.load(tmp_path / "a.npy").shape == COUNTS.shape


def test_other_formats_are_our_own_mistake(tmp_path):
    with pytest.raises(ValueError, match="jpg"):
        write_counts(COUNTS, tmp_path / "a.jpg", Format.JPEG)
