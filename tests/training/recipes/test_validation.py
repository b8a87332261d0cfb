"""Scores on held-out scenes."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rawtool.nets.cameranet_s import root_encode  # noqa: E402 - after the check
from rawtool.training.cameras import SCORED_NOISE  # noqa: E402
from rawtool.training.recipes import validation  # noqa: E402
from rawtool.training.recipes.wrappers import EnhancerS, Joint, RestorerS  # noqa: E402


@pytest.fixture(scope="module")
def restore_cases(workshop):
    return validation.restore_cases(workshop, 64)


@pytest.fixture(scope="module")
def enhance_cases(workshop):
    return validation.enhance_cases(workshop)


class Knows(torch.nn.Module):
    """Answers with the truth of the batch that it is shown, and an error on top."""

    def __init__(self, cases, pictures, error=0.0):
        super().__init__()
        self.answers = dict(zip(pictures, cases, strict=True))
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.error = error

    def forward(self, picture, *told):
        return self.answers[float(picture.sum())] + self.error


class KnowsCode(Knows):
    def forward(self, picture, *told):
        return root_encode(super().forward(picture)), None


def test_each_held_out_hdr_scene_is_seen_at_every_scored_noise(workshop, restore_cases):
    assert validation.held_out(workshop) == [4]
    assert [case.iso for case in restore_cases] == list(SCORED_NOISE)
    truths = [case.batch.truth for case in restore_cases]
    assert all(torch.equal(truth, truths[0]) for truth in truths)
    errors = [
        (case.batch.picture[0, 3] - restore_cases[0].batch.picture[0, 3]).abs().mean()
        for case in restore_cases
    ]
    assert errors[0] < errors[1] < errors[2]


def test_without_held_out_hdr_scenes_photographs_are_taken(workshop):
    entries = tuple(replace(entry, kind="photo") for entry in workshop.entries)

    assert validation.held_out(replace(workshop, entries=entries)) == [1, 4]


def test_cases_are_the_same_every_time(workshop, restore_cases):
    for case, again in zip(restore_cases, validation.restore_cases(workshop, 64), strict=True):
        torch.testing.assert_close(case.batch.picture, again.batch.picture)


def test_the_score_is_the_mean_psnr_of_the_noise_levels(restore_cases):
    network = KnowsCode(
        [case.batch.truth for case in restore_cases],
        [float(case.batch.picture.sum()) for case in restore_cases],
        0.01,
    )

    scores = validation.restore_validator(restore_cases)(network)

    assert set(scores) == {"psnr_iso100", "psnr_iso1600", "psnr_iso12800", "score"}
    levels = [scores[f"psnr_iso{iso}"] for iso in SCORED_NOISE]
    assert scores["score"] == pytest.approx(np.mean(levels))
    assert min(levels) > 25.0


def test_an_untrained_restoration_is_worse_where_there_is_more_noise(restore_cases):
    with torch.no_grad():
        scores = validation.restore_validator(restore_cases)(RestorerS())

    assert scores["psnr_iso100"] > scores["psnr_iso1600"] > scores["psnr_iso12800"] > 5.0


def test_finishing_is_scored_against_its_truth(enhance_cases):
    sums, truths = (
        [float(case.picture.sum()) for case in enhance_cases],
        [case.truth for case in enhance_cases],
    )
    score = validation.enhance_validator(enhance_cases)

    small, large = (score(Knows(truths, sums, error)) for error in (0.01, 0.1))

    assert len(enhance_cases) == 2
    # Clipping can only lessen an error of 0.1: at least 20 dB.
    assert 20.0 <= large["psnr"] < small["psnr"]
    assert small["psnr"] == pytest.approx(40.0, abs=0.7)
    assert large["ssim"] < small["ssim"] <= 1.0
    assert small["score"] == small["psnr"]


def test_the_joint_score_is_the_mean_of_both(restore_cases, enhance_cases):
    restore = validation.restore_validator(restore_cases[:1])
    enhance = validation.enhance_validator(enhance_cases[:1])
    network = Joint(RestorerS(), EnhancerS())

    with torch.no_grad():
        scores = validation.joint_validator(restore, enhance, lambda _: {"psnr_chain": 7.0, "score": 7.0})(
            network
        )
        first, second = restore(network.restorer), enhance(network.enhancer)

    assert scores["score"] == pytest.approx((first["score"] + second["score"]) / 2)
    assert scores["psnr_iso100"] == first["psnr_iso100"]
    assert scores["psnr_chain"] == 7.0


def test_the_chain_is_scored_by_what_comes_out_at_the_end(workshop):
    cases = validation.chain_cases(workshop, 64)

    class End(torch.nn.Module):
        def __init__(self, error):
            super().__init__()
            self.weight, self.error = torch.nn.Parameter(torch.zeros(1)), error

        def forward(self, picture, *told):
            case = next(each for each in cases if torch.equal(each.picture, picture))
            assert torch.equal(told[2], case.light_thumbnail)
            return torch.full_like(case.truth, 9.0), case.finished + self.error

    small, large = (validation.chain_validator(cases)(End(error)) for error in (0.01, 0.1))

    assert len(cases) == 1
    assert small["score"] == small["psnr_chain"] == pytest.approx(40.0, abs=0.7)
    assert large["psnr_chain"] < small["psnr_chain"]


def test_the_middle_is_cut_to_whole_strides():
    scene = np.arange(100 * 130).reshape(100, 130, 1)

    middle = validation.middle_of(scene, 64)

    assert middle.shape == (64, 64, 1)
    assert middle[0, 0, 0] == 18 * 130 + 33
    assert validation.middle_of(scene, 500).shape == (96, 128, 1)
