"""Restore-Net over a whole frame, tile by tile: balanced samples to scene-linear light."""

import numpy as np

from rawtool.arrays import AnyArray, Layers, Rgb
from rawtool.color.matrices import SRGB_FROM_XYZ, apply_matrix
from rawtool.errors import ModelContractError
from rawtool.frames import Cfa
from rawtool.pipelines.clock import Clock, share_done
from rawtool.pipelines.light import Light
from rawtool.pipelines.prepare import restore_window
from rawtool.pipelines.scratch import release, scratch
from rawtool.pipelines.settings import DevelopSettings
from rawtool.runtime.network import Network, find_terms, run_network
from rawtool.vocabulary import GlobalPass, Space


def restore(
    samples: AnyArray,
    cfa: Cfa | None,
    light: Light,
    network: Network,
    settings: DevelopSettings,
    clock: Clock,
) -> Rgb:
    """Restore balanced samples to scene-linear RGB (H, W, 3), Rec.709 primaries, unbounded.

    The settings' strength blends the network's XYZ with that of the initial demosaic. The result has the
    samples' own rows and columns, mirrored lines included.
    """
    _check_contract(network)
    shape = (int(samples.shape[0]), int(samples.shape[1]))
    channels = network.card.channels_in
    strength = settings.strength / 100.0
    is_grey = cfa is None and samples.ndim == 2

    def read(top: int, left: int, height: int, width: int) -> Layers:
        area = (top, left, height, width)
        return restore_window(samples, cfa, light.xyz_from_balanced, area)[..., :channels]

    # In planes, as networks take and give them.
    rgb = np.moveaxis(scratch((3, *shape)), 0, 2)

    def keep(top: int, left: int, block: Layers) -> None:
        height, width = block.shape[:2]
        if strength < 1.0:
            plain = read(top, left, height, width)[..., :3]
            block = plain + np.float32(strength) * (block - plain)
        # What was seen without colours stays grey: of its XYZ the luminance counts.
        light_of_tile = block[..., 1:2] if is_grey else apply_matrix(SRGB_FROM_XYZ, block)
        rgb[top : top + height, left : left + width] = light_of_tile
        release(rgb)
        release(samples)
        clock.tile(share_done(top, left, block, shape), 0.7)

    terms = light.terms
    if network.card.global_pass is GlobalPass.EXACT:
        terms = find_terms(network, read, shape, terms.condition, settings.tile)
    run_network(network, read, keep, shape, terms=terms, tile=settings.tile)
    return rgb


def _check_contract(network: Network) -> None:
    """Refuse a network that does not take and give white-balanced XYZ."""
    card = network.card
    fits = card.input.space is Space.XYZ and card.output.space is Space.XYZ and card.input.is_balanced
    if not fits:
        raise ModelContractError(
            f"{card.name} does not restore white-balanced XYZ; choose another with --model"
        )
