"""Weights for J4 under which something is sent in every group: for tests of what holds for any weights."""

import torch

from rawtool.nets.raw_metadata_groups import GroupCoder


def lively(net, seed=0):
    """Draw weights anew, such that scales are about 1."""
    torch.manual_seed(seed)
    for parameter in net.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.8 * parameter[0].numel() ** -0.5)
    for part in net.modules():
        if isinstance(part, GroupCoder):
            part.entropy.layers[-1].layer.bias.data[: part.plan.latents] = 1.0
    return net.eval()


def with_every_nth_pixel(net):
    """Give a network whose groups have pixels for sure: every n-th one, counted by rows."""
    for part in net.modules():
        if isinstance(part, GroupCoder):
            part.groups = _in_turn(part.plan.n_groups)
    return net


def _in_turn(n_groups):
    def groups(params, _guide):
        n, _, height, width = params.shape
        turn = torch.arange(height * width).view(1, height, width) % n_groups
        return torch.stack([turn == i for i in range(n_groups)], dim=1).to(params.dtype).expand(n, -1, -1, -1)

    return groups
