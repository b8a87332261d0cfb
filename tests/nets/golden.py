"""The pictures and weights of the golden vectors of published HDR networks, in float64."""

import torch
from torch import nn


def wave(height: int, width: int, channels: int = 3) -> torch.Tensor:
    """0.5 + 0.5 sin(0.3 x + 0.2 y + c), (1, channels, height, width)."""
    sizes = (channels, height, width)
    c, y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float64) for n in sizes), indexing="ij")
    return (0.5 + 0.5 * torch.sin(0.3 * x + 0.2 * y + c))[None]


def sines(shape: torch.Size, k: int) -> torch.Tensor:
    """sin(1 + 0.7 i + 1.3 k) over the flattened index i."""
    index = torch.arange(shape.numel(), dtype=torch.float64)
    return torch.sin(1 + 0.7 * index + 1.3 * k).view(shape)


def fill(net: nn.Module, start: int = 0) -> nn.Module:
    """Fill weights, biases and normalisations in the order of the layers, tensors numbered from start."""
    k = start
    net.double().eval()
    for layer in net.modules():
        is_norm = isinstance(layer, nn.BatchNorm2d)
        for name in ("weight", "bias", "running_mean", "running_var"):
            tensor = getattr(layer, name, None)
            if not isinstance(tensor, torch.Tensor):
                continue
            values = sines(tensor.shape, k)
            if is_norm and name in ("weight", "running_var"):
                tensor.data = 1 + 0.1 * values
            else:
                tensor.data = values * (0.05 if tensor.dim() == 1 else tensor[0].numel() ** -0.5)
            k += 1
    return net


def summary(tensor: torch.Tensor) -> list[float]:
    """Mean, population standard deviation, first, middle and last value of (1, C, H, W)."""
    t = tensor[0]
    c, h, w = t.shape
    mid = t[c // 2, h // 2, w // 2]
    return [float(v) for v in (t.mean(), t.std(correction=0), t[0, 0, 0], mid, t[-1, -1, -1])]


def farthest(picture_of, run, *, length: int, stride: int, height: int) -> int:
    """Give how far to a side one pixel is felt, over all its places in a cell of stride pixels."""
    found = 0
    with torch.inference_mode():
        for place in range(length // 2, length // 2 + stride):
            picture = picture_of(height, length)
            picture[..., place] = 1.0
            felt = run(picture)[0].abs().amax(dim=(0, 1)).nonzero().flatten()
            found = max(found, place - int(felt[0]), int(felt[-1]) - place)
    return found


def positive(net: nn.Module, value: float) -> nn.Module:
    """All weights the same and no bias, in float64: then nothing cancels and no activation is shut."""
    for parameter in net.double().eval().parameters():
        parameter.data.fill_(value if parameter.dim() > 1 else 0.0)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.data.fill_(1.0)
    return net
