"""The blocks of J4, each against its formula; together the golden vectors test them."""

import pytest

torch = pytest.importorskip("torch")

from rawtool.nets.raw_metadata_blocks import (  # noqa: E402 - after the check
    GDN,
    PCA,
    RB,
    Att,
    Guided,
    GuidedStack,
    MaskedDeconv,
    RBUp,
    at_least,
    conv3,
    guided,
    n_decoded,
    subpel,
)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(2)


def spread(convolution):
    """What a convolution of ones gives for a picture of ones."""
    torch.nn.init.ones_(convolution.weight)
    torch.nn.init.zeros_(convolution.bias)
    return convolution(torch.ones(1, 1, 4, 5))


def test_convolutions_reflect_at_the_edge_but_those_of_subpel_see_zeros():
    assert spread(conv3(1, 1)).eq(9.0).all()
    assert spread(subpel(1, 1, 1)[0])[0, 0, 0].tolist() == [4.0, 6.0, 6.0, 6.0, 4.0]


def test_below_the_bound_only_slopes_that_push_up_come_through():
    x = torch.tensor([0.5, 0.5, 2.0, 2.0], requires_grad=True)

    clamped = at_least(x, 1.0)
    (clamped * torch.tensor([3.0, -3.0, 3.0, -3.0])).sum().backward()

    assert clamped.tolist() == [1.0, 1.0, 2.0, 2.0]
    assert x.grad.tolist() == [0.0, -3.0, 3.0, -3.0]


def test_a_bound_leaves_the_other_slopes_of_a_tensor_alone():
    x = torch.tensor([0.5], requires_grad=True)
    inner = 1.0 * x

    (at_least(inner, 1.0) + 10.0 * inner).sum().backward()

    assert x.grad.tolist() == [10.0]


@pytest.mark.parametrize("is_inverse", [False, True])
def test_gdn_is_its_formula(is_inverse):
    norm, x = GDN(3, is_inverse=is_inverse).double(), torch.randn(1, 3, 2, 2).double()
    norm.root_beta.data = torch.rand(3).double() + 0.5
    norm.root_coupling.data = torch.rand(3, 3).double() + 0.5

    root = (norm.root_beta[:, None] ** 2 + norm.root_coupling**2 @ (x**2).flatten(2)).view_as(x).sqrt()

    expected = x * root if is_inverse else x / root
    torch.testing.assert_close(norm(x), expected, rtol=1e-9, atol=0)


def test_gdn_begins_with_a_tenth_of_its_own_channel():
    x = torch.randn(1, 2, 3, 3).double()

    torch.testing.assert_close(GDN(2).double()(x), x / (1 + 0.1 * x**2).sqrt(), rtol=1e-6, atol=0)


def test_gdn_stays_finite_where_its_numbers_would_fall_below_their_bounds():
    norm = GDN(2)
    for parameter in norm.parameters():
        torch.nn.init.constant_(parameter, -1.0)

    assert norm(torch.ones(1, 2, 1, 1)).flatten().tolist() == pytest.approx([1000.0] * 2, rel=1e-3)


def test_a_residual_block_keeps_its_input_after_the_last_activation():
    block = RB(2, 2)
    for parameter in block.parameters():
        torch.nn.init.zeros_(parameter)
    torch.nn.init.constant_(block.body[2].bias, -1.0)
    x = torch.randn(1, 2, 4, 4)

    torch.testing.assert_close(block(x), x - 0.01)


def test_a_residual_block_enlarges():
    assert RBUp(3, 4, 2)(torch.rand(1, 3, 4, 6)).shape == (1, 4, 8, 12)


def test_attention_without_change_is_the_features_and_half_of_their_positive_part():
    """Units of zero are relu(x); b's last convolution of zero opens the gate by half."""
    att = Att(3)
    for parameter in att.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(1, 3, 4, 4)

    torch.testing.assert_close(att(x), x + 0.5 * x.relu())


def deconv_by_hand(layer, masked):
    """Every pixel on its own: what the decoded neighbours give, over how many they are; or the centre tap."""
    x, mask = masked[0, :-1], masked[0, -1]
    taps, bias = layer.taps.weight, layer.taps.bias
    _, height, width = x.shape
    found = torch.zeros(len(bias), height, width, dtype=x.dtype)
    for row in range(height):
        for column in range(width):
            reach = [
                (r, c)
                for r in range(max(row - 2, 0), min(row + 3, height))
                for c in range(max(column - 2, 0), min(column + 3, width))
            ]
            if mask[row, column]:
                found[:, row, column] = x[:, row, column] @ taps[:, :, 2, 2] + bias
                continue
            count = sum(float(mask[place]) for place in reach)
            total = sum(x[:, r, c] @ taps[:, :, row - r + 2, column - c + 2] for r, c in reach)
            found[:, row, column] = (total + bias) / max(count, 1.0)
    return torch.cat([found, mask[None]])[None]


def test_the_masked_deconvolution_is_its_definition():
    layer = MaskedDeconv(3, 4).double()
    mask = (torch.rand(1, 1, 6, 7) < 0.2).double()
    masked = torch.cat([torch.randn(1, 3, 6, 7).double(), mask], dim=1)

    torch.testing.assert_close(layer(masked), deconv_by_hand(layer, masked))


def test_the_count_of_neighbours_ends_at_the_edge_and_has_no_slope():
    mask = torch.ones(1, 1, 6, 6, requires_grad=True)

    count = n_decoded(mask)

    assert (count.max(), count.min()) == (25.0, 9.0)
    assert not count.requires_grad


def test_a_guided_layer_sees_the_top_left_pixels_of_the_first_channels_in_front():
    guide = torch.arange(2 * 64.0).view(1, 2, 8, 8)
    x = torch.full((1, 1, 2, 2), -1.0)

    seen = Guided(torch.nn.Identity(), 1)(x, guide)

    assert seen.tolist() == [[[[0.0, 4.0], [32.0, 36.0]], [[-1.0, -1.0], [-1.0, -1.0]]]]


def test_activations_and_pca_stay_unguided():
    stack = GuidedStack(*guided(3, conv3(5, 2), torch.nn.LeakyReLU(), PCA(2), conv3(5, 1)))

    assert [isinstance(layer, Guided) for layer in stack.layers] == [True, False, False, True]
    assert stack(torch.rand(1, 2, 4, 4), torch.rand(1, 3, 8, 8)).shape == (1, 1, 4, 4)
