"""The walk over the planes and passes of a picture, the same for the encoder and the decoder."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.codec import exact_grid, exact_levels
from rawtool.codec.exact_grid import Pass, Site
from rawtool.codec.exact_model import Expectation, Plane, Surroundings, look_around

N_KNOTS = 17
"""Bends of the line that turns a channel of the guide into ranks: every 16 codes."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is coded: samples (H, W, C), the cell, the planes' order and their levels, the guide if any."""

    shape: tuple[int, int, int]
    cell_shape: tuple[int, int]
    order: tuple[int, ...]
    levels: tuple[AnyArray, ...]
    guide: AnyArray | None

    @property
    def sites(self) -> list[Site]:
        """The sites of the planes in the order of coding."""
        sites = exact_grid.sites_of(self.cell_shape, self.shape[2])
        return [sites[number] for number in self.order]

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Rows and columns of a plane."""
        return exact_grid.plane_shape(self.shape, self.cell_shape)


@runtime_checkable
class Coder(Protocol):
    """What the walk asks of its side: the encoder knows it and writes it down, the decoder reads it."""

    def knots(self, number: int, guide: AnyArray) -> AnyArray:
        """Return the bends, int32 (3, N_KNOTS), for a plane's guide, uint8 (h, w, 3)."""
        ...

    def residuals(self, number: int, around: Surroundings, which: Pass) -> tuple[Expectation, AnyArray]:
        """Return what is expected of a pass over a plane, and what the truth is off that, int32."""
        ...


def walk(scene: Scene, coder: Coder) -> Iterator[AnyArray]:
    """Go through planes and passes, and return the ranks of each plane, int32 (h, w), when it is done."""
    passes = exact_grid.passes_of(scene.plane_shape)
    sites, done = scene.sites, list[tuple[AnyArray, AnyArray]]()
    for number, site in enumerate(sites):
        plane = _fresh_plane(scene, coder, number, passes[0].spacing)
        others = [_seen_from(scene.levels[number], samples, sizes) for samples, sizes in done]
        for which in passes:
            if len(scene.levels[number]) > 1 and all(which.shape(scene.plane_shape)):
                neighbours = exact_grid.neighbours_of(which, site, sites[:number])
                around = look_around(plane, others, which, neighbours)
                expected, off = coder.residuals(number, around, which)
                plane.ranks[which.slices()] = expected.ranks + off
                plane.sizes[which.slices()] = np.abs(off)
        yield plane.ranks
        samples = scene.levels[number][plane.ranks]
        done.append((exact_grid.with_margin(samples), exact_grid.with_margin(plane.sizes)))


def _seen_from(levels: AnyArray, samples: AnyArray, sizes: AnyArray) -> Plane:
    """Return a finished plane with the ranks that its samples would have in another one."""
    return Plane(exact_levels.ranks_beyond(samples, levels), sizes, None, 0)


def _fresh_plane(scene: Scene, coder: Coder, number: int, margin: int) -> Plane:
    """Return a plane of which nothing is known but the guide."""
    ranks = np.zeros(scene.plane_shape, np.int32)
    if scene.guide is None:
        return Plane(ranks, np.zeros_like(ranks), None, 0)
    guide = cut_guide(scene.guide, scene.sites[number], scene.plane_shape)
    bent = bend(guide, coder.knots(number, guide))
    return Plane(ranks, np.zeros_like(ranks), exact_grid.with_margin(bent, margin), margin)


def cut_guide(guide: AnyArray, site: Site, shape: tuple[int, int]) -> AnyArray:
    """Return the guide at the samples of a plane, uint8 (h, w, 3)."""
    channels = [replace(site, channel=channel) for channel in range(3)]
    return np.stack([exact_grid.cut_plane(guide, place, shape) for place in channels], axis=2)


def bend(guide: AnyArray, knots: AnyArray) -> AnyArray:
    """Turn a guide (h, w, 3) into ranks int32 (h, w): the sum of a bent line for each channel."""
    codes = np.arange(256)
    first, rest = codes >> 4, codes & 15
    lines = (knots[:, first] * (16 - rest) + knots[:, first + 1] * rest + 8 >> 4).astype(np.int32)
    return lines[0][guide[..., 0]] + lines[1][guide[..., 1]] + lines[2][guide[..., 2]]


def choose_order(samples: AnyArray, cell_shape: tuple[int, int]) -> tuple[int, ...]:
    """Choose the order of the planes of samples (H, W, C): first those that tell most of the others.

    These are the greens. Which diagonal of a Bayer cell is green shows in how alike its planes are.
    """
    if samples.shape[2] == 3:
        return 1, 0, 2
    if cell_shape != (2, 2):
        return tuple(range(cell_shape[0] * cell_shape[1]))
    shape = exact_grid.plane_shape(samples.shape, cell_shape)
    sites = exact_grid.sites_of(cell_shape, 1)
    planes = [exact_grid.cut_plane(samples, site, shape)[::4, ::4].astype(np.int64) for site in sites]
    rising, falling = np.abs(planes[1] - planes[2]).sum(), np.abs(planes[0] - planes[3]).sum()
    return (1, 2, 0, 3) if rising <= falling else (0, 3, 1, 2)
