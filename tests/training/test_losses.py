"""The losses: published values, and what they leave out."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rawtool.nets.cameranet_s import WHITE_CODE  # noqa: E402 - after the check
from rawtool.training import losses  # noqa: E402


def pair():
    """Pair 1 of the golden values: rows 0 to 31, columns 0 to 47, channels 0 to 2."""
    c, y, x = np.mgrid[0:3, 0:32, 0:48]
    a = 0.5 + 0.5 * np.sin(0.3 * x + 0.2 * y + c)
    return torch.from_numpy(0.9 * a + 0.03)[None], torch.from_numpy(a)[None]


def test_l1_has_its_golden_value():
    assert losses.l1(*pair()).item() == pytest.approx(0.034456376, abs=1e-9)


@pytest.mark.parametrize(("offset", "value"), [(1e-3, 0.270292546), (1e-4, 0.313976205)])
def test_log_l1_has_its_golden_values(offset, value):
    assert losses.log_l1(*pair(), offset).item() == pytest.approx(value, abs=1e-9)


def test_the_restoration_loss_is_their_sum():
    assert losses.restoration_loss(*pair()).item() == pytest.approx(0.034456376 + 0.270292546, abs=1e-9)


def test_light_below_black_counts_as_black_in_the_logarithm():
    truth = torch.zeros(1, 3, 2, 2)

    assert losses.log_l1(truth - 0.5, truth).item() == 0.0


def test_weights_weigh_whole_pictures_and_their_scale_does_not_matter():
    found, truth = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    truth[0], truth[1] = 1.0, 2.0

    for scale in (1.0, 10.0):
        weight = scale * torch.tensor([3.0, 1.0])
        assert losses.l1(found, truth, weight).item() == pytest.approx((3 * 1 + 2) / 4)


def test_what_is_above_white_where_the_truth_is_white_costs_nothing():
    white = torch.full((1, 3, 2, 2), WHITE_CODE)
    weight = torch.ones(1)

    assert losses.encoded_loss(white + 0.5, white, WHITE_CODE, weight).item() == pytest.approx(0, abs=1e-4)
    assert losses.encoded_loss(white - 0.25, white, WHITE_CODE, weight).item() == pytest.approx(0.25)


def test_the_root_of_the_mean_square_is_taken_picture_by_picture():
    truth = torch.zeros(2, 1, 1, 4)
    found = torch.tensor([[[[2.0, 0.0, 0.0, 0.0]]], [[[1.0, 1.0, 1.0, 1.0]]]])

    # sqrt(4 / 4) = 1 and 1: equal although the L1 errors are 0.5 and 1; weighted 3 : 1 they stay 1.
    assert losses.rms(found, truth, torch.tensor([3.0, 1.0])).item() == pytest.approx(1.0, abs=1e-6)
    twice = found * torch.tensor([2.0, 1.0])[:, None, None, None]
    assert losses.rms(twice, truth, torch.tensor([3.0, 1.0])).item() == pytest.approx(1.75, abs=1e-6)


def test_the_root_has_a_gradient_where_nothing_is_wrong():
    found = torch.zeros(1, 1, 2, 2, requires_grad=True)

    losses.rms(found, torch.zeros(1, 1, 2, 2), torch.ones(1)).backward()

    assert torch.isfinite(found.grad).all()


def test_the_error_of_the_light_is_an_angle():
    east, north = torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.5, 0.0]])

    assert losses.illuminant_loss(east, north).item() == pytest.approx(math.pi / 2)
    assert losses.illuminant_loss(east, 3 * east).item() < 2e-3


def test_the_angle_has_a_gradient_where_it_is_zero():
    light = torch.tensor([[1.0, 1.0, 1.0]], requires_grad=True)

    losses.illuminant_loss(light, light.detach()).backward()

    assert torch.isfinite(light.grad).all()


def test_detail_is_blind_to_an_even_shift_and_sees_edges():
    truth = torch.zeros(1, 1, 4, 5)
    edge = truth.clone()
    edge[..., 3:] = 1.0

    assert losses.detail_loss(truth + 0.3, truth).item() == 0.0
    # One of four differences along each row.
    assert losses.detail_loss(edge, truth).item() == pytest.approx(0.25)


def test_beyond_white_and_black_where_the_truth_is_cut_nothing_is_lost():
    truth = torch.tensor([1.0, 0.9995, 0.9, 0.0, 0.001, 0.1])
    beyond = torch.tensor([1.3, 1.1, 1.1, -0.2, -0.1, -0.1])

    found = losses.cut_with(beyond, truth)

    torch.testing.assert_close(found, torch.tensor([1.0, 0.9995, 1.1, 0.0, 0.001, -0.1]))
    short = torch.tensor([0.95, 0.95, 0.85, 0.05, 0.05, 0.15])
    torch.testing.assert_close(losses.cut_with(short, truth), short)
