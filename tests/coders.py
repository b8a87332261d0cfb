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
    made = RawMetadataS().eval()
    for level in (made.z_level, made.y_level):
        # Training begins without means, steps and an order of places.
        torch.nn.init.kaiming_normal_(level.out.weight, nonlinearity="relu")
        torch.nn.init.kaiming_normal_(level.order_2.weight, nonlinearity="relu")
        with torch.no_grad():
            level.out.weight.mul_(0.2)
    return made


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
    """The order of a level on int64, place by place: (1, H, W)."""
    scores = layer_of(level.order_2, layer_of(level.order_1, notes))[0]
    group = np.zeros_like(scores)
    places = [(0, 0), (1, 1), (0, 1), (1, 0)]
    for top in range(0, scores.shape[0], 2):
        for left in range(0, scores.shape[1], 2):
            # Python's sort keeps the order of equal scores.
            turns = sorted(places, key=lambda at: -scores[top + at[0], left + at[1]])
            for turn, (down, right) in enumerate(turns):
                group[top + down, left + right] = turn
    return group[None]


def seen(guide: AnyArray, size: int) -> AnyArray:
    """What is seen at every place of a guide (2h, 2w, 3), by definition: (9, h / size, w / size)."""
    side = 2 * size
    found = np.zeros((9, guide.shape[0] // side, guide.shape[1] // side), np.int64)
    for row in range(found.shape[1]):
        for column in range(found.shape[2]):
            block = guide[side * row :, side * column :][:side, :side].astype(np.int64)
            cells = block.reshape(size, 2, size, 2, 3).sum(axis=(1, 3))
            fine = np.abs(block[:, 0::2] - block[:, 1::2]).sum(axis=(0, 1))
            fine += np.abs(block[0::2] - block[1::2]).sum(axis=(0, 1))
            coarse = np.abs(cells[:, 0::2] - cells[:, 1::2]).sum(axis=(0, 1))
            coarse += np.abs(cells[0::2] - cells[1::2]).sum(axis=(0, 1))
            mean = (block.sum(axis=(0, 1)) + side**2 // 2) // side**2 // 2
            differences = np.concatenate([fine, coarse]) // size**2
            found[:, row, column] = np.concatenate([mean, np.minimum(differences, 127)])
    return found
