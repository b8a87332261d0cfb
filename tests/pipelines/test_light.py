"""The frame before the networks: where samples begin, what noise is told, and whose white is taken."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.errors import UsageError  # noqa: E402 - after the checks
from rawtool.pipelines import light as lights  # noqa: E402
from rawtool.pipelines.light import balanced_samples, clean_frame, find_light, measure_noise  # noqa: E402
from rawtool.runtime.network import Network  # noqa: E402
from rawtool.sensor.noise import NoiseModel  # noqa: E402
from rawtool.training.export import module_network  # noqa: E402
from rawtool.training.small_card import small_card  # noqa: E402
from rawtool.vocabulary import CfaPattern, Task  # noqa: E402
from tests import raws, scenes, strategies  # noqa: E402

SCENE = scenes.grey(30, 44, 0.3)


class GreyWorld(torch.nn.Module):
    """Takes the mean colour of the thumbnail for the light."""

    def global_vector(self, thumbnail, condition):
        mean = thumbnail.mean(dim=(2, 3))
        return torch.zeros(1, 192), mean / mean[:, 1:2]

    def forward(self, picture, condition, vector):
        return picture[:, :3]


@pytest.fixture(scope="module")
def grey_world() -> Network:
    return module_network(GreyWorld(), small_card(Task.RESTORE, ""))


@pytest.mark.parametrize("pattern", CfaPattern)
@pytest.mark.parametrize("shape", [(30, 44), (31, 45)], ids=str)
def test_samples_of_every_phase_begin_on_red_and_have_whole_cells(pattern, shape):
    colour = np.full((*shape, 3), (0.2, 0.5, 0.8), np.float32)
    frame = raws.photograph(colour, cfa=strategies.cfa_of(pattern), neutral=np.ones(3))

    clean = clean_frame(frame)

    assert clean.cfa.pattern is CfaPattern.RGGB
    cells = clean.samples.reshape(clean.samples.shape[0] // 2, 2, -1, 2).swapaxes(1, 2).reshape(-1, 4)
    np.testing.assert_allclose(cells, np.broadcast_to(cells[0], cells.shape), atol=1e-6)
    assert cells[0, 1] == cells[0, 2]
    assert cells[0, 0] < cells[0, 1] < cells[0, 3]


@pytest.mark.parametrize("pattern", CfaPattern)
def test_the_origin_is_where_the_frame_lies_in_the_samples(pattern):
    frame = raws.photograph(scenes.zone_plate(20, 26), cfa=strategies.cfa_of(pattern))

    clean = clean_frame(frame)

    top, left = clean.origin
    expected = (frame.samples - np.float32(512)) / np.float32(15871 - 512)
    np.testing.assert_allclose(clean.samples[top : top + 20, left : left + 26], expected, atol=1e-6)


def test_noise_is_never_told_lower_than_a_quarter_of_what_the_file_states():
    stated = (8e-4, 4e-6)
    frame = raws.photograph(SCENE, capture=raws.capture(noise_profile=stated))

    found = clean_frame(frame).noise

    assert (found.shot, found.read) == (2e-4, 1e-6)


def test_the_noise_of_a_noisy_frame_is_found():
    true = NoiseModel(1e-3, 1e-5)
    frame = raws.photograph(scenes.grey_ramp(160, 240, (-6.0, -1.0)), noise=true)

    found = measure_noise(lights.normalise(frame), frame)

    at = 0.2
    assert found.shot * at + found.read == pytest.approx(true.shot * at + true.read, rel=0.3)


@pytest.mark.parametrize("kind", raws.KINDS)
def test_as_shot_white_makes_grey_even_for_every_kind_of_sensor(kind, grey_world):
    frame = raws.photograph(SCENE, kind)
    clean = clean_frame(frame)

    light = find_light(frame, clean, grey_world, "camera")

    assert np.ptp(balanced_samples(clean, light)) < 2e-3
    assert light.gains.min() == 1.0
    assert light.warnings == ()


def test_auto_takes_the_light_that_the_network_sees(grey_world):
    frame = raws.photograph(SCENE, capture=raws.capture(neutral=None))
    clean = clean_frame(frame)

    light = find_light(frame, clean, grey_world, "auto")

    np.testing.assert_allclose(light.neutral, raws.NEUTRAL, rtol=2e-3)
    assert light.warnings == ()


def test_a_file_without_white_balance_gets_the_networks_and_a_warning(grey_world):
    frame = raws.photograph(SCENE, capture=raws.capture(neutral=None))

    light = find_light(frame, clean_frame(frame), grey_world, "camera")

    np.testing.assert_allclose(light.neutral, raws.NEUTRAL, rtol=2e-3)
    assert light.warnings == (lights.NO_NEUTRAL,)


def test_gains_are_taken_as_they_are_typed(grey_world):
    frame = raws.photograph(SCENE)

    light = find_light(frame, clean_frame(frame), grey_world, "4,2,3")

    np.testing.assert_allclose(light.neutral, [0.5, 1.0, 2 / 3])
    np.testing.assert_allclose(light.gains, [2.0, 1.0, 1.5])


@pytest.mark.parametrize("words", ["sunny", "1,2", "1,2,3,4", "0,1,1", "-1,1,1", "nan,1,1", "inf,1,1", ""])
def test_other_words_for_white_are_refused(words, grey_world):
    frame = raws.photograph(SCENE)

    with pytest.raises(UsageError, match=r"^white balance [^\n]*$"):
        find_light(frame, clean_frame(frame), grey_world, words)


def test_a_file_without_matrices_is_taken_for_srgb_with_a_warning(grey_world):
    frame = raws.photograph(SCENE, capture=raws.capture(matrices=()))

    light = find_light(frame, clean_frame(frame), grey_world, "camera")

    assert light.warnings == (lights.NO_MATRIX,)
    np.testing.assert_allclose(light.xyz_from_balanced, lights.XYZ_FROM_SRGB, atol=1e-6)


def test_a_monochrome_frame_needs_neither_matrix_nor_white(grey_world):
    frame = raws.photograph(SCENE, "monochrome", capture=raws.capture(neutral=None, matrices=()))

    light = find_light(frame, clean_frame(frame), grey_world, "camera")

    assert light.warnings == ()
    np.testing.assert_array_equal(light.gains, np.ones(3))


@pytest.mark.parametrize("kind", ["Bayer", "X-Trans", "LinearRaw"])
def test_the_thumbnail_is_the_mean_of_what_the_camera_saw(kind):
    scene = scenes.patches(12)[:, :, :] * np.float32(0.8)
    frame = raws.photograph(np.tile(scene, (3, 1, 1)), kind)

    small = lights.camera_thumbnail(clean_frame(frame), 6)

    seen = lights.normalise(raws.photograph(np.tile(scene, (3, 1, 1)), "LinearRaw"))
    assert small.shape == (6, 6, 3)
    np.testing.assert_allclose(small.mean(axis=(0, 1)), seen.mean(axis=(0, 1)), rtol=0.02)


def test_a_vignetting_map_is_undone_before_the_networks(grey_world):
    from rawtool.frames import GainMap

    height, width = SCENE.shape[:2]
    gain_map = GainMap(
        (0, 0, height, width), (1, 1), (0.0, 0.0), (1.0, 1.0), np.full((2, 2), 1.5, np.float32)
    )
    plain = raws.photograph(SCENE)

    brighter = clean_frame(replace(plain, gain_maps=(gain_map,)))

    np.testing.assert_allclose(brighter.samples, 1.5 * clean_frame(plain).samples, rtol=1e-5)


def test_two_lanes_clean_and_balance_a_frame_as_one_does(grey_world):
    frame = raws.photograph(scenes.zone_plate(300, 130))
    one, two = (clean_frame(frame, n_lanes) for n_lanes in (1, 2))
    light = find_light(frame, one, grey_world, "camera")

    np.testing.assert_array_equal(one.samples, two.samples)
    np.testing.assert_array_equal(balanced_samples(one, light), balanced_samples(two, light, 2))
