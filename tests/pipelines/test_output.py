"""What is written at the end: a type that the format holds, the light of an EXR, a raw of restored light."""

import numpy as np
import pytest

from rawtool.color.matrices import SRGB_FROM_XYZ
from rawtool.color.transfer import encode
from rawtool.errors import UsageError
from rawtool.pipelines import output
from rawtool.pipelines.clock import Clock
from rawtool.pipelines.light import balanced_samples, clean_frame, find_light
from rawtool.pipelines.restore import restore
from rawtool.pipelines.settings import DevelopSettings
from rawtool.vocabulary import Format, Look, Profile, SensorKind, Space, Stage
from tests import raws, scenes

PICTURE = scenes.zone_plate(8, 10)


@pytest.mark.parametrize(
    ("settings", "dtype"),
    [
        (DevelopSettings(), np.uint8),
        (DevelopSettings(format=Format.PNG), np.uint8),
        (DevelopSettings(format=Format.PNG, bit_depth=16), np.uint16),
        (DevelopSettings(format=Format.TIFF), np.uint16),
        (DevelopSettings(format=Format.TIFF, bit_depth=8), np.uint8),
        (DevelopSettings(format=Format.TIFF, bit_depth=32, is_float=True), np.float32),
        (DevelopSettings(format=Format.EXR), np.float32),
        (DevelopSettings(format=Format.EXR, bit_depth=32, is_float=True), np.float32),
    ],
    ids=str,
)
def test_pixels_have_the_type_that_the_format_holds(settings, dtype):
    assert output.output_dtype(settings) is dtype


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        (DevelopSettings(bit_depth=16), "8"),
        (DevelopSettings(format=Format.PNG, bit_depth=32, is_float=True), "8, 16"),
        (DevelopSettings(format=Format.TIFF, bit_depth=12), "8, 16"),
    ],
)
def test_a_depth_that_the_format_does_not_hold_is_refused(settings, known):
    with pytest.raises(UsageError, match=f"it takes {known}"):
        output.output_dtype(settings)


@pytest.mark.parametrize("profile", [Profile.SRGB, Profile.ADOBE_RGB])
def test_an_exr_holds_the_light_of_the_finished_picture(profile, darkroom):
    settings = DevelopSettings(format=Format.EXR, profile=profile)

    image = output.finished_image(encode(PICTURE, profile), raws.photograph(PICTURE), darkroom, settings)

    assert image.space is Space.SCENE_LINEAR
    np.testing.assert_allclose(image.pixels, PICTURE, atol=1e-5)


@pytest.mark.parametrize(
    ("profile", "space"), [(Profile.DISPLAY_P3, Space.DISPLAY), (Profile.LINEAR_SRGB, Space.SCENE_LINEAR)]
)
def test_other_formats_hold_the_codes_and_their_profile(profile, space, darkroom):
    codes = (PICTURE * 255).astype(np.uint8)

    image = output.finished_image(codes, raws.photograph(PICTURE), darkroom, DevelopSettings(profile=profile))

    assert (image.space, image.profile) == (space, profile)
    assert image.pixels is codes
    assert image.icc


def test_restored_light_in_an_exr_has_the_primaries_that_were_asked_for(darkroom):
    red = np.zeros((2, 2, 3), np.float32)
    red[..., 0] = 1.0
    frame = raws.photograph(red)

    wide, plain = (
        output.restored_image(red, frame, darkroom, DevelopSettings(format=kind, profile=Profile.REC2020))
        for kind in (Format.EXR, Format.TIFF)
    )

    # ITU-R BT.2087: the first column of the matrix from BT.709 to BT.2020.
    np.testing.assert_allclose(wide.pixels[0, 0], [0.6274, 0.0691, 0.0164], atol=2e-4)
    assert (wide.profile, wide.space) == (Profile.REC2020, Space.SCENE_LINEAR)
    np.testing.assert_array_equal(plain.pixels, red)
    assert plain.profile is Profile.LINEAR_SRGB


@pytest.mark.parametrize("kind", ["Bayer", "X-Trans", "monochrome"])
def test_a_raw_from_restored_light_shows_the_same_light(kind, darkroom):
    # Far enough from black that no interpolation falls below it: a raw of whole numbers cannot hold that.
    picture = (0.5 + 0.5 * scenes.zone_plate(24, 36)) * np.array([0.5, 0.4, 0.35], np.float32)
    frame = raws.photograph(picture, kind)
    clean = clean_frame(frame)
    light = find_light(frame, clean, darkroom.restore, "camera")
    rgb = restore(
        balanced_samples(clean, light), clean.cfa, light, darkroom.restore, DevelopSettings(), Clock()
    )

    again = output.restored_frame(rgb, frame, light)

    assert (again.kind, again.cfa, again.samples.dtype) == (SensorKind.LINEAR, None, np.uint16)
    clean = clean_frame(again)
    light = find_light(again, clean, darkroom.restore, "camera")
    found = balanced_samples(clean, light) @ (SRGB_FROM_XYZ @ light.xyz_from_balanced).T
    np.testing.assert_allclose(found, rgb, atol=1e-4)


def test_a_picture_says_who_made_it_and_how(darkroom):
    settings = DevelopSettings(stage=Stage.RESTORE, exposure_ev=-0.5, strength=80.0, white_balance="auto")

    made = output.provenance(darkroom, settings)

    assert made.software.startswith("rawtool ")
    assert made.models == (("cameranet-s@9", darkroom.sha256),)
    assert made.note == "stage=restore wb=auto exposure=-0.5 EV strength=80"
    assert output.provenance(darkroom, DevelopSettings(look=Look.FLAT)).note.endswith(" look=flat")


def test_the_encoder_is_told_the_settings_and_the_primaries():
    settings = DevelopSettings(quality=80, subsampling="420", format=Format.EXR, compression="piz")

    options = output.encode_options(settings, Profile.SRGB)

    assert (options.quality, options.subsampling, options.compression) == (80, "420", "piz")
    # IEC 61966-2-1.
    assert options.chromaticities[:2] == pytest.approx((0.64, 0.33))
