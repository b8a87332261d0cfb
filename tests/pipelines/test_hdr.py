"""The whole walk: a finished picture on disk to its light on disk."""

import numpy as np
import PIL.Image
import pytest

from rawtool.color.spaces import icc_profile
from rawtool.color.transfer import srgb_decode
from rawtool.errors import OutputExistsError, VerificationError
from rawtool.io.image import read_image
from rawtool.io.ultrahdr import read_ultra_hdr
from rawtool.pipelines import hdr as journey
from rawtool.pipelines.hdr import HdrSettings, HdrTargets, reconstruct
from rawtool.pipelines.ldr import NO_PROFILE, read_ldr
from rawtool.vocabulary import Format, Profile
from tests import hdrnets

PLAIN = HdrSettings()
CODES = np.random.default_rng(1).integers(0, 256, (40, 56, 3), dtype=np.uint8)
GLOWING = hdrnets.studio(hdrnets.glowing)
TIFF, SECOND = Format.TIFF, Format.RADIANCE


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "a.png"
    PIL.Image.fromarray(CODES).save(path, icc_profile=icc_profile(Profile.SRGB))
    return path


def made(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "a.png")


def to(folder, *kinds, sheet=False):
    pictures = tuple((kind, folder / f"out.{kind.suffix}") for kind in kinds)
    return HdrTargets(pictures, folder / "sheet.png" if sheet else None)


def test_the_light_of_the_network_is_written(source, tmp_path):
    report = reconstruct(source, to(tmp_path, TIFF), GLOWING, HdrSettings(format=TIFF))

    light = read_image(tmp_path / "out.tiff").pixels
    np.testing.assert_allclose(light, hdrnets.glowing(CODES / np.float32(255)), rtol=1e-4, atol=1e-7)
    assert (report.model, report.model_sha256, report.device) == (GLOWING.model.label, "c0ffee", "cpu")
    assert (report.tiles, report.warnings, report.provider) == (1, (), "numpy")
    assert [stage for stage, _ in report.seconds] == ["decode", "look", "reconstruct", "encode"]


def test_a_picture_that_was_read_ahead_is_not_read_again(source, tmp_path, monkeypatch):
    ldr = read_ldr(source)
    monkeypatch.setattr(journey, "read_ldr", None)

    reconstruct(lambda: ldr, to(tmp_path, TIFF), GLOWING, HdrSettings(format=TIFF))

    assert made(tmp_path) == ["out.tiff"]


def test_several_formats_and_a_sheet_come_of_one_run(source, tmp_path):
    kinds = (TIFF, SECOND, Format.PNG, Format.AVIF, Format.UHDR)

    report = reconstruct(source, to(tmp_path, *kinds, sheet=True), GLOWING, HdrSettings(format=TIFF))

    assert made(tmp_path) == ["out.avif", "out.hdr", "out.jpg", "out.png", "out.tiff", "sheet.png"]
    light = srgb_decode(CODES / np.float32(255))
    for name in ("out.tiff", "out.hdr"):
        assert read_image(tmp_path / name).pixels.max() > 5 * light.max()
    assert len(GLOWING.network.tile_session.seen) >= report.tiles == 1
    assert read_ultra_hdr(tmp_path / "out.jpg") is not None


def test_what_reading_said_is_reported(tmp_path):
    PIL.Image.fromarray(CODES).save(tmp_path / "a.png")

    report = reconstruct(tmp_path / "a.png", to(tmp_path, TIFF), GLOWING, HdrSettings(format=TIFF))

    assert report.warnings == (NO_PROFILE,)


def test_a_jpeg_is_kept_only_for_ultra_hdr(tmp_path):
    path = tmp_path / "photo.jpg"
    PIL.Image.fromarray(CODES).save(path, icc_profile=icc_profile(Profile.SRGB))

    report = reconstruct(path, to(tmp_path, Format.UHDR), GLOWING, HdrSettings(format=Format.UHDR))

    content = path.read_bytes()
    assert report.warnings == ()
    assert content[content.index(b"\xff\xda") :] in (tmp_path / "out.jpg").read_bytes()


@pytest.mark.parametrize(
    ("kinds", "settings", "dtype"),
    [
        ((Format.EXR,), PLAIN, np.float16),
        ((Format.EXR,), HdrSettings(bit_depth=32, is_float=True), np.float32),
        ((Format.EXR, TIFF), PLAIN, np.float32),
        ((TIFF,), HdrSettings(format=TIFF), np.float32),
    ],
)
def test_half_the_memory_is_taken_where_that_is_all_that_is_written(
    kinds, settings, dtype, source, tmp_path, monkeypatch
):
    types = []
    monkeypatch.setattr(
        journey, "write_light", lambda made, *rest, overwrite: types.append(made.light.dtype) or ()
    )

    reconstruct(source, to(tmp_path, *kinds), GLOWING, settings)

    assert set(types) == {np.dtype(dtype)}


def test_a_half_exr_is_the_rounded_light(source, tmp_path):
    pytest.importorskip("OpenEXR")

    reconstruct(source, to(tmp_path, Format.EXR), GLOWING, PLAIN)

    expected = hdrnets.glowing(CODES / np.float32(255))
    np.testing.assert_allclose(read_image(tmp_path / "out.exr").pixels, expected, rtol=6e-4, atol=1e-7)


def test_nothing_is_written_when_the_network_fails(source, tmp_path):
    broken = hdrnets.studio(lambda picture: picture * np.float32(np.nan))

    with pytest.raises(VerificationError, match="not finite"):
        reconstruct(source, to(tmp_path, TIFF, sheet=True), broken, HdrSettings(format=TIFF))
    assert made(tmp_path) == []


def test_all_targets_are_written_or_none(source, tmp_path):
    (tmp_path / "out.hdr").write_bytes(b"precious")

    with pytest.raises(OutputExistsError):
        reconstruct(source, to(tmp_path, TIFF, SECOND, sheet=True), GLOWING, HdrSettings(format=TIFF))

    assert made(tmp_path) == ["out.hdr"]
    assert (tmp_path / "out.hdr").read_bytes() == b"precious"


def test_files_that_were_there_are_replaced_only_when_asked(source, tmp_path):
    for name in ("out.tiff", "sheet.png"):
        (tmp_path / name).write_bytes(b"old")

    targets = to(tmp_path, TIFF, sheet=True)
    reconstruct(source, targets, GLOWING, HdrSettings(format=TIFF), overwrite=True)

    assert read_image(tmp_path / "out.tiff").pixels.shape == CODES.shape
    assert read_image(tmp_path / "sheet.png").pixels.ndim == 3


def test_progress_grows_from_reading_to_the_last_file(source, tmp_path):
    told = []

    reconstruct(
        source, to(tmp_path, TIFF), GLOWING, HdrSettings(format=TIFF, tile=16), on_progress=told.append
    )

    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.1, 1.0)
    assert len(told) > 8


@pytest.mark.parametrize("code", [0, 255])
@pytest.mark.parametrize("shape", [(1, 1), (30, 40)])
def test_black_white_and_the_smallest_picture_become_every_format(code, shape, tmp_path):
    PIL.Image.fromarray(np.full((*shape, 3), code, np.uint8)).save(tmp_path / "a.png")
    kinds = (TIFF, SECOND, Format.PNG, Format.AVIF, Format.UHDR)

    reconstruct(tmp_path / "a.png", to(tmp_path, *kinds, sheet=True), GLOWING, HdrSettings(format=TIFF))

    light = read_image(tmp_path / "out.tiff").pixels
    assert light.shape == (*shape, 3)
    np.testing.assert_allclose(light, hdrnets.GAIN if code else 0.0, rtol=1e-5)
