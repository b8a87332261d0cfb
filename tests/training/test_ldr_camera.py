"""The simulated phone: its JPEG is what the camera's curve, noise and processing make of the light."""

import io
from dataclasses import replace

import numpy as np
import PIL.Image
import PIL.JpegImagePlugin
import pytest

from rawtool.color.response import GRID, Response, own_basis, sigmoid_inverse
from rawtool.color.transfer import srgb_decode
from rawtool.training import ldr_camera
from rawtool.training.ldr_camera import (
    LdrCamera,
    photograph,
    random_ldr_camera,
    random_plain_camera,
    scored_ldr_camera,
)

AS_IT_IS = Response(GRID)
CURVES = {
    "sRGB": srgb_decode(GRID),
    "power": GRID**2.2,
    "sigmoid": sigmoid_inverse(GRID, 0.9, 0.6),
}
PLAIN = LdrCamera(AS_IT_IS, quality=100, subsampling=0)


def rng(seed=1):
    return np.random.default_rng(seed)


def smooth(height=64, width=96, top=1.6):
    """Light from 0 to top that changes slowly, each channel in another way."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / (width - 1), y / (height - 1)
    return np.float32(top) * np.stack([x, (x + y) / 2, 0.8 * y + 0.1], axis=2)


def encoded(light, **changes):
    """What a camera with a straight curve gives before 8 bits."""
    return photograph(light, replace(PLAIN, **changes), rng()).encoded


@pytest.mark.parametrize("curve", CURVES)
def test_where_well_exposed_the_inverse_of_the_curve_gives_the_light_back(curve):
    light, response = smooth(), Response(CURVES[curve])

    codes = photograph(light, LdrCamera(response, quality=98, subsampling=0), rng()).codes()

    found = response.decode(codes.astype(np.float32) / np.float32(255))
    well = (codes.max(axis=2) < 245) & (codes.min(axis=2) > 40)
    assert well.mean() > 0.2
    np.testing.assert_allclose(found[well], light[well], rtol=0.05, atol=0.02)
    assert abs(np.median(found[well] / light[well]) - 1.0) < 0.005


def test_what_is_brighter_than_1_is_clipped_and_all_the_same():
    light = smooth()
    light[:32, :32], light[32:, :32] = 1.5, 900.0

    taken = photograph(light, PLAIN, rng())

    assert taken.codes().dtype == np.uint8
    assert taken.codes()[4:60, 4:28].min() >= 254
    assert taken.encoded[:, :32].min() == taken.encoded.max() == 1.0
    np.testing.assert_array_equal(taken.exposed, light)


@pytest.mark.parametrize("curve", CURVES)
def test_a_photograph_tells_every_step(curve):
    light, camera = smooth(), LdrCamera(Response(CURVES[curve]), shot=1e-3, quality=100, subsampling=0)

    taken = photograph(light, camera, rng())

    assert 0.005 < np.std(taken.exposed - light) < 0.05
    assert taken.exposed.min() >= 0.0
    assert taken.exposed.max() > 1.2
    np.testing.assert_array_equal(taken.encoded, camera.response.encode(taken.exposed))
    # JPEG at its best is within a few codes of what it was given.
    error = np.abs(taken.codes() - 255.0 * taken.encoded)
    assert (error.max() < 6.0, error.mean() < 0.8) == (True, True)
    with PIL.Image.open(io.BytesIO(taken.jpeg)) as picture:
        assert picture.format == "JPEG"
        np.testing.assert_array_equal(np.asarray(picture), taken.codes())


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_the_jpeg_has_the_cameras_quality_and_subsampling(subsampling):
    sizes = []
    for quality in (60, 80, 95):
        camera = LdrCamera(AS_IT_IS, shot=1e-4, quality=quality, subsampling=subsampling)
        stream = photograph(smooth(), camera, rng()).jpeg
        sizes.append(len(stream))
        with PIL.Image.open(io.BytesIO(stream)) as picture:
            assert PIL.JpegImagePlugin.get_sampling(picture) == subsampling
    assert sizes == sorted(set(sizes))


def test_the_same_seed_takes_the_same_picture_and_another_another():
    light, camera = smooth(), LdrCamera(AS_IT_IS, shot=1e-3)

    first, again, other = (photograph(light, camera, rng(seed)).jpeg for seed in (1, 1, 2))

    assert first == again
    assert first != other


@pytest.mark.parametrize(("level", "shot", "read"), [(0.25, 1e-3, 0.0), (0.7, 4e-4, 1e-5), (0.05, 0.0, 1e-4)])
def test_the_noise_grows_with_the_light(level, shot, read):
    light = np.full((200, 200, 3), level, np.float32)

    noise = encoded(light, shot=shot, read=read) - level

    assert noise.var() == pytest.approx(shot * level + read, rel=0.03)
    assert abs(noise.mean()) < 1e-3


def test_a_camera_without_noise_has_none():
    light = smooth(top=0.9)

    np.testing.assert_allclose(encoded(light), light, atol=2e-3)
    assert np.ptp(encoded(np.full((9, 9, 3), 0.3, np.float32))) == 0.0


def test_blur_gives_neighbours_their_share_and_keeps_the_light():
    light = np.zeros((7, 9, 3), np.float32)
    light[3, 4] = 0.5

    found = ldr_camera._blurred(ldr_camera._blurred(light, 0.2, 0), 0.2, 1)

    # A share of 0.2 to each neighbour and 0.6 stays, along each axis.
    for row, column, share in ((3, 4, 0.36), (3, 5, 0.12), (2, 4, 0.12), (2, 3, 0.04), (4, 5, 0.04)):
        np.testing.assert_allclose(found[row, column], 0.5 * share, rtol=1e-5)
    assert found.sum() == pytest.approx(1.5)
    assert np.abs(encoded(light, blur=0.2) - found).max() < 0.02


def test_blur_repeats_the_border():
    even = np.full((6, 8, 3), 0.3, np.float32)

    for axis in (0, 1):
        np.testing.assert_allclose(ldr_camera._blurred(even, 0.2, axis), even, rtol=1e-6)


def test_local_tone_holds_back_what_is_bright_and_lifts_what_is_dark():
    light = np.full((128, 256, 3), 0.1, np.float32)
    light[:, 128:] = 2.0

    found = ldr_camera._held_back(light, 0.2)

    # Each half by its own level to the power of -0.2, far from the other.
    np.testing.assert_allclose(found[:, :64], 0.1**-0.2, rtol=1e-4)
    np.testing.assert_allclose(found[:, 192:], 2.0**-0.2, rtol=1e-4)
    # No halo at the edge between: the factor falls without a step.
    assert np.diff(found, axis=1).max() <= 1e-6
    assert np.diff(found, axis=1).min() > -0.05
    assert found.dtype == np.float32


@pytest.mark.parametrize(("level", "counted"), [(0.0, 1e-3), (50.0, 4.0)])
def test_local_tone_is_bounded(level, counted):
    light = np.full((64, 64, 3), level, np.float32)

    np.testing.assert_allclose(ldr_camera._held_back(light, 0.2), counted**-0.2, rtol=1e-4)


def test_local_tone_works_on_pictures_smaller_than_its_cells():
    light = smooth(20, 31)

    assert encoded(light, tone=0.2).shape == light.shape


def test_saturation_leaves_grey_alone_and_moves_colours_about_their_luma():
    grey, colour = np.full((4, 4, 3), 0.4, np.float32), np.full((4, 4, 3), [0.3, 0.5, 0.2], np.float32)

    luma = colour[0, 0] @ [0.2126, 0.7152, 0.0722]
    np.testing.assert_allclose(encoded(grey, saturation=1.3), encoded(grey), atol=1e-6)
    for saturation in (0.85, 1.3):
        expected = luma + saturation * (colour - luma)
        np.testing.assert_allclose(encoded(colour, saturation=saturation), expected, atol=2e-3)
    wild = np.full((4, 4, 3), [1.0, 0.0, 0.0], np.float32)
    assert encoded(wild, saturation=1.3).min() >= 0.0
    assert encoded(wild, saturation=1.3).max() <= 1.0


def test_half_of_the_random_cameras_process_and_all_are_mild():
    source = rng()
    cameras = [random_ldr_camera(source) for _ in range(300)]

    processed = np.mean([camera.saturation != 1.0 for camera in cameras])
    assert processed == pytest.approx(0.5, abs=0.1)
    for camera in cameras:
        assert 1e-5 <= camera.shot <= 10**-3.2
        assert camera.read == pytest.approx(0.01 * camera.shot)
        assert 0.0 <= camera.blur <= 0.2
        assert 0.0 <= camera.tone <= 0.2
        assert 0.85 <= camera.saturation <= 1.3
        assert 70 <= camera.quality <= 98
        if camera.saturation == 1.0:
            assert camera.blur == camera.tone == 0.0
    assert {camera.subsampling for camera in cameras} == {0, 1, 2}
    assert 0.1 < np.mean([camera.blur > 0 for camera in cameras]) < 0.4
    assert 0.05 < np.mean([camera.tone > 0 for camera in cameras]) < 0.3


def test_plain_cameras_process_nothing_and_take_their_curves_from_a_basis():
    flat = own_basis()
    flat = replace(flat, mean=GRID**1.5, components=0.0 * flat.components)
    source, n_of_basis = rng(), 0
    for _ in range(100):
        camera = random_plain_camera(source, flat)
        assert (camera.blur, camera.tone, camera.saturation) == (0.0, 0.0, 1.0)
        n_of_basis += np.allclose(camera.response.inverse, GRID**1.5, atol=1e-2)

    # A fifth of all cameras have a curve of the basis.
    assert 8 <= n_of_basis <= 35


def test_random_cameras_have_different_curves_and_come_again_from_their_seed():
    cameras = [random_ldr_camera(rng(seed)) for seed in range(20)]

    middles = [float(camera.response.forward[512]) for camera in cameras]
    assert len({round(middle, 3) for middle in middles}) > 12
    again = random_ldr_camera(rng(7))
    np.testing.assert_array_equal(again.response.inverse, cameras[7].response.inverse)
    assert replace(again, response=AS_IT_IS) == replace(cameras[7], response=AS_IT_IS)


def test_cameras_as_results_are_scored_have_its_three_curves_little_noise_and_nothing_else():
    source, families = rng(), []
    for _ in range(150):
        camera = scored_ldr_camera(source)
        is_known = [np.array_equal(camera.response.inverse, CURVES[name]) for name in ("sRGB", "power")]
        families.append(is_known.index(True) if any(is_known) else 2)
        assert (camera.shot, camera.read) == (1e-4, 1e-6)
        assert (camera.blur, camera.tone, camera.saturation) == (0.0, 0.0, 1.0)
        assert 80 <= camera.quality <= 97
        assert camera.response.inverse[[0, -1]] == pytest.approx([0.0, 1.0])
        assert np.diff(camera.response.inverse).min() > 0.0

    shares = np.bincount(families, minlength=3) / len(families)
    np.testing.assert_allclose(shares, 1 / 3, atol=0.12)
