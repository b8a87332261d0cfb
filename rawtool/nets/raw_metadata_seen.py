"""What is seen of a picture at every place of the latents, in whole numbers."""

import torch
from torch import Tensor
from torch.nn import functional as F

N_SEEN = 9
"""What a small guide says of a place, three colours each: mean, fine and coarse differences."""

MOST_SEEN = 127.0


def small_guide(guide: Tensor, size: int) -> Tensor:
    """Give what is seen of a guide (N, 12, h, w) of 8-bit codes at every place: (N, 9, h / size, w / size).

    A place is size x size cells of four photosites. Whole numbers from 0 to 127, of three colours each: the
    mean, rounded, in halves and cut; four times the mean difference of neighbours in a cell, cut; and that of
    the means of cells, even ones against the odd ones after them.
    """
    n, _, height, width = guide.shape
    sites = guide.reshape(n, 4, 3, height, width)
    means = _summed(sites.sum(dim=1), size)
    pairs = ((0, 1), (2, 3), (0, 2), (1, 3))
    fine = torch.stack([(sites[:, a] - sites[:, b]).abs() for a, b in pairs]).sum(dim=0)
    cells = sites.sum(dim=1)
    rows = (cells[:, :, 0::2] - cells[:, :, 1::2]).abs()
    columns = (cells[..., 0::2] - cells[..., 1::2]).abs()
    coarse = _summed(rows, (size // 2, size)) + _summed(columns, (size, size // 2))
    count = 4 * size**2
    return torch.cat(
        [
            torch.floor(torch.floor(means / count + 0.5) / 2.0),
            torch.floor(_summed(fine, size) / size**2).clamp(max=MOST_SEEN),
            torch.floor(coarse / size**2).clamp(max=MOST_SEEN),
        ],
        dim=1,
    )


def _summed(x: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Add up the whole numbers of every block of a size."""
    height, width = (size, size) if isinstance(size, int) else size
    return F.avg_pool2d(x, (height, width)) * (height * width)
