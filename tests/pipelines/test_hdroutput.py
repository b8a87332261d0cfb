"""What is written of reconstructed light, in every format, as its reader sees it."""

from dataclasses import replace

import numpy as np
import PIL.Image
import pytest

from rawtool.color.gain_map import apply_gain_map
from rawtool.color.spaces import convert, icc_profile
from rawtool.color.transfer import pq_decode
from rawtool.errors import OutputExistsError, UsageError
from rawtool.io.image import read_image
from rawtool.io.jpeg import decode_jpeg
from rawtool.io.ultrahdr import read_ultra_hdr
from rawtool.pipelines import hdroutput
from rawtool.pipelines.hdroutput import ENCODED_ANEW, Reconstruction, check_settings, write_light
from rawtool.pipelines.ldr import Ldr, read_ldr
from rawtool.pipelines.studio import HdrSettings, Scale
from rawtool.vocabulary import Format, Profile, Space
from tests import hdrnets

PLAIN = HdrSettings()
# Relative light from black to 6 EV above white, in all colours.
LIGHT = np.float32(np.exp2(np.random.default_rng(4).uniform(-6, 6, (24, 30, 3))) * [1.0, 0.8, 0.6])
MADE_BY = hdroutput.provenance(hdrnets.studio(), PLAIN)


def made_of(light=LIGHT, profile=Profile.SRGB, codes=None):
    codes = np.zeros(light.shape, np.uint8) if codes is None else codes
    return Reconstruction(Ldr(codes, profile), light, MADE_BY)


def written(kind, path, settings=PLAIN, made=made_of(), **said):
    settings = replace(settings, format=kind)
    warnings = write_light(made, settings, kind, path, overwrite=False, **said)
    return read_image(path), warnings


@pytest.mark.parametrize("profile", [Profile.SRGB, Profile.DISPLAY_P3, Profile.ADOBE_RGB])
def test_an_exr_holds_the_light_in_the_pictures_own_primaries(profile, tmp_path):
    image, _ = written(Format.EXR, tmp_path / "a", made=made_of(profile=profile))

    assert image.space is Space.SCENE_LINEAR
    assert image.profile is (Profile.LINEAR_SRGB if profile is Profile.SRGB else profile)
    assert np.all(np.abs(image.pixels - LIGHT) <= 5e-4 * LIGHT)


@pytest.mark.parametrize("profile", [Profile.SRGB, Profile.DISPLAY_P3, Profile.ADOBE_RGB])
def test_a_radiance_picture_holds_the_light_in_rec709_primaries_without_negatives(profile, tmp_path):
    image, _ = written(Format.RADIANCE, tmp_path / "a.hdr", made=made_of(profile=profile))

    expected = np.maximum(convert(LIGHT, profile, Profile.LINEAR_SRGB), 0.0)
    assert (image.space, image.profile) == (Space.SCENE_LINEAR, Profile.LINEAR_SRGB)
    assert np.all(np.abs(image.pixels - expected) <= 8e-3 * expected.max(axis=2, keepdims=True))


def test_a_tiff_holds_the_light_in_rec709_primaries_exactly(tmp_path):
    image, _ = written(Format.TIFF, tmp_path / "a.tif", made=made_of(profile=Profile.DISPLAY_P3))

    assert (image.space, image.profile) == (Space.SCENE_LINEAR, Profile.LINEAR_SRGB)
    expected = convert(LIGHT, Profile.DISPLAY_P3, Profile.LINEAR_SRGB)
    np.testing.assert_allclose(image.pixels, expected, rtol=1e-6)
    assert image.pixels.min() < 0


def test_an_exr_says_what_white_is_and_who_made_it(tmp_path):
    exr = pytest.importorskip("OpenEXR")
    written(Format.EXR, tmp_path / "a.exr", replace(PLAIN, white_nits=100.0))

    with exr.File(str(tmp_path / "a.exr")) as file:
        header = dict(file.header())
    assert header["whiteLuminance"] == 100.0
    assert "toy" in header["rawtool:model"]
    assert "strength=100" in header["rawtool:note"]


@pytest.mark.parametrize(
    ("bits", "is_float", "dtype"), [(None, False, np.float16), (16, True, np.float16), (32, True, np.float32)]
)
def test_an_exr_is_half_unless_float_is_asked_for(bits, is_float, dtype, tmp_path):
    exr = pytest.importorskip("OpenEXR")
    written(Format.EXR, tmp_path / "a.exr", replace(PLAIN, bit_depth=bits, is_float=is_float))

    with exr.File(str(tmp_path / "a.exr"), separate_channels=True) as file:
        assert file.channels()["R"].pixels.dtype == dtype


PQ = {"avif": Format.AVIF, "jxl": Format.JXL, "png": Format.PNG}


@pytest.mark.parametrize("kind", PQ.values(), ids=PQ)
@pytest.mark.parametrize("profile", [Profile.SRGB, Profile.DISPLAY_P3])
def test_a_pq_file_holds_absolute_luminance_in_rec2020_primaries(kind, profile, tmp_path):
    if kind is Format.JXL:
        pytest.importorskip("OpenImageIO")
    light = np.repeat(np.repeat(LIGHT[:3, :4], 8, axis=0), 8, axis=1) / 4

    image, _ = written(
        kind, tmp_path / f"a.{kind.suffix}", replace(PLAIN, quality=100), made_of(light, profile)
    )

    assert (image.space, image.profile) == (Space.PQ, Profile.REC2020)
    wanted = 203.0 * np.maximum(convert(light, profile, Profile.REC2020), 0)
    np.testing.assert_allclose(pq_decode(image.as_float()), wanted, rtol=0.03, atol=0.3)


def test_the_luminance_of_white_scales_pq():
    grey = made_of(np.full((2, 2, 3), 0.5, np.float32))

    usual, brighter = (
        pq_decode(hdroutput.pq_image(grey, replace(PLAIN, white_nits=nits)).pixels) for nits in (203.0, 406.0)
    )

    np.testing.assert_allclose(usual, 101.5, rtol=1e-4)
    np.testing.assert_allclose(brighter, 203.0, rtol=1e-4)


def test_what_is_above_the_peak_is_dimmed_as_a_whole_and_the_rest_stays():
    light = np.float32([[[8.0, 4.0, 2.0], [0.5, 0.25, 1.0]]])

    free, bounded = (
        pq_decode(hdroutput.pq_image(made_of(light), replace(PLAIN, peak_nits=peak)).pixels)
        for peak in (None, 600.0)
    )

    assert bounded.max() == pytest.approx(600.0, rel=1e-4)
    np.testing.assert_allclose(bounded[0, 0] / bounded[0, 0].sum(), free[0, 0] / free[0, 0].sum(), rtol=1e-4)
    np.testing.assert_allclose(bounded[0, 1], free[0, 1], rtol=1e-6)


def test_nothing_is_above_what_pq_can_hold():
    light = np.full((300, 2, 3), 200.0, np.float32)

    image = hdroutput.pq_image(made_of(light), PLAIN)

    np.testing.assert_allclose(pq_decode(image.pixels), 10_000.0, rtol=1e-5)


def test_the_brightest_pixel_and_the_mean_are_stated():
    light = np.full((300, 4, 3), 0.5, np.float32)
    light[299, 3] = 4.0

    stated = hdroutput.pq_image(made_of(light), PLAIN).content_light

    # Grey has the same numbers in every set of primaries with the same white.
    assert stated.most_nits == pytest.approx(4 * 203, rel=1e-4)
    assert stated.mean_nits == pytest.approx(203 * (0.5 * 1199 + 4) / 1200, rel=1e-4)


@pytest.mark.parametrize(
    ("kind", "said", "why"),
    [
        (Format.TIFF, {"bit_depth": 16}, "tiff holds no HDR in 16 bits; use --bit-depth 32f"),
        (Format.PNG, {"bit_depth": 8}, "png holds no HDR in 8 bits; use --bit-depth 16"),
        (Format.AVIF, {"bit_depth": 8}, "use --bit-depth 10"),
        (Format.EXR, {"bit_depth": 8}, "use --bit-depth 16f or 32f"),
        (Format.UHDR, {"bit_depth": 8}, "leave --bit-depth"),
        (Format.UHDR, {"compression": "none"}, "leave --bit-depth and --compression out"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(kind, said, why):
    with pytest.raises(UsageError, match=why):
        check_settings(replace(PLAIN, format=kind, **said))


@pytest.mark.parametrize("kind", [*PQ.values(), Format.EXR, Format.RADIANCE, Format.TIFF, Format.UHDR])
def test_every_format_is_right_by_default(kind):
    check_settings(replace(PLAIN, format=kind))


def test_only_the_first_format_is_written_by_the_words_for_it(tmp_path):
    settings = replace(PLAIN, format=Format.EXR, bit_depth=32, is_float=True, compression="piz")

    first, other = (hdroutput.options_for(kind, settings) for kind in (Format.EXR, Format.PNG))

    assert (first.bit_depth, first.compression) == (32, "piz")
    assert (other.bit_depth, other.compression) == (16, None)


def test_an_existing_file_is_left_alone(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"precious")

    with pytest.raises(OutputExistsError):
        write_light(made_of(), replace(PLAIN, format=Format.TIFF), Format.TIFF, path, overwrite=False)
    assert path.read_bytes() == b"precious"


def photo(path, height=64, width=96, profile=Profile.SRGB, **said):
    """A smooth picture, so that its JPEG is close to it."""
    rows, columns = np.linspace(20, 255, height)[:, None], np.linspace(0, 200, width)[None, :]
    codes = np.stack(np.broadcast_arrays(rows, columns + 55, 255 - rows / 2), axis=2).astype(np.uint8)
    PIL.Image.fromarray(codes).save(path, icc_profile=icc_profile(profile), **said)
    return path


def ultra(path, tmp_path, settings=PLAIN):
    """Write an Ultra HDR picture with the glow of the toy network, and give what a reader gets."""
    ldr = read_ldr(path, keeps_jpeg=True)
    light = ldr.light()
    light *= np.exp2(3 * np.clip(light.max(axis=2, keepdims=True) - 0.5, 0, None))
    settings = replace(settings, format=Format.UHDR)
    target = tmp_path / "out.jpg"
    warnings = write_light(
        Reconstruction(ldr, light, MADE_BY), settings, Format.UHDR, target, overwrite=False
    )
    base, gain_map = read_ultra_hdr(target)
    shown = decode_jpeg(base)
    seen = apply_gain_map(Ldr(shown.pixels, shown.profile).light(), gain_map)
    return light, seen, base, gain_map, warnings


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_the_users_own_jpeg_becomes_ultra_hdr_with_its_pixels_untouched(scale, n_channels, tmp_path):
    path = photo(tmp_path / "a.jpg", quality=93)
    settings = replace(PLAIN, gain_map_scale=scale, gain_map_channels=n_channels, gain_map_quality=98)

    light, seen, base, gain_map, warnings = ultra(path, tmp_path, settings)

    assert warnings == ()
    assert gain_map.codes.shape[:2] == (64 // scale, 96 // scale)
    assert gain_map.codes.ndim == (2 if n_channels == 1 else 3)
    # The entropy-coded picture of the file, from its first scan on, is in the base as it was.
    content = path.read_bytes()
    assert content[content.index(b"\xff\xda") :] in base
    assert np.mean(np.abs(seen - light)) / light.mean() < 0.025


@pytest.mark.parametrize("name", ["a.png", "a.tif", "turned.jpg"])
def test_what_is_no_upright_jpeg_gets_a_base_that_is_encoded_and_says_so(name, tmp_path):
    exif = PIL.Image.Exif()
    exif[274] = 6
    path = photo(tmp_path / name, **({"exif": exif, "quality": 95} if name.startswith("turned") else {}))

    light, seen, _, _, warnings = ultra(path, tmp_path, replace(PLAIN, gain_map_scale=1, gain_map_quality=98))

    assert warnings == (ENCODED_ANEW,)
    assert seen.shape == light.shape == ((96, 64, 3) if name.startswith("turned") else (64, 96, 3))
    assert np.mean(np.abs(seen - light)) / light.mean() < 0.02


def test_the_gain_map_makes_up_for_what_encoding_the_base_lost(tmp_path):
    settings = replace(PLAIN, quality=5, gain_map_scale=1, gain_map_channels=3, gain_map_quality=100)

    light, seen, base, _, _ = ultra(photo(tmp_path / "a.png"), tmp_path, settings)

    shown = Ldr(decode_jpeg(base).pixels, Profile.SRGB).light()
    plain = read_ldr(tmp_path / "a.png").light()
    assert np.mean(np.abs(shown - plain)) / plain.mean() > 0.06
    assert np.mean(np.abs(seen - light)) / light.mean() < 0.03


def test_an_encoded_base_keeps_the_pictures_colours(tmp_path):
    *_, base, _, _ = ultra(photo(tmp_path / "a.png", profile=Profile.DISPLAY_P3), tmp_path)

    assert decode_jpeg(base).profile is Profile.DISPLAY_P3


def test_codes_that_are_light_get_a_base_for_displays(tmp_path):
    codes = np.full((16, 16, 3), 0.5 * 65535, np.uint16)
    made = Reconstruction(Ldr(codes, Profile.LINEAR_SRGB), np.full((16, 16, 3), 1.0, np.float32), MADE_BY)

    write_light(made, replace(PLAIN, format=Format.UHDR), Format.UHDR, tmp_path / "a.jpg", overwrite=False)

    # IEC 61966-2-1: half of the light is code 188.
    assert np.abs(read_image(tmp_path / "a.jpg").pixels.astype(int) - 188).max() <= 1


@pytest.mark.parametrize(
    ("scale", "meant"),
    [
        (Scale(percentile=90.0), lambda light: np.percentile(light.max(axis=2), 90.0)),
        (Scale(percentile=100.0), lambda light: light.max()),
        (Scale(highest=4.0), lambda light: light.max() / 4.0),
    ],
)
def test_a_scale_moves_one_and_keeps_luminance(scale, meant, tmp_path):
    image, _ = written(
        Format.EXR, tmp_path / "a.exr", replace(PLAIN, scale=scale, bit_depth=32, is_float=True)
    )

    factor = 1.0 / meant(LIGHT)
    np.testing.assert_allclose(image.pixels, LIGHT * factor, rtol=1e-5)
    assert image.white_nits == pytest.approx(PLAIN.white_nits / factor, rel=1e-5)


def test_black_has_no_scale():
    assert hdroutput.scale_factor(np.zeros((4, 4, 3), np.float32), Scale(percentile=50.0)) == 1.0
    assert hdroutput.scale_factor(LIGHT, Scale()) == 1.0


@pytest.mark.parametrize("kind", [Format.AVIF, Format.PNG, Format.UHDR])
def test_a_scale_is_refused_where_luminance_is_absolute(kind):
    with pytest.raises(UsageError, match="--scale is for exr, hdr and tiff"):
        check_settings(replace(PLAIN, format=kind, scale=Scale(highest=1.0)))
