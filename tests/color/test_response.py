"""Camera curves: the basis has the figures of its recipe, EMoR's files are read, draws are cameras."""

import numpy as np
import pytest

from rawtool.color import response
from rawtool.color.response import (
    GRID,
    N_COMPONENTS,
    Response,
    basis_from_text,
    own_basis,
    random_response,
)
from rawtool.errors import CorruptFileError

PLACES = [256, 512, 768]


def srgb_decoded(y):
    return np.where(y <= 0.04045, y / 12.92, ((y + 0.055) / 1.055) ** 2.4)


def rec709_decoded(y):
    return np.where(y < 4.5 * 0.018, y / 4.5, ((y + 0.099) / 1.099) ** (1 / 0.45))


def fit_rmse(curve):
    basis = own_basis()
    return float(np.sqrt(np.square(basis.curve(basis.fit(curve)) - curve).mean()))


def test_the_mean_curve_and_the_first_components_have_their_measured_values():
    basis = own_basis()

    np.testing.assert_allclose(basis.mean[PLACES], [0.088042580, 0.248967128, 0.514163639], atol=6e-10)
    np.testing.assert_allclose(
        basis.components[:2, PLACES],
        [[0.018996244, 0.036319632, 0.044684218], [0.037865227, 0.026670856, -0.026129237]],
        atol=6e-10,
    )


def test_the_spread_of_the_weights_is_the_measured_singular_values():
    expected = [20.408226, 5.479168, 1.262837, 0.464345, 0.194246, 0.056155]
    expected += [0.019825, 0.012189, 0.005423, 0.003654, 0.001769]

    # The weights of the curves are the left singular vectors times the values; their mean is 0.
    np.testing.assert_allclose(own_basis().spread * np.sqrt(64), expected, atol=6e-7)


def test_the_components_are_orthonormal_and_zero_at_the_ends():
    components = own_basis().components

    assert components.shape == (N_COMPONENTS, 1024)
    np.testing.assert_allclose(components @ components.T, np.eye(11), atol=1e-12)
    np.testing.assert_allclose(components[:, [0, -1]], 0, atol=1e-12)
    assert (components.sum(axis=1) > 0).all()


def test_standard_curves_are_fitted_as_measured():
    basis = own_basis()

    assert fit_rmse(srgb_decoded(GRID)) == pytest.approx(3.0e-6, abs=5e-8)
    assert fit_rmse(rec709_decoded(GRID)) == pytest.approx(1.0e-5, abs=5e-7)
    np.testing.assert_allclose(
        basis.fit(srgb_decoded(GRID))[:4], [-0.305281, -0.834206, -0.003121, 0.037617], atol=6e-7
    )


def test_a_curve_of_weights_has_its_measured_values():
    basis = own_basis()

    np.testing.assert_allclose(
        basis.curve(np.array([1.0]))[PLACES], [0.107038823, 0.285286760, 0.558847857], atol=1e-9
    )
    steep = basis.curve(np.array([-12.0, 4.0]))
    np.testing.assert_allclose(steep[PLACES], [0.011549, -0.080185, -0.126564], atol=6e-7)
    assert np.diff(steep).min() == pytest.approx(-4.5419e-4, abs=6e-9)


def test_the_basis_cannot_be_changed_by_those_who_share_it():
    with pytest.raises(ValueError, match="read-only"):
        own_basis().mean[0] = 1.0


def emor_text(kind, mean, components, grid=GRID):
    """A file as it is published: a heading, then 256 rows of four numbers, for every section."""
    names = {"hinv": ("B =", "g0 ="), "h": ("E =", "f0 =")}[kind]
    headings = [*names, *(f"{kind}({k})=" for k in range(1, len(components) + 1))]
    lines = []
    for heading, values in zip(headings, [grid, mean, *components], strict=True):
        lines.append(heading)
        lines += ["".join(f"{value:18.9e}" for value in row) for row in np.reshape(values, (-1, 4))]
    return "\n".join(lines) + "\n"


def cosines(n_components=25):
    """Orthonormal curves that vanish at both ends."""
    waves = np.array([np.sin(np.pi * k * GRID) for k in range(1, n_components + 1)])
    return waves / np.linalg.norm(waves, axis=1, keepdims=True)


@pytest.mark.parametrize(("kind", "is_inverse"), [("hinv", True), ("h", False)])
def test_a_file_of_emors_form_is_read(kind, is_inverse):
    mean = GRID**2 if is_inverse else GRID**0.5

    basis = basis_from_text(emor_text(kind, mean, cosines()))

    assert basis.is_inverse is is_inverse
    np.testing.assert_allclose(basis.mean, mean, atol=1e-9)
    np.testing.assert_allclose(basis.components, cosines(), atol=1e-9)
    assert basis.spread.shape == (25,)
    assert basis.spread[0] > 10 * basis.spread[-1]


def test_a_file_with_windows_line_ends_is_read():
    text = emor_text("hinv", GRID**2, cosines()).replace("\n", "\r\n")

    assert basis_from_text(text).components.shape == (25, 1024)


BROKEN = {
    "empty": "",
    "prose": "the quick brown fox\n= jumps =\n",
    "cut short": emor_text("hinv", GRID**2, cosines())[:-100],
    "too few components": emor_text("hinv", GRID**2, cosines(10)),
    "not orthonormal": emor_text("hinv", GRID**2, 2 * cosines()),
    "not from 0 to 1": emor_text("hinv", GRID**2 + 0.1, cosines()),
    "another grid": emor_text("hinv", GRID**2, cosines(), grid=GRID**2),
    "a word among the numbers": emor_text("hinv", GRID**2, cosines()).replace("g0 =\n", "g0 =\nnone "),
    "without a mean": emor_text("hinv", GRID**2, cosines()).replace("g0 =", "mean ="),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_of_another_form_is_refused_in_one_line(text):
    with pytest.raises(CorruptFileError, match=r"EMoR's form; pass .* as published$"):
        basis_from_text(text)


def test_the_inverses_that_are_written_down_invert_their_curves():
    x = np.linspace(0, 1, 400)

    sigmoid = 1.6 * x**0.9 / (x**0.9 + 0.6)
    np.testing.assert_allclose(response.sigmoid_inverse(sigmoid, 0.9, 0.6), x, atol=1e-12)
    np.testing.assert_allclose(
        response.log_inverse(np.log(1 + 40 * x) / np.log(41), 40.0), x, rtol=1e-12, atol=1e-12
    )
    s_curve = 0.3 * x + 0.7 * (3 * x**2 - 2 * x**3)
    np.testing.assert_allclose(response.s_curve_inverse(s_curve, 0.7), x, atol=1e-6)


def test_a_response_encodes_and_decodes_what_its_formula_says():
    srgb = Response(srgb_decoded(GRID))
    codes = np.arange(256)[:, None, None] / 255

    light = srgb_decoded(codes)
    np.testing.assert_allclose(srgb.encode(light), codes, atol=1e-4)
    np.testing.assert_allclose(srgb.decode(codes), light, atol=1e-6)
    np.testing.assert_allclose(srgb_decoded(srgb.forward), GRID, atol=1e-5)
    assert srgb.encode(light).dtype == srgb.decode(codes).dtype == np.float32


def test_a_response_clips_as_a_sensor_does():
    power = Response(GRID**2.2)
    outside = np.array([-0.5, 0.0, 1.0, 7.0], np.float32)

    assert power.encode(outside).tolist() == power.decode(outside).tolist() == [0, 0, 1, 1]


def random_curves(n, basis=None, seed=0):
    rng = np.random.default_rng(seed)
    return [random_response(rng, basis) for _ in range(n)]


def test_every_random_camera_rises_from_0_to_1():
    for camera in random_curves(300):
        assert camera.inverse.shape == camera.forward.shape == (1024,)
        assert (camera.inverse[0], camera.forward[0]) == (0, 0)
        assert (camera.inverse[-1], camera.forward[-1]) == pytest.approx((1, 1))
        assert np.diff(camera.inverse).min() > 0


def test_every_random_camera_can_be_undone_from_its_codes():
    codes = np.arange(256, dtype=np.float32) / 255
    errors = [np.abs(camera.encode(camera.decode(codes)) - codes).max() for camera in random_curves(300)]

    assert np.median(errors) < 1e-5
    assert max(errors) < 2 / 255


def test_random_cameras_differ_as_real_ones_do():
    middle = np.array([np.interp(0.18, GRID, camera.forward) for camera in random_curves(400)])

    # 18 % grey: 0.46 in sRGB; sigmoids come down to 0.4, logarithms and powers go beyond 0.6.
    assert 0.40 < np.median(middle) < 0.52
    assert np.percentile(middle, 5) < 0.36
    assert np.percentile(middle, 95) > 0.54


def test_the_same_seed_draws_the_same_cameras():
    for a, b in zip(random_curves(20, seed=7), random_curves(20, seed=7), strict=True):
        np.testing.assert_array_equal(a.inverse, b.inverse)


@pytest.mark.parametrize(("kind", "mean"), [("hinv", GRID**2), ("h", GRID**0.5)])
def test_random_cameras_are_drawn_on_another_basis_too(kind, mean):
    basis = basis_from_text(emor_text(kind, mean, cosines()))
    pairs = [(random_curves(1, seed=k)[0], random_curves(1, basis, seed=k)[0]) for k in range(100)]

    changed = [other for usual, other in pairs if not np.array_equal(usual.inverse, other.inverse)]
    assert 10 < len(changed) < 35
    assert min(np.diff(other.inverse).min() for other in changed) > 0
    # Both means hold 25 % of the light at half the codes.
    assert 0.15 < np.median([other.inverse[512] for other in changed]) < 0.35


def test_a_curve_that_falls_is_made_to_rise():
    risen = response.rising(np.concatenate([np.linspace(0, 0.8, 512), np.linspace(0.7, 1.0, 512)]))

    assert np.diff(risen).min() > 0
    # The two rises, 0.8 and 0.3, are kept in their ratio.
    np.testing.assert_allclose(risen[[0, 511, 1023]], [0, 0.8 / 1.1, 1], atol=1e-4)
