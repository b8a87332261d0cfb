"""The polynomial that takes back what a developer did to the whole picture."""

import numpy as np
import pytest

from rawtool.pipelines.basefit import N_TERMS, fit_polynomial, guide_channels, root_encode, terms_of


def picture(height=40, width=60, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def decoded(code):
    return code * (np.abs(code) + 2 * np.sqrt(0.0015))


def test_guide_channels_are_the_four_sites_in_turn():
    base = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)

    channels = guide_channels(base)

    assert channels.shape == (2, 3, 12)
    assert channels[1, 2].tolist() == [*base[2, 4], *base[2, 5], *base[3, 4], *base[3, 5]]


def test_a_picture_that_is_a_polynomial_of_the_raw_is_taken_back():
    base = picture()
    colors = base / 255.0
    code = 0.1 + 0.5 * colors[..., 0] + 0.2 * colors[..., 1] * colors[..., 2] - 0.1 * colors[..., 2] ** 3
    light = decoded(code)
    planes = np.stack([light[i::2, j::2] for i in (0, 1) for j in (0, 1)], axis=-1).astype(np.float32)

    fit = fit_polynomial(planes, base)

    for at in range(4):
        sites = base[at // 2 :: 2, at % 2 :: 2].reshape(-1, 3) / 255.0
        found = decoded(terms_of(sites) @ fit[at])
        assert found == pytest.approx(planes[..., at].ravel(), abs=2e-3)


def test_numbers_survive_float16_and_large_pictures_are_thinned():
    base = picture(800, 1000)
    light = base.mean(axis=2) / 255.0
    planes = np.stack([light[i::2, j::2] for i in (0, 1) for j in (0, 1)], axis=-1).astype(np.float32)

    fit = fit_polynomial(planes, base)

    assert fit.shape == (4, N_TERMS)
    assert np.array_equal(fit, fit.astype(np.float16).astype(np.float32))


def test_a_grey_picture_has_a_fit():
    planes = np.full((8, 8, 4), 0.18, np.float32)
    base = np.full((16, 16, 3), 118, np.uint8)

    fit = fit_polynomial(planes, base)

    sites = np.full((1, 3), 118 / 255.0)
    assert decoded(terms_of(sites) @ fit[0])[0] == pytest.approx(0.18, abs=2e-3)


def test_the_encoding_is_an_odd_square_root_with_a_toe():
    light = np.array([-0.01, 0.0, 0.001, 0.5, 1.2])

    found = root_encode(light)

    assert found == pytest.approx(
        np.sign(light) * (np.sqrt(np.abs(light) + 0.0015) - np.sqrt(0.0015)), abs=1e-12
    )
    assert decoded(found) == pytest.approx(light, abs=1e-12)
