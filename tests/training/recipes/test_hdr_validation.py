"""Scores of an HDR reconstruction on held-out scenes."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rawtool.color.transfer import srgb_decode  # noqa: E402 - after the check
from rawtool.training.recipes import hdr_validation  # noqa: E402
from rawtool.training.recipes.hdr_validation import (  # noqa: E402
    do_nothing,
    hdr_case,
    hdr_cases,
    hdr_validator,
    run_reconstructor,
    scaled_to_clip,
)
from rawtool.training.recipes.hdr_wrappers import to_power  # noqa: E402
from tests.training.material import painted  # noqa: E402


@pytest.fixture(scope="module")
def cases(workshop):
    return hdr_cases(workshop, 16)


class Answer(torch.nn.Module):
    """Gives the light that a function makes of the case that it is shown."""

    def __init__(self, cases, light_of, *, is_powered=False):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.lights = {float(case.batch.picture.sum()): light_of(case) for case in cases}
        self.is_powered = is_powered

    def forward(self, picture, thumbnail):
        light = torch.from_numpy(self.lights[float(picture.sum())].transpose(2, 0, 1)[None].copy())
        return to_power(light) if self.is_powered else light


def brighter(ev):
    """The truth with an error where the picture is clipped."""

    def light_of(case):
        is_clipped = case.codes.max(axis=2, keepdims=True) >= 250
        return np.where(is_clipped, case.truth * np.float32(2.0**ev), case.truth)

    return light_of


def nothing(case):
    return do_nothing(case.codes)


def test_every_held_out_hdr_scene_is_photographed_twice_and_every_time_the_same(workshop, cases):
    assert len(cases) == 2
    assert len(hdr_cases(workshop, None, n_variants=3)) == 3
    assert not np.array_equal(cases[0].codes, cases[1].codes)
    for case, again in zip(cases, hdr_cases(workshop, 16), strict=True):
        np.testing.assert_array_equal(case.codes, again.codes)
        np.testing.assert_array_equal(case.truth, again.truth)


def test_without_held_out_hdr_scenes_photographs_are_taken(workshop):
    entries = tuple(replace(entry, kind="photo") for entry in workshop.entries)

    assert len(hdr_cases(replace(workshop, entries=entries), None, n_variants=1)) == 2


def test_a_case_holds_what_the_network_sees_and_the_light_behind_it(cases):
    for case in cases:
        height, width = case.codes.shape[:2]
        assert case.truth.shape == (height, width, 3)
        assert case.batch.picture.shape == (1, 3, height, width)
        assert case.batch.thumbnail.shape == (1, 3, 16, 16)
        np.testing.assert_allclose(
            255 * case.batch.picture[0].numpy(), case.codes.transpose(2, 0, 1), atol=1e-3
        )
        np.testing.assert_array_equal(case.batch.truth[0].numpy(), case.truth.transpose(2, 0, 1))
        assert case.batch.known.min() == 1.0


def test_from_3_to_15_per_cent_are_clipped_whatever_the_scale_of_the_scene():
    for seed in range(12):
        light = np.float32(10.0 ** (seed - 4)) * painted(seed) ** 2

        case = hdr_case(light, None, np.random.default_rng(seed))

        assert 0.029 <= (case.truth.max(axis=2) > 1.0).mean() <= 0.151
        assert 0.02 <= (case.codes.max(axis=2) >= 250).mean() <= 0.25


def test_the_scale_is_that_of_a_percentile_and_black_is_no_error():
    light = np.linspace(0.0, 50.0, 3000, dtype=np.float32).reshape(20, 50, 3)

    whites = []
    for seed in range(30):
        scaled = scaled_to_clip(light, np.random.default_rng(seed))
        np.testing.assert_allclose(scaled / scaled[-1, -1, -1], light / 50.0, rtol=1e-5)
        whites.append((scaled.max(axis=2) <= 1.0).mean())

    assert 0.85 <= min(whites) < 0.88
    assert 0.94 < max(whites) <= 0.971
    assert scaled_to_clip(np.zeros((4, 4, 3), np.float32), np.random.default_rng(1)).max() == 0.0


def test_scenes_are_cut_to_sides_that_every_network_takes():
    case = hdr_case(painted(1, 96 + 16, 128 + 16), 8, np.random.default_rng(1))

    assert case.codes.shape == (96, 128, 3)


def test_doing_nothing_is_the_srgb_curve_and_gains_nothing(cases):
    np.testing.assert_allclose(
        do_nothing(cases[0].codes), srgb_decode(cases[0].codes / np.float32(255)), rtol=1e-6
    )

    scores = hdr_validator(cases)(Answer(cases, nothing))

    assert scores["gain"] == pytest.approx(0.0, abs=1e-3)
    assert scores["worst_gain"] == pytest.approx(0.0, abs=1e-3)
    assert 10.0 < scores["psnr"] < 60.0


@pytest.mark.parametrize("is_powered", [False, True])
def test_the_score_is_psnr_and_falls_with_the_error(cases, is_powered):
    score = hdr_validator(cases)

    small, large = (score(Answer(cases, brighter(ev), is_powered=is_powered)) for ev in (0.5, 2.0))

    assert set(small) == {"psnr", "highlight_ev", "gain", "worst_gain", "score"}
    assert small["score"] == small["psnr"] > large["psnr"] + 3.0
    assert (small["highlight_ev"], large["highlight_ev"]) == pytest.approx((0.5, 2.0), abs=0.02)


def test_gains_are_those_over_doing_nothing_and_the_worst_is_told(cases):
    first = hdr_validator(cases[:1])(Answer(cases, nothing))["psnr"]
    second = hdr_validator(cases[1:])(Answer(cases, nothing))["psnr"]
    good = [hdr_validator([case])(Answer(cases, brighter(0.5)))["psnr"] for case in cases]

    scores = hdr_validator(cases)(Answer(cases, brighter(0.5)))

    gains = [good[0] - first, good[1] - second]
    assert scores["gain"] == pytest.approx(np.mean(gains), abs=1e-3)
    assert scores["worst_gain"] == pytest.approx(min(gains), abs=1e-3)
    assert scores["psnr"] == pytest.approx(np.mean(good), abs=1e-3)


def test_a_network_is_shown_its_case_on_its_own_device(cases):
    class Elsewhere(torch.nn.Module):
        is_powered = False

        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1, device="meta"))

        def forward(self, picture, thumbnail):
            assert {picture.device, thumbnail.device} == {self.weight.device}
            return torch.ones(picture.shape)

    found = run_reconstructor(Elsewhere(), cases[0])

    assert found.shape == cases[0].truth.shape
    assert found.dtype == np.float32


def test_light_comes_back_from_networks_that_work_in_half_the_bits(cases):
    class Short(Answer):
        def forward(self, picture, thumbnail):
            return super().forward(picture, thumbnail).to(torch.bfloat16)

    found = run_reconstructor(Short(cases, lambda case: case.truth), cases[0])

    assert found.dtype == np.float32
    np.testing.assert_allclose(found, cases[0].truth, rtol=1e-2)


def test_the_cases_do_not_depend_on_the_size_of_the_thumbnail(workshop, cases):
    other = hdr_validation.hdr_cases(workshop, None)

    np.testing.assert_array_equal(other[0].codes, cases[0].codes)
    assert other[0].batch.thumbnail.numel() == 0
