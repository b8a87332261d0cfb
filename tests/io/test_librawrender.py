import numpy as np
import pytest
import rawpy

from rawtool.errors import CorruptFileError, UnsupportedRawError
from rawtool.io.dng import write_dng
from rawtool.io.librawrender import render_default, render_linear
from tests.io.material import capture, mosaic_frame

NEUTRAL = np.array([0.5, 1.0, 0.625])


def grey_dng(path, light=0.2, height=64, width=96, noise=0.0):
    """A grey wall through the camera's own neutral: counts of 100 + 4000 * light * neutral."""
    camera = np.tile([[NEUTRAL[0], 1.0], [1.0, NEUTRAL[2]]], (height // 2, width // 2)) * light
    camera = camera + noise * np.random.default_rng(1).standard_normal(camera.shape)
    frame = mosaic_frame(
        height,
        width,
        samples=np.rint(100 + 4000 * camera).clip(0, 4100).astype(np.uint16),
        black_level=(100.0,) * 4,
        white_level=4100.0,
        crop=(0, 0, height, width),
        capture=capture(as_shot_neutral=NEUTRAL),
    )
    write_dng(frame, path)
    return path


@pytest.mark.parametrize("algorithm", ["AHD", "DHT"])
def test_grey_is_grey_and_as_bright_as_its_counts_say(tmp_path, algorithm):
    rgb = render_linear(grey_dng(tmp_path / "a.dng"), algorithm)

    assert rgb.shape == (64, 96, 3)
    assert rgb.dtype == np.float32
    # Balanced by gains whose smallest is 1, a grey of 0.2 stays 0.2 of the white level.
    np.testing.assert_allclose(rgb[8:-8, 8:-8], 0.2, atol=2e-3)


def test_nothing_is_brightened(tmp_path):
    dark, light = (render_linear(grey_dng(tmp_path / f"{v}.dng", v)) for v in (0.1, 0.4))

    assert (light[8:-8, 8:-8].mean() / dark[8:-8, 8:-8].mean()) == pytest.approx(4.0, rel=0.01)


def test_denoising_and_medians_lower_the_noise(tmp_path):
    path = grey_dng(tmp_path / "a.dng", noise=0.02)

    plain, median = render_linear(path), render_linear(path, n_medians=2)
    both = render_linear(path, is_denoised=True, n_medians=2)

    assert median.std(axis=(0, 1)).mean() < 0.95 * plain.std(axis=(0, 1)).mean()
    assert both.std(axis=(0, 1)).mean() < 0.95 * median.std(axis=(0, 1)).mean()


def test_the_default_is_bright_and_has_8_bits(tmp_path):
    codes = render_default(grey_dng(tmp_path / "a.dng"))

    assert codes.dtype == np.uint8
    assert codes[8:-8, 8:-8].min() > 200


@pytest.mark.parametrize("algorithm", ["NO_SUCH", "LMMSE"])
def test_an_algorithm_that_this_libraw_lacks_is_named(tmp_path, algorithm):
    known = rawpy.DemosaicAlgorithm.__members__
    if algorithm in known and known[algorithm].isSupported:
        pytest.skip("a build with the GPL packs")

    with pytest.raises(UnsupportedRawError, match=algorithm):
        render_linear(grey_dng(tmp_path / "a.dng"), algorithm)


@pytest.mark.parametrize("render", [render_linear, render_default])
def test_foreign_errors_are_ours(tmp_path, render):
    path = tmp_path / "a.dng"
    path.write_bytes(bytes(range(256)) * 40)

    with pytest.raises((UnsupportedRawError, CorruptFileError)):
        render(path)
