"""Batches: crops, cameras and noise as develop will see them, the same from the same seed."""

from dataclasses import fields, replace
from itertools import islice

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rawtool.color.matrices import D65_WHITE, XYZ_FROM_SRGB  # noqa: E402 - after the check
from rawtool.color.white_balance import gains_of_neutral  # noqa: E402
from rawtool.errors import ConfigError  # noqa: E402
from rawtool.sensor.camera import SimulatedCamera  # noqa: E402
from rawtool.sensor.cfa import RGGB  # noqa: E402
from rawtool.sensor.noise import NoiseModel  # noqa: E402
from rawtool.training import cameras, data  # noqa: E402
from tests import scenes as pictures  # noqa: E402

DRAW = data.Draw(crop=32, batch=4)
NEUTRAL = np.array([0.6, 1.0, 0.4])


def rng(seed=1):
    return np.random.default_rng(seed)


def quiet(workshop, cfa=RGGB):
    matrix = cameras.balanced_from_rgb(workshop.cameras[0])
    return SimulatedCamera(matrix, NEUTRAL, NoiseModel(0.0, 0.0), cfa)


@pytest.mark.parametrize("stream", [data.RestoreStream, data.JointStream])
def test_without_cameras_a_stream_does_not_begin(stream, workshop):
    with pytest.raises(ConfigError, match=r"put cameras\.csv beside the pictures"):
        stream(replace(workshop, cameras=workshop.cameras[1:]), DRAW, 1)


@pytest.mark.parametrize("stream", [data.RestoreStream, data.EnhanceStream, data.JointStream])
def test_without_a_scene_for_its_crop_a_stream_does_not_begin(stream, workshop):
    with pytest.raises(ConfigError, match="no training scene is 160 pixels large"):
        stream(workshop, data.Draw(160, 4), 1)


@pytest.mark.parametrize(("kept", "what"), [(True, "train"), (False, "measure")])
def test_scenes_on_one_side_of_the_split_only_are_refused(kept, what, workshop):
    entries = tuple(replace(entry, is_validation=kept) for entry in workshop.entries)

    for check in (data.check_scenes, data.check_split):
        check(workshop)
        with pytest.raises(ConfigError, match=f"no scene to {what} on"):
            check(replace(workshop, entries=entries))


def test_cameras_are_needed_where_raws_are_simulated_only(workshop):
    without = replace(workshop, cameras=())

    data.check_split(without)
    with pytest.raises(ConfigError, match="knows no cameras"):
        data.check_scenes(without)


def test_a_sample_without_noise_shows_its_truth(workshop):
    truth = pictures.grey(32, 32, 0.3)

    sample = data.restore_sample(truth, pictures.grey(64, 64), quiet(workshop), rng())

    np.testing.assert_array_equal(sample.truth, truth.transpose(2, 0, 1))
    np.testing.assert_allclose(
        sample.picture[:3], np.full((3, 32, 32), 0.3) * D65_WHITE[:, None, None], atol=1e-3
    )
    np.testing.assert_allclose(sample.picture[3], 0.3, atol=1e-3)


def test_without_xyz_a_sample_shows_the_cameras_own_channels(workshop):
    camera, color = quiet(workshop), np.array([0.6, 0.3, 0.2], dtype=np.float32)
    flat = np.tile(color, (32, 32, 1))

    sample = data.restore_sample(flat, flat, camera, rng(), is_in_xyz=False)

    own = camera.balanced_from_rgb @ color
    np.testing.assert_allclose(sample.picture[:3, 16, 16], XYZ_FROM_SRGB @ own, atol=2e-3)
    np.testing.assert_allclose(sample.truth[:, 16, 16], color, atol=1e-6)


def test_a_monochrome_sample_is_grey_and_seen_as_develop_shows_one(workshop):
    camera = SimulatedCamera(np.eye(3), np.ones(3), NoiseModel(0.0, 0.0), None, is_monochrome=True)
    scene = pictures.patches(8).astype(np.float32)[:32, :32]

    sample = data.restore_sample(scene, scene[::4, ::4], camera, rng())

    assert np.ptp(sample.truth, axis=0).max() == 0.0
    np.testing.assert_allclose(sample.thumbnail[0], D65_WHITE[0] * sample.thumbnail[1], atol=1e-4)
    np.testing.assert_allclose(sample.truth[0], scene @ XYZ_FROM_SRGB[1], atol=1e-6)
    np.testing.assert_allclose(sample.picture[3], sample.truth[0], atol=1e-4)
    # The mosaic's places all show the one channel, and its XYZ is that of grey.
    np.testing.assert_allclose(sample.picture[1], sample.picture[3], atol=1e-6)
    np.testing.assert_allclose(sample.picture[0], D65_WHITE[0] * sample.picture[3], atol=1e-4)
    assert sample.condition[6:].tolist() == [0.0, 1.0]


def test_the_light_of_a_sample_is_white_as_its_thumbnail_shows_it(workshop):
    white = pictures.grey(64, 64, 1.0)

    sample = data.restore_sample(white[:32, :32], white, quiet(workshop), rng())

    seen = sample.thumbnail[:, 0, 0]
    np.testing.assert_allclose(sample.neutral, seen / seen[1], rtol=1e-5)
    # Of balanced camera RGB the camera's matrix makes XYZ; the light itself is the neutral there.
    matrix = XYZ_FROM_SRGB @ np.linalg.inv(quiet(workshop).balanced_from_rgb)
    np.testing.assert_allclose(seen, matrix @ NEUTRAL, rtol=1e-5)


def test_the_noise_that_is_told_is_that_of_the_balanced_channels(workshop):
    camera = replace(quiet(workshop), noise=NoiseModel(1e-3, 1e-5))
    truth = pictures.grey(128, 128, 0.4)

    sample = data.restore_sample(truth, pictures.grey(64, 64), camera, rng(), noise_error=0.0)

    gains = gains_of_neutral(NEUTRAL)
    np.testing.assert_allclose(sample.condition[:3], 1e-3 * gains, rtol=1e-4)
    np.testing.assert_allclose(sample.condition[3:6], 1e-5 * gains**2, rtol=1e-3)
    red = sample.picture[3, ::2, ::2]
    assert red.var() == pytest.approx(sample.condition[0] * 0.4 + sample.condition[3], rel=0.1)


def test_noisy_samples_weigh_less(workshop):
    truth = pictures.grey(32, 32)
    clean, noisy = (
        data.restore_sample(truth, truth, replace(quiet(workshop), noise=NoiseModel(s, 0.0)), rng()).weight
        for s in (1e-5, 1e-2)
    )

    assert clean > 2 * noisy


def test_a_restoration_batch_has_its_shapes_and_range(workshop):
    batch = next(iter(data.RestoreStream(workshop, DRAW, 1)))

    shapes = {part.name: tuple(getattr(batch, part.name).shape) for part in fields(batch)}
    assert shapes == {
        "picture": (4, 4, 32, 32),
        "condition": (4, 8),
        "thumbnail": (4, 3, 64, 64),
        "truth": (4, 3, 32, 32),
        "neutral": (4, 3),
        "weight": (4,),
    }
    assert all(getattr(batch, part.name).dtype == torch.float32 for part in fields(batch))
    assert 0.0 <= batch.truth.min() <= batch.truth.max() <= 1.0


@pytest.mark.parametrize("stream", [data.RestoreStream, data.EnhanceStream, data.JointStream])
def test_a_stream_is_the_same_from_the_same_seed_and_never_repeats(stream, workshop):
    first, again, other = (list(islice(stream(workshop, DRAW, seed), 2)) for seed in (1, 1, 2))

    torch.testing.assert_close(first[0].picture, again[0].picture)
    assert not torch.equal(first[0].picture, other[0].picture)
    assert not torch.equal(first[0].picture, first[1].picture)


def test_a_finishing_batch_has_several_crops_of_a_frame(workshop):
    batch = next(iter(data.EnhanceStream(workshop, DRAW, 3, crops_per_frame=2)))

    assert batch.picture.shape == batch.truth.shape == (4, 3, 32, 32)
    assert torch.equal(batch.thumbnail[0], batch.thumbnail[1])
    assert not torch.equal(batch.thumbnail[1], batch.thumbnail[2])
    assert 0.0 <= batch.truth.min() <= batch.truth.max() <= 1.0


def correlation(a, b):
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


@pytest.mark.parametrize("stream", [data.EnhanceStream, data.JointStream])
def test_the_finished_truth_is_of_the_same_crop(stream, workshop):
    batch = next(iter(stream(workshop, data.Draw(64, 8), 5, crops_per_frame=1)))
    light, finished = batch.truth, getattr(batch, "finished", None)
    if finished is None:
        light, finished = batch.picture, batch.truth

    found = [
        correlation(np.sqrt(a.mean(0).numpy()), b.mean(0).numpy())
        for a, b in zip(light, finished, strict=True)
    ]
    assert np.median(found) > 0.95


class Steady(np.random.Generator):
    """Draws a correction of exposure always, of as many EV as it was told, and nothing else of a normal."""

    correction_ev = 0.0

    def random(self):
        return 0.1

    def normal(self, mean, spread):
        return self.correction_ev if spread == 0.7 else 0.0


def test_a_correction_of_exposure_is_not_seen_by_the_thumbnail(workshop):
    stream = data.EnhanceStream(workshop, data.Draw(128, 1), 1, crops_per_frame=1)
    frames = []
    for ev in (0.0, 2.0):
        random = Steady(np.random.PCG64(1))
        random.correction_ev = ev
        frames.append(next(stream._frame(random)))

    (usual, thumbnail, truth), (brighter, same, brighter_truth) = frames
    np.testing.assert_allclose(brighter, 4 * usual, rtol=1e-5)
    np.testing.assert_array_equal(same, thumbnail)
    assert brighter_truth.mean() > truth.mean() + 0.1


def test_hdr_scenes_are_drawn_with_their_share_and_the_held_out_never(workshop):
    pick = data.ScenePicker(workshop, data.Draw(32, 1, hdr_share=0.3))
    random = rng()

    drawn = [pick(random) for _ in range(800)]

    assert set(drawn) == {0, 2, 3}
    assert drawn.count(0) / 800 == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("seed", range(6))
def test_a_crop_is_a_turned_part_of_its_scene(seed):
    scene = rng().random((40, 50, 3)).astype(np.float16)

    crop = data.random_crop(scene, 40, rng(seed))

    assert crop.shape == (40, 40, 3)
    assert crop.dtype == np.float32
    assert crop.flags.c_contiguous
    pixels = {tuple(pixel) for pixel in scene.astype(np.float32).reshape(-1, 3)}
    assert {tuple(pixel) for pixel in crop.reshape(-1, 3)} <= pixels


@pytest.mark.parametrize("seed", range(12))
def test_a_random_thumbnail_is_as_large_and_has_no_new_colours(seed):
    small = np.arange(64 * 64, dtype=np.float32).reshape(64, 64, 1).repeat(3, axis=2)

    part = data.random_thumbnail(small, rng(seed))

    assert part.shape == small.shape
    assert len(np.unique(part)) >= 0.2 * small[..., 0].size
    assert set(np.unique(part)) <= set(np.unique(small))


def test_exposure_cuts_at_white():
    np.testing.assert_allclose(
        data.exposed(np.array([[[0.1, 0.4, 0.9]]], np.float16), 1.0), [[[0.2, 0.8, 1.0]]], rtol=1e-3
    )


def test_the_loader_hands_batches_over_as_they_are(workshop):
    stream = data.RestoreStream(workshop, DRAW, 1)

    batch = next(iter(data.loader(stream, workers=0)))

    torch.testing.assert_close(batch.picture, next(iter(stream)).picture)


@pytest.mark.slow
def test_workers_draw_different_batches(workshop):
    found = list(islice(iter(data.loader(data.RestoreStream(workshop, DRAW, 1), workers=2)), 2))

    assert not torch.equal(found[0].picture, found[1].picture)


def test_finishing_sees_frames_that_are_far_overexposed():
    draws = [data._finishing_ev(rng(seed)) for seed in range(400)]

    far = sum(ev > 2.4 for ev in draws) / 400
    # The usual spread alone would be beyond two sigmas in one of forty.
    assert 0.03 < far < 0.12
    assert sum(ev < 0 for ev in draws) > 120
