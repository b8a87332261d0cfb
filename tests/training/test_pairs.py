"""Pairs of raws and finished pictures: found, laid on each other, told apart, kept for training."""

import numpy as np
import PIL.Image
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.color.spaces import convert, icc_profile  # noqa: E402 - after the checks
from rawtool.color.transfer import encode, quantise, srgb_encode  # noqa: E402
from rawtool.errors import ConfigError, InputError, NoInputError  # noqa: E402
from rawtool.io.orientation import upright  # noqa: E402
from rawtool.pipelines.darkroom import open_darkroom  # noqa: E402
from rawtool.training import pairs  # noqa: E402
from rawtool.vocabulary import Profile  # noqa: E402
from tests.training.pairing import HEIGHT, WIDTH, make_studio, shown, write_finished, write_raw  # noqa: E402


@pytest.fixture(scope="module")
def darkroom(untrained_model):
    return open_darkroom(str(untrained_model), device="cpu", threads=1)


def test_raws_are_paired_with_the_best_finished_picture_of_their_name(tmp_path):
    for name in ("b.dng", "b.jpg", "a.NEF", "a.JPG", "a.tif", "alone.dng", "c.jpg", ".d.dng", ".d.jpg"):
        (tmp_path / name).touch()

    found = [(raw.name, picture.name) for raw, picture in pairs.find_pairs(tmp_path)]

    assert found == [("a.NEF", "a.tif"), ("b.dng", "b.jpg")]
    with pytest.raises(ConfigError, match="is no folder"):
        pairs.find_pairs(tmp_path / "b.dng")


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_picture_is_laid_on_its_light_as_the_sensor_lies(orientation, darkroom, tmp_path):
    write_raw(tmp_path / "a.dng", orientation=orientation)
    write_finished(tmp_path / "a.jpg", upright(srgb_encode(shown() ** 1.2), orientation), subsampling=0)

    light, codes = pairs.matched(tmp_path / "a.dng", tmp_path / "a.jpg", darkroom)

    assert light.shape == codes.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(light - shown()).mean() < 0.02
    assert np.abs(codes / 65535.0 - srgb_encode(shown() ** 1.2)).mean() < 0.02


def test_borders_that_a_program_left_out_are_found(darkroom, tmp_path):
    write_raw(tmp_path / "a.dng")
    write_finished(tmp_path / "a.png", srgb_encode(shown())[5:-3, 8:-2])

    light, codes = pairs.matched(tmp_path / "a.dng", tmp_path / "a.png", darkroom)

    assert light.shape == (HEIGHT - 8, WIDTH - 10, 3)
    assert np.abs(light - shown()[5:-3, 8:-2]).mean() < 0.02
    assert np.abs(srgb_encode(light) - codes / 65535.0).mean() < 0.03


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_the_larger_one_is_reduced(share, darkroom, tmp_path):
    write_raw(tmp_path / "a.dng")
    size = (round(WIDTH * share), round(HEIGHT * share))
    picture = PIL.Image.fromarray(quantise(srgb_encode(shown()), 8)).resize(
        size, PIL.Image.Resampling.LANCZOS
    )
    picture.save(tmp_path / "a.png")

    light, codes = pairs.matched(tmp_path / "a.dng", tmp_path / "a.png", darkroom)

    least = min(share, 1.0)
    assert light.shape == codes.shape == (round(HEIGHT * least), round(WIDTH * least), 3)
    assert np.abs(srgb_encode(light) - codes / 65535.0).mean() < 0.04


@pytest.mark.parametrize(("size", "border"), [((150, 108), 2), ((450, 324), 2), ((105, 73), 7)])
def test_borders_left_out_of_a_picture_of_another_scale_are_found(size, border):
    def reduced(light):
        codes = PIL.Image.fromarray(quantise(srgb_encode(light), 8))
        return np.asarray(codes.resize(size, PIL.Image.Resampling.LANCZOS)).astype(np.float32) / np.float32(
            255
        )

    picture = reduced(shown()[border:-border, border:-border])

    light, codes = pairs.laid(shown(), picture)

    as_if_nothing_was_left_out = np.abs(reduced(shown()) - picture).mean()
    assert np.abs(srgb_encode(light) - codes).mean() < 0.6 * as_if_nothing_was_left_out
    assert light.shape[1] > 0.95 * min(size[0], WIDTH)


def test_the_scale_is_that_of_the_sizes_or_none():
    assert pairs.scale_of((1600, 2400), (1590, 2380)) == 1.0
    assert pairs.scale_of((1600, 2400), (800, 1200)) == 0.5
    assert pairs.scale_of((1600, 2400), (396, 596)) == pytest.approx(0.2483, abs=1e-3)
    for size in ((1200, 1200), (160, 240), (800, 1100)):
        with pytest.raises(InputError, match="export it whole, at a quarter of that size or more"):
            pairs.scale_of((1600, 2400), size)


def test_a_picture_in_another_profile_is_brought_to_srgb(tmp_path):
    wide = encode(convert(shown(), Profile.SRGB, Profile.ADOBE_RGB), Profile.ADOBE_RGB)
    PIL.Image.fromarray(quantise(wide, 8)).save(
        tmp_path / "a.tif", icc_profile=icc_profile(Profile.ADOBE_RGB)
    )

    found = pairs.finished_codes(tmp_path / "a.tif")

    np.testing.assert_allclose(found, srgb_encode(shown()), atol=0.01)


@pytest.fixture
def studio(tmp_path):
    return make_studio(tmp_path / "mine")


def test_pairs_that_cannot_be_used_are_named_and_left_out(studio, darkroom, tmp_path):
    said = []

    found = pairs.prepare_pairs(studio, darkroom, tmp_path / "kept", said.append)

    assert found.names == ("good0.dng", "good1.dng", "good2.dng")
    left_out = [line for line in said if line.startswith("left out: ")]
    assert [line.split()[2] for line in left_out] == ["broken.dng", "cut.dng", "wrong.dng"]
    assert "export it whole" in left_out[1]
    assert "does not lie on the raw" in left_out[2]


def test_what_is_kept_is_opened_again(studio, darkroom, tmp_path):
    made = pairs.prepare_pairs(studio, darkroom, tmp_path / "kept", lambda _: None)

    found = pairs.open_pairs(tmp_path / "kept")

    assert (found.names, found.windows) == (made.names, made.windows)
    assert [w.pair for w in found.split(is_validation=True)] == [0]
    assert [w.pair for w in found.split(is_validation=False)] == [1, 2]
    light, codes = found.pictures(found.windows[1])
    np.testing.assert_allclose(light, shown(1), atol=0.3)
    assert np.abs(codes / 65535.0 - srgb_encode(shown(1)) ** 2).mean() < 0.03
    np.testing.assert_allclose(found.thumbnails[1].mean(axis=(0, 1)), shown(1).mean(axis=(0, 1)), atol=0.01)
    with pytest.raises(ConfigError, match="holds no pairs"):
        pairs.open_pairs(studio)


def test_one_pair_is_too_few(darkroom, tmp_path):
    write_raw(tmp_path / "a.dng")
    write_finished(tmp_path / "a.jpg", srgb_encode(shown()))

    with pytest.raises(NoInputError, match="has 1 usable pairs"):
        pairs.prepare_pairs(tmp_path, darkroom, tmp_path / "kept", lambda _: None)


@pytest.mark.parametrize("shape", [(3000, 4000), (4000, 3000), (1300, 9000)])
def test_a_large_frame_is_seen_through_windows_all_over_it(shape):
    windows = list(pairs.spread(shape))

    assert len(windows) == pairs.N_WINDOWS
    covered = np.zeros(shape, bool)
    for window in windows:
        assert covered[window].shape == (pairs.WINDOW, pairs.WINDOW)
        covered[window] = True
    assert covered[: shape[0] // 2].any()
    assert covered[shape[0] // 2 :].any()
    assert covered[:, shape[1] // 2 :].any()


def test_a_small_frame_is_kept_whole():
    assert list(pairs.spread((900, 1200))) == [(slice(0, 900), slice(0, 1200))]
