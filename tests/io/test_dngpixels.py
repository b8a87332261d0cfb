import io

import numpy as np
import pytest
import tifffile

from rawtool.errors import CorruptFileError, UnsupportedRawError
from rawtool.io.dngpixels import read_codes
from rawtool.io.dngtags import find_picture, read_picture
from rawtool.io.tiffdir import read_directories
from tests.io.material import dng, short

SAMPLES = np.arange(12 * 16, dtype=np.uint16).reshape(12, 16) * 300


def codes(folder, content):
    path = folder / "a.dng"
    path.write_bytes(content)
    directories = read_directories(io.BytesIO(content))
    return read_codes(path, read_picture(directories[0], find_picture(directories)))


def written(samples, photometric, **options):
    """A DNG-like TIFF by tifffile."""
    stream = io.BytesIO()
    tags = [(33421, 3, 2, (2, 2)), (33422, 1, 4, b"\0\1\1\2"), (50706, 1, 4, b"\1\4\0\0")]
    tifffile.imwrite(stream, samples, photometric=photometric, extratags=tags, metadata=None, **options)
    return stream.getvalue()


def test_plain_counts_are_read_as_they_are(tmp_path):
    np.testing.assert_array_equal(codes(tmp_path, dng(SAMPLES)), SAMPLES)


def test_eight_bits_and_a_table_become_the_counts_of_the_table(tmp_path):
    eight = np.arange(192, dtype=np.uint8).reshape(12, 16)
    table = (np.arange(150, dtype="<u2") ** 2).astype("<u2")
    found = codes(tmp_path, dng(eight, (50712, 3, 150, table.tobytes())))

    np.testing.assert_array_equal(found, np.minimum(np.arange(192), 149).reshape(12, 16) ** 2)
    assert found.dtype == np.uint16


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_deflated_floats_keep_what_is_below_black_and_above_white(tmp_path, dtype):
    samples = np.linspace(-0.25, 4.0, 192).reshape(12, 16).astype(dtype)
    found = codes(tmp_path, written(samples, 32803, compression="zlib", predictor=3))

    np.testing.assert_array_equal(found, samples.astype(np.float32))
    assert found.dtype == np.float32


@pytest.mark.parametrize("compression", ["zlib", "jpegxl_dng"])
def test_what_libraw_refuses_is_read(tmp_path, compression):
    arguments = {"lossless": True} if compression == "jpegxl_dng" else {}
    content = written(SAMPLES, 32803, compression=compression, compressionargs=arguments)

    np.testing.assert_array_equal(codes(tmp_path, content), SAMPLES)


def test_three_colours_in_separate_planes_are_put_together(tmp_path):
    planes = np.stack([SAMPLES, SAMPLES + 1, SAMPLES + 2])
    found = codes(tmp_path, written(planes, 34892, planarconfig="separate"))

    np.testing.assert_array_equal(found, np.moveaxis(planes, 0, 2))


def test_a_compression_of_gopro_is_named(tmp_path):
    with pytest.raises(UnsupportedRawError, match="VC-5"):
        codes(tmp_path, dng(SAMPLES, short(259, 9)))


def test_damaged_compressed_data_are_damage(tmp_path):
    content = bytearray(written(SAMPLES, 32803, compression="zlib"))
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as tiff:
        start = tiff.pages[0].dataoffsets[0]
    content[start : start + 12] = b"\xff" * 12

    with pytest.raises(CorruptFileError, match="damaged"):
        codes(tmp_path, bytes(content))
