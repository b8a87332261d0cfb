"""The published losses of LDR to HDR: golden values, and that pictures are not mixed up."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rawtool.training import hdr_losses as losses  # noqa: E402 - after the check

ONE = torch.ones(1, dtype=torch.float64)


def wave():
    c, y, x = np.mgrid[0:3, 0:32, 0:48]
    return torch.from_numpy(np.sin(0.3 * x + 0.2 * y + c))[None]


def pair_1():
    truth = 0.5 + 0.5 * wave()
    return 0.9 * truth + 0.03, truth


def pair_2():
    truth = 1.5 + 1.5 * wave()
    return 0.95 * truth + 0.02, truth


def test_tanh_l1_has_its_golden_value():
    assert losses.tanh_l1(*pair_2()).item() == pytest.approx(0.007627261, abs=6e-10)


@pytest.mark.parametrize(("pair", "expected"), [(pair_1, 0.032006940), (pair_2, 0.019083758)])
def test_hallucination_is_the_golden_log_error_and_a_tenth_of_the_variation(pair, expected):
    found, truth = pair()
    variation = losses.total_variation(torch.log(1 + 10 * found) / np.log(11))

    loss = losses.hallucination_loss(found, truth, ONE)

    assert (loss - 0.1 * variation).item() == pytest.approx(expected, abs=6e-10)


def test_total_variation_has_its_golden_value():
    truth = pair_2()[1]

    found = losses.total_variation(torch.log(1 + 10 * truth) / np.log(11))

    assert found.item() == pytest.approx(0.219383053, abs=6e-10)


def test_dequantisation_clips_what_was_found_only():
    found = torch.tensor([-0.5, 0.25, 1.5]).view(1, 3, 1, 1)
    truth = torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1)

    loss = losses.dequantisation_loss(found, truth, torch.ones(1))

    assert loss.item() == pytest.approx(0.25**2 / 3)


def test_linearisation_adds_a_tenth_of_the_curves_error():
    picture, curve = torch.zeros(2, 3, 4, 4), torch.zeros(2, 10)

    loss = losses.linearisation_loss(picture + 0.2, picture, curve + 0.5, curve, torch.ones(2))

    assert loss.item() == pytest.approx(0.2**2 + 0.1 * 0.5**2)


def test_every_picture_has_its_own_share():
    """An (N,) that spread over rows or over other pictures would give another number."""
    found, truth = torch.zeros(3, 3, 3, 3), torch.zeros(3, 3, 3, 3)
    curve, true_curve = torch.zeros(3, 3), torch.zeros(3, 3)
    truth[0], truth[1], truth[2] = 0.1, 0.2, 0.4
    true_curve[0], true_curve[1], true_curve[2] = 1.0, 2.0, 4.0
    share = torch.tensor([1.0, 0.0, 1.0])

    assert losses.dequantisation_loss(found, truth, share).item() == pytest.approx((0.01 + 0.16) / 3)
    both = losses.linearisation_loss(found, truth, curve, true_curve, share).item()
    assert both == pytest.approx((0.01 + 0.16) / 3 + 0.1 * (1 + 16) / 3)
    logs = [np.log(1 + 10 * light) / np.log(11) for light in (0.1, 0.4)]
    assert losses.hallucination_loss(found, truth, share).item() == pytest.approx(sum(logs) / 3)


def test_pictures_that_are_mostly_white_or_black_do_not_count():
    def picture(*codes):
        return torch.tensor(codes).repeat_interleave(4).view(1, 1, 4, 4).expand(1, 3, 4, 4) / 255

    batch = torch.cat(
        [
            picture(255.0, 255.0, 249.0, 100.0),
            picture(255.0, 255.0, 248.0, 100.0),
            picture(0.0, 6.0, 3.0, 100.0),
            picture(0.0, 6.0, 7.0, 255.0),
            picture(0.0, 0.0, 255.0, 255.0),
        ]
    )

    assert losses.exposed_share(batch).tolist() == [0, 1, 0, 1, 1]


def test_refinement_forgives_the_exposure_of_every_picture():
    _, truth = pair_2()
    batch = torch.cat([truth, 3 * truth])

    forgiven = losses.refinement_loss(torch.cat([7 * truth, truth]), batch)

    assert forgiven.item() == pytest.approx(0, abs=1e-5)
    assert losses.refinement_loss(batch.square(), batch).item() > 0.05


def test_refinement_is_the_log_error_at_the_mean_one_half():
    found, truth = pair_2()
    logs = [torch.log(1 + 10 * 0.5 * light / light.mean()) / np.log(11) for light in (found, truth)]

    expected = (logs[0] - logs[1]).abs().mean().item()
    assert losses.refinement_loss(found, truth).item() == pytest.approx(expected, abs=1e-6)


def test_all_losses_have_finite_gradients_at_black():
    found = torch.zeros(1, 3, 4, 4, requires_grad=True)
    truth, share = torch.rand(1, 3, 4, 4), torch.ones(1)

    total = losses.tanh_l1(found, truth) + losses.hallucination_loss(found, truth, share)
    total = total + losses.dequantisation_loss(found, truth, share) + losses.refinement_loss(found, truth)
    total.backward()

    assert torch.isfinite(found.grad).all()
