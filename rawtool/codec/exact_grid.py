"""The order in which samples are coded, and which neighbours of a sample are known by then.

A mosaic comes apart into planes, one for each position of its cell (a picture: one for each channel), which
are coded one after the other. A plane is coded from coarse to fine: first every 2^n-th sample of every
2^n-th row, then level by level the samples between, in three passes: where four known ones form a square
around it, then those between two in a row, then those between two in a column.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from rawtool.arrays import AnyArray

MARGIN = 2
"""How many samples beyond its edges a coded plane repeats them."""

_COARSEST_SIDE = 24
_MAX_SPACING_BITS = 7
_OWN_REACH = 3
N_NEIGHBOURS = 20
N_NEAREST = 4


@dataclass(frozen=True, slots=True)
class Site:
    """Where a plane's samples lie: its channel, and row and column in a cell of n_rows x n_columns."""

    row: int
    column: int
    channel: int
    n_rows: int
    n_columns: int


@dataclass(frozen=True, slots=True)
class Pass:
    """Samples of a plane that are coded at once: every `stride`-th row from row * spacing on, and so columns.

    In the coarsest pass of a plane row and column are 0 and stride is the spacing, else twice the spacing.
    """

    spacing: int
    row: int
    column: int
    stride: int

    @property
    def is_coarsest(self) -> bool:
        """Whether nothing of the plane is known yet."""
        return self.stride == self.spacing

    def slices(self, margin: int = 0, shift: tuple[int, int] = (0, 0)) -> tuple[slice, slice]:
        """Return where its samples lie in a plane that has a margin; shifted by whole samples."""
        top = self.row * self.spacing + margin + shift[0]
        left = self.column * self.spacing + margin + shift[1]
        return slice(top, None, self.stride), slice(left, None, self.stride)

    def shape(self, plane_shape: tuple[int, int]) -> tuple[int, int]:
        """Return its rows and columns."""
        top, left = self.row * self.spacing, self.column * self.spacing
        height, width = plane_shape
        return max(-(-(height - top) // self.stride), 0), max(-(-(width - left) // self.stride), 0)


def passes_of(plane_shape: tuple[int, int]) -> list[Pass]:
    """Return the passes over a plane of this shape in the order of coding; some may be empty."""
    n_bits = min(max((max(plane_shape) - 1) // _COARSEST_SIDE, 0).bit_length(), _MAX_SPACING_BITS)
    spacings = [1 << bits for bits in range(n_bits - 1, -1, -1)]
    between = [Pass(s, row, column, 2 * s) for s in spacings for row, column in ((1, 1), (0, 1), (1, 0))]
    return [Pass(1 << n_bits, 0, 0, 1 << n_bits), *between]


def own_offsets(which: Pass) -> list[tuple[int, int]]:
    """Return where known samples of the same plane lie, in steps of the spacing, the nearest first."""
    if which.is_coarsest:
        return []
    reach = range(-_OWN_REACH, _OWN_REACH + 1)
    offsets = [(dy, dx) for dy, dx in product(reach, reach) if _is_known(which, dy, dx)]
    return sorted(offsets, key=lambda offset: (offset[0] ** 2 + offset[1] ** 2, offset))


def _is_known(which: Pass, dy: int, dx: int) -> bool:
    """Tell whether the sample at this offset was coded in a pass before this one."""
    order = ((0, 0), (1, 1), (0, 1), (1, 0))
    return order.index(((which.row + dy) % 2, (which.column + dx) % 2)) < order.index(
        (which.row, which.column)
    )


def other_offsets(site: Site, others: list[Site]) -> list[tuple[int, int, int]]:
    """Return where samples of planes that are coded already lie: number of the plane and rows, columns.

    Offsets are in samples of a plane; the nearest in the mosaic come first.
    """
    reach = range(-MARGIN, MARGIN + 1)
    offsets = list(product(range(len(others)), reach, reach))
    return sorted(offsets, key=lambda offset: (_squared_distance(site, others[offset[0]], offset), offset))


def _squared_distance(site: Site, other: Site, offset: tuple[int, int, int]) -> int:
    down = offset[1] * site.n_rows + other.row - site.row
    right = offset[2] * site.n_columns + other.column - site.column
    return down * down + right * right


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Which known samples a pass is predicted from: own (rows, columns), others (plane, rows, columns)."""

    own: tuple[tuple[int, int], ...]
    others: tuple[tuple[int, int, int], ...]


def neighbours_of(which: Pass, site: Site, others: list[Site]) -> Neighbours:
    """Choose the nearest known samples, among them the nearest four of the plane itself."""
    own, beside = own_offsets(which), other_offsets(site, others)
    n_near = len(own[:N_NEAREST])
    far = [(_own_squared_distance(site, which.spacing, offset), 0) for offset in own[n_near:]]
    far += [(_squared_distance(site, others[offset[0]], offset), 1) for offset in beside]
    kinds = [kind for _, kind in sorted(far)[: N_NEIGHBOURS - n_near]]
    return Neighbours(tuple(own[: n_near + kinds.count(0)]), tuple(beside[: kinds.count(1)]))


def _own_squared_distance(site: Site, spacing: int, offset: tuple[int, int]) -> int:
    return spacing**2 * ((offset[0] * site.n_rows) ** 2 + (offset[1] * site.n_columns) ** 2)


# Arrays.


def sites_of(cell_shape: tuple[int, int], n_channels: int) -> list[Site]:
    """Return the planes of a mosaic row by row of its cell, or those of a picture channel by channel."""
    n_rows, n_columns = cell_shape
    places = product(range(n_rows), range(n_columns), range(n_channels))
    return [Site(row, column, channel, n_rows, n_columns) for row, column, channel in places]


def plane_shape(shape: tuple[int, ...], cell_shape: tuple[int, int]) -> tuple[int, int]:
    """Return rows and columns of the planes of samples (H, W) or (H, W, C): one for each begun cell."""
    return -(-shape[0] // cell_shape[0]), -(-shape[1] // cell_shape[1])


def cut_plane(samples: AnyArray, site: Site, shape: tuple[int, int]) -> AnyArray:
    """Return a plane of samples (H, W, C); where a cell is cut off, the last sample is repeated."""
    plane = samples[site.row :: site.n_rows, site.column :: site.n_columns, site.channel]
    if not plane.size:
        return np.broadcast_to(samples[-1:, -1:, site.channel], shape)
    missing = [(0, whole - length) for whole, length in zip(shape, plane.shape, strict=True)]
    return np.pad(plane, missing, mode="edge") if any(after for _, after in missing) else plane


def paste_plane(samples: AnyArray, site: Site, plane: AnyArray) -> None:
    """Put a plane back where `cut_plane` took it from."""
    place = samples[site.row :: site.n_rows, site.column :: site.n_columns, site.channel]
    place[...] = plane[: place.shape[0], : place.shape[1]]


def with_margin(plane: AnyArray, margin: int = MARGIN) -> AnyArray:
    """Return a copy whose edges are repeated."""
    return np.pad(plane, margin, mode="edge")
