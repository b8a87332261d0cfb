"""Batches of photographed views: in their place, exposed as pictures are, the same from the same seed."""

from dataclasses import fields, replace
from itertools import islice

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rawtool.color.response import GRID, Response  # noqa: E402 - after the check
from rawtool.color.transfer import srgb_decode  # noqa: E402
from rawtool.errors import ConfigError  # noqa: E402
from rawtool.training import ldr_data  # noqa: E402
from rawtool.training.data import Draw  # noqa: E402
from rawtool.training.ldr_camera import LdrCamera  # noqa: E402
from rawtool.training.ldr_data import (  # noqa: E402
    HdrStream,
    View,
    frame_shape,
    random_view,
    resized,
    stack_hdr,
)

DRAW = Draw(crop=64, batch=3, hdr_share=0.75)
HDR_ONLY, PHOTOS_ONLY = replace(DRAW, hdr_share=1.0), replace(DRAW, hdr_share=0.0)


def rng(seed=1):
    return np.random.default_rng(seed)


def batches(workshop, n, draw=DRAW, seed=4, thumbnail_size=16):
    return list(islice(HdrStream(workshop, draw, seed, thumbnail_size), n))


@pytest.mark.parametrize("side", [64, 96, 160, 384])
def test_sides_of_frames_are_multiples_of_32_and_their_area_is_that_of_the_square(side):
    for aspect in ldr_data.ASPECTS:
        height, width = frame_shape(side, aspect)
        assert height % 32 == width % 32 == 0
        # A side may be off by half a step.
        low, high = ((side * aspect**0.5 + by) * (side / aspect**0.5 + by) / side**2 for by in (-16, 16))
        assert low <= height * width / side**2 <= high
    assert frame_shape(side, 1.0) == (side, side)


def test_a_wide_frame_is_wide_and_none_vanishes():
    height, width = frame_shape(384, 2.0)

    assert (height, width) == (256, 544)
    assert frame_shape(8, 2.0) == (32, 32)


def test_the_tensors_of_a_batch_belong_together(workshop):
    for batch in batches(workshop, 6):
        n, _, height, width = batch.picture.shape
        assert n == 3
        assert height % 32 == width % 32 == 0
        assert batch.truth.shape == batch.picture.shape == (n, 3, height, width)
        assert batch.thumbnail.shape == (n, 3, 16, 16)
        assert batch.known.shape == (n, 1, height, width)
        assert all(getattr(batch, part.name).dtype == torch.float32 for part in fields(batch))
        assert 0.0 <= batch.picture.min() < batch.picture.max() <= 1.0
        torch.testing.assert_close(batch.picture * 255, (batch.picture * 255).round(), rtol=0, atol=1e-4)
        assert torch.isfinite(batch.truth).all()
        assert batch.truth.min() >= 0.0
        assert set(batch.known.unique().tolist()) <= {0.0, 1.0}


def test_batches_come_in_several_shapes(workshop):
    assert len({tuple(batch.picture.shape) for batch in batches(workshop, 12)}) >= 2


def test_the_same_seed_gives_the_same_batches_and_another_others(workshop):
    first, again, other = (batches(workshop, 2, seed=seed) for seed in (4, 4, 5))

    for one, two in zip(first, again, strict=True):
        assert all(torch.equal(getattr(one, part.name), getattr(two, part.name)) for part in fields(one))
    assert not torch.equal(first[0].truth.mean(), other[0].truth.mean())
    assert not torch.equal(first[0].truth.mean(), first[1].truth.mean())


def test_every_worker_draws_from_its_own_seed(workshop, monkeypatch):
    means = []
    for number in (0, 1):
        monkeypatch.setattr(ldr_data, "worker_number", lambda number=number: number)
        means.append(float(batches(workshop, 1)[0].truth.mean()))

    assert means[0] != means[1]


def test_a_sane_share_of_the_pixels_is_clipped(workshop):
    """White is at a percentile from 80 to 99.5 of HDR scenes."""
    pictures = [picture for batch in batches(workshop, 12, HDR_ONLY) for picture in batch.truth]

    shares = [float((picture.amax(dim=0) > 1.0).float().mean()) for picture in pictures]

    assert 0.05 < np.mean(shares) < 0.2
    assert np.mean([share > 0.002 for share in shares]) > 0.9
    assert max(shares) < 0.5


def test_what_is_clipped_in_the_picture_is_bright_in_the_truth(workshop):
    for batch in batches(workshop, 6, HDR_ONLY):
        brightest, truth = batch.picture.amax(dim=1), batch.truth.amax(dim=1)
        # Saturation, blur and JPEG move some pixels.
        assert (brightest[truth > 1.1] > 0.9).float().mean() > 0.9
        assert truth[brightest < 0.5].max() < 1.0


def test_where_well_exposed_the_truth_is_the_picture_through_the_inverse_of_the_curve(workshop, monkeypatch):
    camera = LdrCamera(Response(srgb_decode(GRID)), quality=98, subsampling=0)
    monkeypatch.setattr(ldr_data, "random_ldr_camera", lambda _rng: camera)

    for batch in batches(workshop, 4):
        found = torch.from_numpy(camera.response.decode(batch.picture.numpy()))
        brightest = batch.picture.amax(dim=1, keepdim=True).expand_as(found)
        well = (batch.picture > 0.25) & (brightest < 0.95)
        assert well.float().mean() > 0.2
        ratio = found[well] / batch.truth[well]
        assert float(ratio.median()) == pytest.approx(1.0, abs=0.01)
        assert float((ratio - 1.0).abs().quantile(0.9)) < 0.1


def test_thumbnails_are_the_area_means_of_the_pictures(workshop):
    for batch in batches(workshop, 4):
        expected = torch.nn.functional.adaptive_avg_pool2d(batch.picture, 16)
        torch.testing.assert_close(batch.thumbnail, expected, rtol=0, atol=1e-5)


def test_a_network_without_a_thumbnail_gets_none(workshop):
    batch = batches(workshop, 1, thumbnail_size=None)[0]

    assert batch.thumbnail.numel() == 0
    assert batch.thumbnail.shape[:2] == batch.picture.shape[:2]


def test_of_hdr_scenes_all_is_known_and_of_photographs_what_was_not_near_their_white(workshop):
    hdr, photos = (batches(workshop, 4, draw) for draw in (HDR_ONLY, PHOTOS_ONLY))

    assert all(batch.known.min() == 1.0 for batch in hdr)
    shares = [float(batch.known.mean()) for batch in photos]
    assert 0.5 < np.mean(shares) < 1.0


def photo_with_white():
    """A photograph whose lower half is at its own white."""
    scene = np.full((96, 128, 3), 0.3, np.float16)
    scene[48:, :, 1] = 1.0
    return scene


def test_the_clipped_part_of_a_photograph_is_not_known():
    for seed in range(8):
        view = random_view(photo_with_white(), "photo", (64, 64), rng(seed))
        ratio = view.light[..., 1] / view.light[..., 0]
        is_white = ratio > 0.95 * ratio.max()
        assert view.is_known.dtype == bool
        assert not view.is_known[is_white].any() or is_white.all()
        assert view.is_known[ratio < 1.02 * ratio.min()].all() or is_white.all()


def test_the_same_scene_as_hdr_is_known_everywhere():
    assert random_view(photo_with_white(), "hdr", (64, 64), rng()).is_known.all()


def coordinates(height, width):
    """A scene whose red is the column and whose green is the row, from 1 on; blue is its white, 2000."""
    scene = np.full((height, width, 3), 2000.0, np.float16)
    scene[..., 0], scene[..., 1] = np.arange(1, width + 1), np.arange(1, height + 1)[:, None]
    return scene


@pytest.mark.parametrize("size", [(128, 160), (97, 300), (300, 97), (64, 64)])
@pytest.mark.parametrize("shape", [(64, 64), (32, 96), (96, 64)])
def test_a_view_lies_in_its_scene_and_is_not_distorted(size, shape, monkeypatch):
    monkeypatch.setattr(ldr_data, "TINT", 0.0)
    zooms = []
    for seed in range(12):
        view = random_view(coordinates(*size), "hdr", shape, rng(seed))
        light = 2000.0 * view.light
        assert view.light.shape == (*shape, 3)
        np.testing.assert_allclose(light[..., 2], 2000.0, rtol=1e-5)
        columns, rows = light[0, :, 0], light[:, 0, 1]
        if columns[0] > columns[-1]:
            columns = columns[::-1]
        assert columns.min() >= 1.0 - 1e-3
        assert columns.max() <= size[1] + 1e-3
        assert rows.min() >= 1.0 - 1e-3
        assert rows.max() <= size[0] + 1e-3
        across, down = (np.median(np.diff(along)) for along in (columns, rows))
        assert across == pytest.approx(down, rel=0.06)
        zooms.append(down)
    lowest, highest = ldr_data.ZOOM
    assert max(zooms) <= 1.03 * highest
    assert min(zooms) >= 0.97 * lowest or min(size) < max(shape)
    assert np.ptp(zooms) > 0.05


def test_some_views_are_turned_round_and_none_stands_on_its_head():
    views = [random_view(coordinates(128, 160), "hdr", (64, 64), rng(seed)).light for seed in range(40)]

    turned = np.mean([view[0, 0, 0] > view[0, -1, 0] for view in views])
    assert 0.25 < turned < 0.75
    assert all(view[0, 0, 1] < view[-1, 0, 1] for view in views)


def test_half_of_the_views_have_another_tint():
    views = [random_view(np.ones((96, 96, 3), np.float16), "hdr", (64, 64), rng(s)).light for s in range(60)]

    spreads = np.array([np.ptp(view[0, 0]) for view in views])
    assert 0.3 < np.mean(spreads > 1e-6) < 0.7
    assert spreads.max() < 0.6


def test_no_light_is_without_bounds_and_black_is_no_error():
    sun = np.ones((96, 96, 3), np.float16)
    sun[40:50] = 60000.0

    lights = [random_view(sun, "hdr", (64, 64), rng(seed)).light for seed in range(10)]

    assert max(light.max() for light in lights) <= 3000.0 * np.exp(5 * ldr_data.TINT)
    assert random_view(np.zeros((96, 96, 3), np.float16), "hdr", (64, 64), rng()).light.max() == 0.0


def test_light_is_reduced_by_its_mean_and_enlarged_between_its_pixels():
    light = rng().random((64, 96, 3), dtype=np.float32)

    half, same, double = (resized(light, shape) for shape in ((32, 48), (64, 96), (128, 192)))

    np.testing.assert_allclose(half, light.reshape(32, 2, 48, 2, 3).mean(axis=(1, 3)), atol=1e-6)
    np.testing.assert_array_equal(same, light)
    np.testing.assert_allclose(double.mean(), light.mean(), rtol=1e-2)
    # A pixel of the double lies a quarter of a step from its nearest one.
    above, below = (0.75 * light[row, 10] + 0.25 * light[row, 11] for row in (10, 11))
    np.testing.assert_allclose(double[21, 21], 0.75 * above + 0.25 * below, atol=1e-5)
    assert double.min() >= light.min()
    assert half.dtype == double.dtype == np.float32


def test_frames_are_stacked_in_their_order():
    lights = [np.full((32, 32, 3), level, np.float32) for level in (0.1, 0.9)]
    known = np.zeros((32, 32), bool)
    known[:, :7] = True
    frames = [((255 * light).astype(np.uint8), View(light, known)) for light in lights]

    batch = stack_hdr(frames, 4)

    assert batch.truth[:, 0, 0, 0].tolist() == pytest.approx([0.1, 0.9])
    assert batch.picture[:, 0, 0, 0].tolist() == pytest.approx([25 / 255, 229 / 255])
    assert batch.thumbnail[:, 0, 0, 0].tolist() == pytest.approx([25 / 255, 229 / 255])
    assert batch.known.sum(dim=(1, 2, 3)).tolist() == [7 * 32, 7 * 32]


def test_only_scenes_of_the_training_side_are_seen(workshop, monkeypatch):
    seen = set()
    scene = type(workshop).scene

    def noted(self, at):
        seen.add(self.entries[at].name)
        return scene(self, at)

    monkeypatch.setattr(type(workshop), "scene", noted)
    batches(workshop, 6)

    assert seen == {"quarry_1.png", "quarry_2.png", "lake_1.hdr"}


def test_scenes_smaller_than_a_frame_are_refused(workshop):
    with pytest.raises(ConfigError, match="no training scene is 512 pixels large"):
        HdrStream(workshop, Draw(crop=512, batch=1), 1, None)
