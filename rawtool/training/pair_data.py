"""Pairs to finishing batches: crops of restored light and of what the photographer made of it."""

from collections.abc import Iterator

import numpy as np
import torch
from torch.utils.data import IterableDataset

from rawtool.arrays import AnyArray
from rawtool.errors import ConfigError
from rawtool.training.data import Draw, EnhanceBatch, channels_first, worker_number
from rawtool.training.pairs import PairSet, Window
from rawtool.training.recipes.validation import middle_of

VALIDATION_SIDE = 512
_CODES = np.float32(1.0 / 65535.0)


class PairStream(IterableDataset[EnhanceBatch]):
    """An endless stream of finishing batches from the pairs to train on, frames drawn evenly.

    Raises:
        ConfigError: no pair is as large as the crop.
    """

    def __init__(self, pairs: PairSet, draw: Draw, seed: int) -> None:
        fitting = [w for w in pairs.split(is_validation=False) if min(w.height, w.width) >= draw.crop]
        if not fitting:
            raise ConfigError(f"no pair to train on is {draw.crop} pixels large; set enhance.crop lower")
        self.pairs, self.draw, self.seed = pairs, draw, seed
        self.by_frame = [[w for w in fitting if w.pair == n] for n in sorted({w.pair for w in fitting})]

    def __iter__(self) -> Iterator[EnhanceBatch]:
        """Yield batches for ever."""
        rng = np.random.default_rng((self.seed, 55, worker_number()))
        while True:
            rows = [self._sample(rng) for _ in range(self.draw.batch)]
            yield EnhanceBatch(*(torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True)))

    def _sample(self, rng: np.random.Generator) -> tuple[AnyArray, ...]:
        windows = self.by_frame[rng.integers(len(self.by_frame))]
        window = windows[rng.integers(len(windows))]
        side = self.draw.crop
        top, left = (int(rng.integers(0, n - side + 1)) for n in (window.height, window.width))
        area = (slice(top, top + side), slice(left, left + side))
        light, codes = (picture[area] for picture in self.pairs.pictures(window))
        n_turns, is_mirrored = int(rng.integers(4)), bool(rng.random() < 0.5)
        return tuple(
            channels_first(_turned(each, n_turns, is_mirrored=is_mirrored))
            for each in (light, self.pairs.thumbnails[window.pair], _decoded(codes))
        )


def pair_cases(pairs: PairSet) -> list[EnhanceBatch]:
    """Give the middle of a window of every held-out frame: what the best weights are chosen by."""
    held = {window.pair: window for window in pairs.split(is_validation=True)}
    return [_case(pairs, window) for window in held.values()]


def _case(pairs: PairSet, window: Window) -> EnhanceBatch:
    light, codes = (middle_of(picture, VALIDATION_SIDE) for picture in pairs.pictures(window))
    rows = (light, pairs.thumbnails[window.pair], _decoded(codes))
    return EnhanceBatch(*(torch.from_numpy(channels_first(row)[None]) for row in rows))


def _decoded(codes: AnyArray) -> AnyArray:
    return codes.astype(np.float32) * _CODES


def _turned(picture: AnyArray, n_turns: int, *, is_mirrored: bool) -> AnyArray:
    return np.rot90(picture[:, ::-1] if is_mirrored else picture, n_turns)
