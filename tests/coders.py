"""A codec's network with random weights that speak, its files, and a slow reference on int64."""

from functools import cache

import numpy as np

from rawtool.arrays import AnyArray

N_CLASSES = 64


@cache
def network(seed: int = 3):
    """A network of size s whose groups, means and steps all vary."""
    import torch

    from rawtool.nets.raw_metadata_s import RawMetadataS

    torch.manual_seed(seed)
    return RawMetadataS().eval()


def pair(height: int, width: int, seed: int = 0) -> tuple[AnyArray, AnyArray]:
    """Planes (h, w, 4) and a guide (2h, 2w, 3) of the same smooth light, the guide as its square root."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 2 * height, 0 : 2 * width] / 24.0
    light = 0.45 + 0.4 * np.sin(x + rng.uniform(0, 6)) * np.cos(0.7 * y + rng.uniform(0, 6))
    noisy = light + 0.01 * rng.standard_normal(light.shape)
    planes = np.stack([noisy[0::2, 0::2], noisy[0::2, 1::2], noisy[1::2, 0::2], noisy[1::2, 1::2]], axis=-1)
    guide = np.repeat(np.rint(255 * np.sqrt(light))[..., None], 3, axis=2)
    return planes.astype(np.float32), guide.astype(np.uint8)


def convolved(x: AnyArray, weight: AnyArray, bias: AnyArray) -> AnyArray:
    """Sum in int64: x (C, H, W), weight (D, C, k, k), zeros outside."""
    reach = weight.shape[-1] // 2
    padded = np.pad(x, [(0, 0), (reach, reach), (reach, reach)])
    total = np.zeros((len(weight), *x.shape[1:]), np.int64) + bias[:, None, None]
    for row in range(weight.shape[-1]):
        for column in range(weight.shape[-1]):
            seen = padded[:, row : row + x.shape[1], column : column + x.shape[2]]
            total += np.einsum("dc,chw->dhw", weight[..., row, column], seen)
    return total


def rescaled(sums: AnyArray, low: int, high: int) -> AnyArray:
    """Divide by 64, round half up, clamp: whole numbers only."""
    return np.clip((sums + 32) // 64, low, high)


def numbers(layer) -> tuple[AnyArray, AnyArray]:
    """Weights and biases of an exact layer as int64."""
    weight = np.clip(np.rint(64.0 * layer.weight.detach().double().numpy()), -63, 63)
    return weight.astype(np.int64), np.rint(1024.0 * layer.bias.detach().double().numpy()).astype(np.int64)


def layer_of(layer, x: AnyArray) -> AnyArray:
    """An exact layer on int64."""
    return rescaled(convolved(x, *numbers(layer)), layer.low, layer.high)


def gaussians_of(level, values: AnyArray, mask: AnyArray, notes: AnyArray) -> tuple[AnyArray, ...]:
    """The probabilities of a level on int64: mean, step, class; arrays are (C, H, W)."""
    known = np.clip(values // 4, -127, 127) * mask
    sums = (convolved(known, *numbers(level.context.conv)) + 32) // 64
    ones = np.ones((1, 1, *level.context.conv.weight.shape[2:]), np.int64)
    count = np.maximum(convolved(mask, ones, np.zeros(1, np.int64)), 1)
    context = np.clip((8 * sums + count) // (2 * count), 0, 127)
    x = layer_of(level.hidden_1, np.concatenate([notes, context, 64 * mask]))
    mean, scale, step = np.split(layer_of(level.out, layer_of(level.hidden_2, x)), 3)
    index = np.clip((step + 8) // 16, -2, 2)
    steps = np.array([8, 11, 16, 23, 32])[index + 2]
    return mean, steps, np.clip(scale + N_CLASSES // 2, 0, N_CLASSES - 1)


def groups_of(level, notes: AnyArray) -> AnyArray:
    """The order of a level on int64: (1, H, W)."""
    mask = np.zeros_like(notes[:1])
    group = np.zeros_like(mask)
    for _ in range(3):
        logits = layer_of(level.order_2, layer_of(level.order_1, np.concatenate([notes, 64 * mask])))
        mask = np.maximum(mask, logits[:1] >= logits[1:])
        group = group + (1 - mask)
    return group
