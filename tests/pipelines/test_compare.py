"""Comparing pictures: figures that mean the same whatever the files hold."""

import math
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from rawtool.arrays import Rgb
from rawtool.color import spaces, transfer
from rawtool.errors import CorruptFileError, InputError
from rawtool.frames import Image
from rawtool.metrics import fidelity
from rawtool.pipelines.compare import compare, compare_images
from rawtool.vocabulary import Profile, Space


def _picture(height: int = 24, width: int = 32) -> Rgb:
    rows, columns, channels = np.mgrid[0:height, 0:width, 0:3]
    return (0.5 + 0.4 * np.sin(0.3 * columns + 0.2 * rows + channels)).astype(np.float32)


def test_a_picture_equals_itself() -> None:
    image = Image(_picture(), Space.DISPLAY)
    found = compare_images(image, image)
    assert found.psnr == found.psnr_mu == found.pu21_psnr == math.inf
    assert (found.delta_e_2000_mean, found.max_error) == (0, 0)
    assert found.ssim == pytest.approx(1)


def test_a_shift_of_all_codes_has_the_figures_of_the_formula() -> None:
    encoded = _picture()
    found = compare_images(Image(encoded + np.float32(0.05), Space.DISPLAY), Image(encoded, Space.DISPLAY))
    assert found.psnr == pytest.approx(-20 * math.log10(0.05), abs=1e-4)
    assert found.max_error == pytest.approx(0.05, abs=1e-6)


def test_codes_and_floats_of_one_picture_are_equal() -> None:
    codes = transfer.quantise(_picture(), 16)
    found = compare_images(Image(codes, Space.DISPLAY), Image(codes / np.float32(65535), Space.DISPLAY))
    assert found.max_error == 0


@pytest.mark.parametrize("profile", [Profile.DISPLAY_P3, Profile.REC2020, Profile.LINEAR_SRGB])
def test_one_picture_in_two_profiles_is_nearly_equal(profile: Profile) -> None:
    light = transfer.decode(_picture(), Profile.SRGB)
    other = transfer.encode(spaces.convert(light, Profile.SRGB, profile), profile)
    found = compare_images(Image(other, Space.DISPLAY, profile), Image(_picture(), Space.DISPLAY))
    assert found.psnr > 110
    assert found.delta_e_2000_mean < 1e-3


def test_a_scene_linear_picture_is_compared_by_its_light() -> None:
    light = transfer.decode(_picture(), Profile.SRGB)
    scene = Image(light, Space.SCENE_LINEAR, Profile.LINEAR_SRGB)
    found = compare_images(scene, Image(_picture(), Space.DISPLAY))
    assert found.psnr > 110


def test_pq_is_compared_by_its_light() -> None:
    light = transfer.decode(_picture(), Profile.SRGB) * np.float32(20)
    wide = spaces.convert(light, Profile.SRGB, Profile.REC2020)
    codes = Image(transfer.pq_encode(wide * 203), Space.PQ, Profile.REC2020)
    found = compare_images(codes, Image(light, Space.SCENE_LINEAR))
    assert found.max_error < 0.01
    assert found.pu21_psnr > 80


def test_a_difference_above_white_counts_between_scene_linear_pictures() -> None:
    light = np.full((12, 12, 3), 4, np.float32)
    brighter = light.copy()
    brighter[0, 0, 0] = 7
    found = compare_images(Image(brighter, Space.SCENE_LINEAR), Image(light, Space.SCENE_LINEAR))
    assert found.max_error == 3
    assert found.psnr == math.inf
    assert found.pu21_psnr < 60


def test_pu21_takes_white_as_203_nits() -> None:
    truth = np.full((12, 12, 3), 1, np.float32)
    found = compare_images(Image(truth / 2, Space.SCENE_LINEAR), Image(truth, Space.SCENE_LINEAR))
    # banding_glare of 203 cd/m2 is 303.8002; of 101.5 by the published formula:
    y = 101.5**0.9062562627
    bent = ((0.353487901 + 0.3734658629 * y) / (1 + 8.277049286e-05 * y)) ** 0.09150303166
    half = 596.3148142 * (bent - 0.9099517204)
    assert found.pu21_psnr == pytest.approx(20 * math.log10(256 / (303.8002 - half)), abs=1e-4)


def test_delta_e_of_greys_is_the_one_of_their_lightness() -> None:
    light = np.full((12, 12, 3), 0.18, np.float32)
    found = compare_images(Image(light * 1.1, Space.SCENE_LINEAR), Image(light, Space.SCENE_LINEAR))
    first, second = (116 * y ** (1 / 3) - 16 for y in (0.18, 0.198))
    middle = ((first + second) / 2 - 50) ** 2
    expected = (second - first) / (1 + 0.015 * middle / math.sqrt(20 + middle))
    assert found.delta_e_2000_mean == pytest.approx(expected, abs=1e-4)


def test_one_channel_is_compared_as_grey() -> None:
    grey = _picture()[..., 0]
    found = compare_images(Image(grey, Space.DISPLAY), Image(np.dstack([grey] * 3), Space.DISPLAY))
    assert found.max_error < 1e-6


def test_a_picture_smaller_than_the_window_has_no_ssim() -> None:
    image = Image(_picture(6, 8), Space.DISPLAY)
    assert math.isnan(compare_images(image, image).ssim)


def test_pictures_of_different_size_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="32x24 and 24x32"):
        compare_images(Image(_picture(32, 24), Space.DISPLAY), Image(_picture(24, 32), Space.DISPLAY))


def test_camera_values_are_refused() -> None:
    with pytest.raises(InputError, match="develop it first"):
        compare_images(Image(_picture(), Space.CAMERA), Image(_picture(), Space.DISPLAY))


def test_undefined_values_are_refused() -> None:
    broken = _picture()
    broken[3, 4, 1] = np.nan
    with pytest.raises(InputError, match="undefined"):
        compare_images(Image(broken, Space.SCENE_LINEAR), Image(_picture(), Space.SCENE_LINEAR))


def _save(pixels: Rgb, path: Path) -> Path:
    PIL.Image.fromarray(transfer.quantise(pixels, 8)).save(path)
    return path


def test_files_are_compared_and_the_first_is_the_reference(tmp_path: Path) -> None:
    first, second = _save(_picture(), tmp_path / "a.png"), _save(0.9 * _picture(), tmp_path / "b.png")
    found = compare(first, second)
    codes = [np.asarray(PIL.Image.open(path)).astype(np.float64) / 255 for path in (first, second)]
    assert found.psnr == pytest.approx(-10 * math.log10(np.square(codes[0] - codes[1]).mean()), abs=1e-4)
    light = [transfer.decode(x.astype(np.float32), Profile.SRGB) for x in codes]
    assert found.psnr_mu == pytest.approx(fidelity.psnr_mu(light[1], light[0]), abs=1e-3)
    assert abs(found.psnr_mu - fidelity.psnr_mu(light[0], light[1])) > 0.1


def test_what_is_wrong_with_a_file_is_said_with_its_name(tmp_path: Path) -> None:
    good, bad = _save(_picture(), tmp_path / "good.png"), tmp_path / "bad.png"
    bad.write_bytes(b"")
    with pytest.raises(CorruptFileError, match=r"bad\.png: "):
        compare(good, bad)
    with pytest.raises(InputError, match=r"good\.png: the sizes differ"):
        compare(_save(_picture(9, 9), tmp_path / "small.png"), good)
