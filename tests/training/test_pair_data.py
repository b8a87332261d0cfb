"""Pairs become batches in which light, thumbnail and picture belong together."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.color.transfer import srgb_encode  # noqa: E402 - after the checks
from rawtool.errors import ConfigError  # noqa: E402
from rawtool.pipelines.darkroom import open_darkroom  # noqa: E402
from rawtool.training.data import Draw  # noqa: E402
from rawtool.training.pair_data import PairStream, pair_cases  # noqa: E402
from rawtool.training.pairs import prepare_pairs  # noqa: E402
from rawtool.training.scenes import thumbnail_of  # noqa: E402
from tests.training.pairing import make_studio  # noqa: E402


@pytest.fixture(scope="module")
def found(untrained_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    darkroom = open_darkroom(str(untrained_model), device="cpu", threads=1)
    return prepare_pairs(make_studio(folder / "mine"), darkroom, folder / "kept", lambda _: None)


def test_a_stream_turns_light_thumbnail_and_picture_alike(found):
    batch = next(iter(PairStream(found, Draw(64, 6), 1)))

    assert batch.picture.shape == batch.truth.shape == (6, 3, 64, 64)
    assert batch.thumbnail.shape == (6, 3, 64, 64)
    expected = torch.from_numpy(srgb_encode(batch.picture.numpy()) ** 2)
    assert float((batch.truth - expected).abs().mean()) < 0.04


def test_a_thumbnail_is_turned_as_its_crop_is(found):
    """A crop of the whole frame's side, reduced, is the thumbnail: in the same one of eight ways."""
    side = min(min(window.height, window.width) for window in found.windows) // 32 * 32
    batch = next(iter(PairStream(found, Draw(side, 12), 1)))

    for picture, thumbnail in zip(batch.picture.numpy(), batch.thumbnail.numpy(), strict=True):
        light = np.moveaxis(thumbnail, 0, 2)
        ways = [np.rot90(light[:, ::-1] if mirrored else light, n) for n in range(4) for mirrored in (0, 1)]
        seen = thumbnail_of(np.moveaxis(picture, 0, 2))
        errors = [float(np.abs(way - seen).mean()) for way in ways]
        assert errors[0] == min(errors)


def test_a_stream_is_the_same_from_the_same_seed(found):
    one, again, other = (next(iter(PairStream(found, Draw(64, 6), seed))) for seed in (1, 1, 2))

    assert torch.equal(one.truth, again.truth)
    assert not torch.equal(one.truth, other.truth)


def test_held_out_frames_are_not_trained_on(found):
    stream = PairStream(found, Draw(64, 6), 1)

    assert sorted({window.pair for windows in stream.by_frame for window in windows}) == [1, 2]


def test_a_crop_that_no_pair_holds_is_refused(found):
    with pytest.raises(ConfigError, match="no pair to train on is 512 pixels large"):
        PairStream(found, Draw(512, 6), 1)


def test_the_held_out_frames_are_the_cases(found):
    (case,) = pair_cases(found)

    expected = torch.from_numpy(srgb_encode(case.picture.numpy()) ** 2)
    assert float((case.truth - expected).abs().mean()) < 0.04
