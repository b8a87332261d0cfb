"""The whole walk: raw on disk to picture on disk."""

from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rawtool.errors import CorruptFileError, OutputError, OutputExistsError, UsageError
from rawtool.io.dng import write_dng
from rawtool.io.image import read_image
from rawtool.io.raw import read_raw
from rawtool.pipelines import develop as journey
from rawtool.pipelines.develop import develop
from rawtool.pipelines.settings import DevelopSettings
from rawtool.sensor.noise import NoiseModel
from rawtool.vocabulary import Format, Profile, SensorKind, Space, Stage
from tests import raws, scenes, strategies

LIGHT = DevelopSettings(stage=Stage.RESTORE, format=Format.TIFF, bit_depth=32, is_float=True)
CODES = DevelopSettings(format=Format.PNG)
# EXIF 2.32: where the picture's own top left corner lies in the frame as it was taken.
CORNERS = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (-1, 0), 7: (-1, -1), 8: (0, -1)}


def light_of(path):
    image = read_image(path)
    assert image.space is Space.SCENE_LINEAR
    return image.as_float()


def developed(frame, darkroom, tmp_path, wanted=LIGHT):
    source, target = tmp_path / "a.dng", tmp_path / f"a_dev.{wanted.format.value}"
    write_dng(frame, source, overwrite=True)
    develop(source, target, darkroom, wanted, overwrite=True)
    return target


@settings(max_examples=8)
@given(neutral=strategies.NEUTRALS, cfa=strategies.BAYER_CFAS, level=st.floats(0.02, 0.3))
def test_grey_in_grey_out_under_coloured_light(neutral, cfa, level, darkroom, tmp_path_factory):
    frame = raws.photograph(scenes.grey(34, 47, level), cfa=cfa, neutral=neutral)

    target = developed(frame, darkroom, tmp_path_factory.mktemp("grey"), CODES)

    pixels = read_image(target).pixels.astype(int)
    assert np.ptp(pixels, axis=2).max() <= 1
    assert np.ptp(pixels) <= 2


@pytest.mark.parametrize("kind", raws.KINDS)
def test_every_kind_of_sensor_shows_the_grey_of_the_scene(kind, darkroom, tmp_path):
    frame = raws.photograph(scenes.grey(40, 52, 0.25), kind)

    light = light_of(developed(frame, darkroom, tmp_path))

    # Saturation of the most sensitive channel is white, and green is that channel.
    np.testing.assert_allclose(light, 0.25, atol=2e-3)


def test_colours_come_back(darkroom, tmp_path, monkeypatch):
    colours = np.tile(scenes.patches(24)[:, :144], (2, 1, 1)) * np.float32(0.5)
    frame = raws.photograph(colours)
    monkeypatch.setattr(journey, "read_raw", lambda path: frame)

    develop(tmp_path / "a.dng", tmp_path / "a.tiff", darkroom, LIGHT)
    light = light_of(tmp_path / "a.tiff")

    for left in range(0, 144, 24):
        np.testing.assert_allclose(light[24, left + 12], colours[24, left + 12], atol=2e-3)


def test_what_the_sensor_clipped_is_white_not_magenta(darkroom, tmp_path):
    light = light_of(developed(raws.photograph(scenes.grey(24, 24, 8.0)), darkroom, tmp_path))

    np.testing.assert_allclose(light, 1.0, atol=1e-4)


def test_one_ev_is_twice_the_light(darkroom, tmp_path):
    frame = raws.photograph(scenes.zone_plate(40, 50) * np.float32(0.4))

    usual, brighter = (
        light_of(developed(frame, darkroom, tmp_path, replace(LIGHT, exposure_ev=ev))) for ev in (0.0, 1.0)
    )

    np.testing.assert_allclose(brighter, 2 * usual, rtol=1e-5)


def test_one_ev_brightens_the_finished_picture(darkroom, tmp_path):
    frame = raws.photograph(scenes.grey(24, 24, 0.1))

    usual, brighter = (
        read_image(developed(frame, darkroom, tmp_path, replace(CODES, exposure_ev=ev))).pixels.mean()
        for ev in (0.0, 1.0)
    )

    assert 1.3 * usual < brighter < 1.6 * usual


def test_strength_zero_is_the_initial_demosaic(darkroom, lively_darkroom, tmp_path):
    frame = raws.photograph(scenes.zone_plate(60, 70) * np.float32(0.4), noise=NoiseModel(1e-4, 1e-6))

    plain = light_of(developed(frame, darkroom, tmp_path))
    none = light_of(developed(frame, lively_darkroom, tmp_path, replace(LIGHT, strength=0.0)))
    full = light_of(developed(frame, lively_darkroom, tmp_path))

    np.testing.assert_allclose(none, plain, atol=3e-5)
    assert np.abs(full - plain).max() > 0.05


@pytest.mark.parametrize("tile", [32, 64])
def test_the_size_of_the_tiles_does_not_show(tile, lively_darkroom, tmp_path):
    frame = raws.photograph(scenes.zone_plate(85, 151) * np.float32(0.4), noise=NoiseModel(1e-4, 1e-6))

    whole, tiled = (
        light_of(developed(frame, lively_darkroom, tmp_path, replace(LIGHT, tile=side)))
        for side in (512, tile)
    )

    np.testing.assert_allclose(tiled, whole, atol=2e-4)


@pytest.mark.parametrize("orientation", CORNERS)
def test_a_jpeg_is_upright_with_profile_exif_and_names(orientation, darkroom, tmp_path):
    scene = scenes.grey(32, 48, 0.02)
    row, column = CORNERS[orientation]
    scene[
        (slice(0, 16) if row == 0 else slice(16, None)), (slice(0, 24) if column == 0 else slice(24, None))
    ] = 0.5
    frame = raws.photograph(scene, capture=raws.capture(orientation=orientation))

    target = developed(frame, darkroom, tmp_path, DevelopSettings())

    with PIL.Image.open(target) as picture:
        exif, pixels = picture.getexif(), np.asarray(picture).mean(axis=2)
        assert picture.size == ((32, 48) if orientation > 4 else (48, 32))
        assert picture.info["icc_profile"]
        assert (exif[0x010F], exif[0x0110], exif.get(0x0112, 1)) == ("Acme", "Box 1", 1)
        assert exif[0x0131].startswith("rawtool")
    assert b"cameranet-s@9" in target.read_bytes()
    assert darkroom.sha256.encode() in target.read_bytes()
    assert pixels[4, 4] > 150
    assert pixels[-5, -5] < 100


@pytest.mark.parametrize("cfa", [strategies.cfa_of(pattern) for pattern in strategies.CfaPattern], ids=str)
def test_the_picture_shows_the_crop_and_nothing_else(cfa, darkroom, tmp_path):
    rows, columns = np.mgrid[0:36, 0:44].astype(np.float32)
    slope = np.repeat((0.1 + 0.004 * rows + 0.003 * columns)[..., None], 3, axis=2)

    light = light_of(developed(raws.photograph(slope, crop=(7, 9, 20, 28), cfa=cfa), darkroom, tmp_path))

    assert light.shape == (20, 28, 3)
    np.testing.assert_allclose(light, slope[7:27, 9:37], atol=1e-3)


@pytest.mark.parametrize("matrices", [raws.MATRICES, raws.MATRICES[1:]], ids=["two lights", "one light"])
def test_a_restored_raw_is_developed_to_the_same_light(matrices, darkroom, tmp_path, monkeypatch):
    picture = scenes.zone_plate(40, 56) * np.array([0.4, 0.35, 0.3], np.float32)
    frame = raws.photograph(picture, capture=raws.capture(orientation=6, matrices=matrices))
    raw = tmp_path / "restored.dng"
    with monkeypatch.context() as patched:
        patched.setattr(journey, "read_raw", lambda path: frame)
        develop(tmp_path / "a.dng", tmp_path / "a.tiff", darkroom, LIGHT)
        develop(tmp_path / "a.dng", raw, darkroom, DevelopSettings(stage=Stage.RESTORE, format=Format.DNG))

    develop(raw, tmp_path / "again.tiff", darkroom, LIGHT)

    assert (read_raw(raw).kind, read_raw(raw).capture.orientation) == (SensorKind.LINEAR, 6)
    expected, found = light_of(tmp_path / "a.tiff"), light_of(tmp_path / "again.tiff")
    assert expected.shape == (56, 40, 3)
    # Camera RGB below 0 is cut when it is written.
    seen = read_raw(raw).samples.min(axis=2) > 0
    seen = np.rot90(seen, -1)
    np.testing.assert_allclose(found[seen], expected[seen], atol=4e-4)


@pytest.mark.parametrize("profile", [Profile.SRGB, Profile.DISPLAY_P3, Profile.REC2020])
def test_every_profile_is_written_with_its_own_icc(profile, darkroom, tmp_path):
    frame = raws.photograph(scenes.grey(20, 24, 0.2))

    found = read_image(developed(frame, darkroom, tmp_path, replace(CODES, profile=profile)))

    assert found.profile is profile


def test_the_picture_is_shrunk_upright(darkroom, tmp_path):
    frame = raws.photograph(scenes.grey(40, 60, 0.2), capture=raws.capture(orientation=8))

    found = read_image(developed(frame, darkroom, tmp_path, replace(CODES, output_size="20x300")))

    assert found.pixels.shape == (30, 20, 3)


@pytest.mark.parametrize("shape", [(6, 8), (2, 2), (1, 5), (3, 1)], ids=str)
def test_the_smallest_frames_are_developed(shape, darkroom, tmp_path, monkeypatch):
    frame = raws.photograph(scenes.grey(*shape, 0.2))
    monkeypatch.setattr(journey, "read_raw", lambda path: frame)

    develop(tmp_path / "tiny.dng", tmp_path / "tiny.png", darkroom, CODES)

    assert read_image(tmp_path / "tiny.png").pixels.shape == (*shape, 3)


def test_a_black_frame_is_black(darkroom, tmp_path):
    found = read_image(developed(raws.photograph(scenes.grey(24, 32, 0.0)), darkroom, tmp_path, CODES))

    assert found.pixels.max() <= 1


def test_an_existing_picture_is_left_alone(darkroom, tmp_path, on_disk):
    source, target = on_disk(raws.photograph(scenes.grey(16, 16))), tmp_path / "old.jpg"
    target.write_bytes(b"mine")

    with pytest.raises(OutputExistsError):
        develop(source, target, darkroom, DevelopSettings())

    assert target.read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frame.dng", "old.jpg"]


@pytest.mark.parametrize(
    "wanted",
    [DevelopSettings(), CODES, LIGHT, replace(LIGHT, format=Format.DNG)],
    ids=lambda s: s.format.value,
)
def test_nothing_is_left_when_writing_fails(wanted, darkroom, tmp_path, on_disk, monkeypatch):
    source = on_disk(raws.photograph(scenes.grey(16, 16)))

    def fail(*words, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OutputError, match="no space left"):
        develop(source, tmp_path / f"out.{wanted.format.value}", darkroom, wanted)

    assert [path.name for path in tmp_path.iterdir()] == ["frame.dng"]


def test_a_damaged_raw_leaves_nothing(darkroom, tmp_path, on_disk):
    source = on_disk(raws.photograph(scenes.zone_plate(64, 64)))
    source.write_bytes(source.read_bytes()[:1500])

    with pytest.raises(CorruptFileError):
        develop(source, tmp_path / "out.jpg", darkroom, DevelopSettings())

    assert [path.name for path in tmp_path.iterdir()] == ["frame.dng"]


def test_a_depth_that_the_format_does_not_hold_is_refused(darkroom, tmp_path, on_disk):
    with pytest.raises(UsageError, match="bit-depth"):
        develop(
            on_disk(raws.photograph(scenes.grey(16, 16))),
            tmp_path / "a.jpg",
            darkroom,
            replace(CODES, bit_depth=12),
        )


def test_the_report_says_where_the_time_went_and_who_did_it(darkroom, tmp_path, on_disk):
    seen = []
    source = on_disk(raws.photograph(scenes.grey(80, 100)))

    report = develop(source, tmp_path / "a.png", darkroom, replace(CODES, tile=32), on_progress=seen.append)

    assert [stage for stage, _ in report.seconds] == ["decode", "prepare", "restore", "enhance", "encode"]
    assert all(seconds >= 0 for _, seconds in report.seconds)
    assert report.tiles == 24
    assert (report.model, report.model_sha256, report.device) == ("cameranet-s@9", darkroom.sha256, "cpu")
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
