import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tifffile

from rawtool.errors import OutputExistsError, UsageError, VerificationError
from rawtool.frames import Image, Provenance
from rawtool.io.encode import encode_jpeg, write_image
from rawtool.io.encodeoptions import EncodeOptions, depth_of
from rawtool.io.exif import Block, dumps, short_entry
from rawtool.io.image import read_image
from rawtool.io.tiffdir import Entry
from rawtool.vocabulary import Format, Profile, Space
from tests.io.material import capture

ICC = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
WHO = Provenance("rawtool 9", (("net-a", "ab" * 32),))
RAMP = np.linspace(0, 1, 20 * 31 * 3, dtype=np.float32).reshape(20, 31, 3)


def picture(pixels=RAMP, **changes):
    known = {"space": Space.DISPLAY, "capture": capture(), "provenance": WHO, "icc": ICC}
    return Image(pixels, **(known | changes))


def suffix(options):
    return options.format.value


EXACT = [
    EncodeOptions(Format.PNG),
    EncodeOptions(Format.PNG, bit_depth=16),
    EncodeOptions(Format.TIFF),
    EncodeOptions(Format.TIFF, bit_depth=8),
    EncodeOptions(Format.TIFF, bit_depth=16, compression="none"),
    EncodeOptions(Format.TIFF, bit_depth=32),
    EncodeOptions(Format.TIFF, is_float=True, compression="none"),
]


@pytest.mark.parametrize("options", EXACT, ids=str)
@pytest.mark.parametrize("shape", [(20, 31, 3), (20, 31), (1, 1, 3), (301, 401, 3)])
def test_lossless_formats_keep_every_pixel_to_the_rounding_of_their_bits(tmp_path, options, shape):
    pixels = np.linspace(0, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    target = tmp_path / f"a.{suffix(options)}"
    write_image(picture(pixels), target, options)
    bits, is_float = depth_of(options)
    found = read_image(target)

    np.testing.assert_allclose(found.as_float(), pixels, atol=0 if is_float else 0.501 / (2**bits - 1))
    assert found.icc == ICC


@pytest.mark.parametrize("options", EXACT[2:], ids=str)
@pytest.mark.parametrize("order", ["<", ">"])
def test_an_independent_reader_reads_the_tiff_in_both_byte_orders(tmp_path, options, order):
    block = dumps(Block(order, (short_entry(order, 305, 1),), (), ()))
    write_image(picture(capture=capture(exif=block)), tmp_path / "a.tiff", options)
    found = tifffile.imread(tmp_path / "a.tiff")
    highest = 1 if found.dtype.kind == "f" else np.iinfo(found.dtype).max

    np.testing.assert_allclose(found / highest, RAMP, atol=0.51 / 255)
    with tifffile.TiffFile(tmp_path / "a.tiff") as tiff:
        assert tiff.byteorder == order


@pytest.mark.parametrize(("subsampling", "factor"), [("444", (1, 1)), ("422", (2, 1)), ("420", (2, 2))])
def test_a_jpeg_is_sampled_as_asked_and_close_to_the_picture(tmp_path, subsampling, factor):
    write_image(picture(), tmp_path / "a.jpg", EncodeOptions(Format.JPEG, subsampling=subsampling))
    with PIL.Image.open(tmp_path / "a.jpg") as found:
        assert found.layer[0][1:3] == factor
        np.testing.assert_allclose(np.asarray(found) / 255, RAMP, atol=0.03)


def test_a_lower_quality_makes_a_smaller_jpeg(tmp_path):
    noise = np.random.default_rng(0).random((64, 64, 3), np.float32)
    for quality in (50, 95):
        write_image(picture(noise), tmp_path / f"{quality}.jpg", EncodeOptions(Format.JPEG, quality=quality))

    assert (tmp_path / "50.jpg").stat().st_size < 0.6 * (tmp_path / "95.jpg").stat().st_size


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tiff"])
def test_exif_profile_and_maker_travel_in_every_format(tmp_path, name):
    form = next(known for known in Format if known.value == name[2:])
    write_image(picture(capture=capture(orientation=6)), tmp_path / name, EncodeOptions(form))
    with PIL.Image.open(tmp_path / name) as found:
        exif = found.getexif()
        assert (exif[271], exif[272], exif[305], exif[274]) == ("Acme", "Box 1", "rawtool 9", 1)
        assert exif.get_ifd(0x8769)[34855] == 200
        assert found.info["icc_profile"] == ICC
    assert f"net-a sha256:{'ab' * 32}".encode() in (tmp_path / name).read_bytes()


def test_a_maker_note_too_long_for_a_jpeg_is_left_out_and_the_rest_stays(tmp_path):
    note = Entry(37500, 7, 70000, b"n" * 70000, 900)
    block = dumps(Block("<", (), (short_entry("<", 34855, 640),), (), note))
    write_image(picture(capture=capture(exif=block)), tmp_path / "a.jpg", EncodeOptions(Format.JPEG))
    with PIL.Image.open(tmp_path / "a.jpg") as found:
        assert found.getexif().get_ifd(0x8769) == {34855: 640}


def test_a_tiff_holds_even_a_long_maker_note_at_its_place(tmp_path):
    note = Entry(37500, 7, 70000, b"n" * 70000, 900)
    block = dumps(Block("<", (), (short_entry("<", 34855, 640),), (), note))
    write_image(picture(capture=capture(exif=block)), tmp_path / "a.tiff", EncodeOptions(Format.TIFF))

    assert (tmp_path / "a.tiff").read_bytes()[900:70900] == b"n" * 70000


def test_values_that_are_not_numbers_are_never_written(tmp_path):
    with pytest.raises(VerificationError):
        write_image(picture(RAMP * np.float32(np.nan)), tmp_path / "a.png", EncodeOptions(Format.PNG))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_unasked(tmp_path):
    write_image(picture(), tmp_path / "a.png", EncodeOptions(Format.PNG))
    with pytest.raises(OutputExistsError):
        write_image(picture(), tmp_path / "a.png", EncodeOptions(Format.PNG))
    write_image(picture(RAMP[:5]), tmp_path / "a.png", EncodeOptions(Format.PNG), overwrite=True)

    assert read_image(tmp_path / "a.png").pixels.shape == (5, 31, 3)


@pytest.mark.parametrize(
    "options",
    [
        EncodeOptions(Format.JPEG, bit_depth=16),
        EncodeOptions(Format.PNG, bit_depth=10),
        EncodeOptions(Format.PNG, is_float=True, bit_depth=16),
        EncodeOptions(Format.JPEG, quality=0),
        EncodeOptions(Format.JPEG, subsampling="411"),
        EncodeOptions(Format.TIFF, compression="zip"),
        EncodeOptions(Format.JPEG, compression="none"),
        EncodeOptions(Format.AVIF),
        EncodeOptions(Format.AVIF, bit_depth=16),
        EncodeOptions(Format.JXL),
        EncodeOptions(Format.JXL, bit_depth=8),
        EncodeOptions(Format.RADIANCE),
        EncodeOptions(Format.RADIANCE, bit_depth=16),
        EncodeOptions(Format.EXR, compression="deflate"),
    ],
    ids=str,
)
def test_what_a_format_cannot_hold_is_refused_before_writing(tmp_path, options):
    with pytest.raises(UsageError):
        write_image(picture(), tmp_path / "a", options)
    assert list(tmp_path.iterdir()) == []


def test_a_jpeg_has_a_longest_side(tmp_path):
    wide = np.zeros((1, 65501, 3), np.uint8)

    with pytest.raises(UsageError, match="65500"):
        write_image(picture(wide), tmp_path / "a.jpg", EncodeOptions(Format.JPEG))


def test_a_picture_without_a_camera_is_written(tmp_path):
    write_image(Image(RAMP, Space.DISPLAY, Profile.SRGB), tmp_path / "a.jpg", EncodeOptions(Format.JPEG))

    assert read_image(tmp_path / "a.jpg").icc is None


def test_an_ultra_hdr_has_a_door_of_its_own(tmp_path):
    with pytest.raises(ValueError, match="write_ultra_hdr"):
        write_image(picture(), tmp_path / "a.jpg", EncodeOptions(Format.UHDR))


@pytest.mark.parametrize("kind", [Format.JPEG, Format.TIFF, Format.EXR])
def test_pq_goes_into_no_format_that_cannot_say_so(tmp_path, kind):
    with pytest.raises(ValueError, match="PQ values"):
        write_image(picture(space=Space.PQ, profile=Profile.REC2020), tmp_path / "a", EncodeOptions(kind))


def test_pq_has_rec2020_primaries(tmp_path):
    with pytest.raises(ValueError, match=r"Rec\.2020"):
        write_image(picture(space=Space.PQ), tmp_path / "a.avif", EncodeOptions(Format.AVIF))


def test_an_avif_has_a_longest_side(tmp_path):
    wide = Image(np.zeros((1, 32769, 3), np.float32), Space.PQ, Profile.REC2020)

    with pytest.raises(UsageError, match="32768"):
        write_image(wide, tmp_path / "a.avif", EncodeOptions(Format.AVIF))


@pytest.mark.parametrize(
    "options", [EncodeOptions(Format.UHDR, quality=0), EncodeOptions(Format.JPEG, bit_depth=16)]
)
def test_a_jpeg_in_memory_takes_the_same_options(options):
    with pytest.raises(UsageError):
        encode_jpeg(picture(), options)


def test_a_jpeg_in_memory_is_the_one_on_the_disk(tmp_path):
    options = EncodeOptions(Format.JPEG, quality=80)
    write_image(picture(), tmp_path / "a.jpg", options)

    assert encode_jpeg(picture(), options) == (tmp_path / "a.jpg").read_bytes()
