"""Pairs become batches in which light, thumbnail and picture belong together."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.color.transfer import srgb_encode  # noqa: E402 - after the checks
from rawtool.errors import ConfigError  # noqa: E402
from rawtool.pipelines.darkroom import open_darkroom  # noqa: E402
from rawtool.training.data import Draw  # noqa: E402
from rawtool.training.pair_data import PairStream, pair_cases  # noqa: E402
from rawtool.training.pairs import prepare_pairs  # noqa: E402
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
    # Every crop shows a part of what its thumbnail shows, which lies as the crop does.
    for number in range(6):
        mean, whole = batch.picture[number].mean(dim=(1, 2)), batch.thumbnail[number].mean(dim=(1, 2))
        torch.testing.assert_close(mean, whole, rtol=0.0, atol=0.1)


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
