"""Photographs step by step, for networks that undo a camera step by step."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from rawtool.arrays import Rgb
from rawtool.color.response import CurveBasis
from rawtool.training.data import Draw, ScenePicker, worker_number
from rawtool.training.ldr_camera import LdrCamera, Photograph, photograph, random_plain_camera
from rawtool.training.ldr_data import random_view, stacked
from rawtool.training.scenes import SceneSet


@dataclass(frozen=True, slots=True)
class StepBatch:
    """Pictures (N, 3, H, W): the decoded JPEG, what the curve gave before 8 bits, clipped light, light.

    curve (N, 1024) is the light at uniform codes. known (N, 1, H, W) is 0 where the scene itself was clipped.
    """

    picture: Tensor
    encoded: Tensor
    clipped: Tensor
    truth: Tensor
    curve: Tensor
    known: Tensor


class StepStream(IterableDataset[StepBatch]):
    """An endless stream of square photographs by cameras that only clip, bend and round."""

    def __init__(self, scenes: SceneSet, draw: Draw, seed: int, basis: CurveBasis | None = None) -> None:
        self.scenes, self.draw, self.seed, self.basis = scenes, draw, seed, basis
        self.pick = ScenePicker(scenes, draw)

    def __iter__(self) -> Iterator[StepBatch]:
        """Yield batches for ever."""
        rng = np.random.default_rng((self.seed, 1179, worker_number()))
        while True:
            yield stack_steps([self._frame(rng) for _ in range(self.draw.batch)])

    def _frame(self, rng: np.random.Generator) -> "Frame":
        at = self.pick(rng)
        shape = (self.draw.crop, self.draw.crop)
        view = random_view(self.scenes.scene(at), self.scenes.entries[at].kind, shape, rng)
        camera = random_plain_camera(rng, self.basis)
        return Frame(photograph(view.light, camera, rng), camera, view.light, view.is_known[None])


@dataclass(frozen=True, slots=True)
class Frame:
    """A photograph, the camera that took it, and the light (H, W, 3) that it was pointed at."""

    taken: Photograph
    camera: LdrCamera
    light: Rgb
    is_known: np.ndarray


def stack_steps(frames: list[Frame]) -> StepBatch:
    """Stack photographs of one shape into tensors."""
    exposed = [frame.taken.exposed for frame in frames]
    pictures = [frame.taken.codes().astype(np.float32) / np.float32(255.0) for frame in frames]
    curves = np.stack([frame.camera.response.inverse for frame in frames]).astype(np.float32)
    return StepBatch(
        stacked(pictures),
        stacked([frame.taken.encoded for frame in frames]),
        stacked([np.minimum(light, np.float32(1.0)) for light in exposed]),
        stacked([frame.light for frame in frames]),
        torch.from_numpy(curves),
        torch.from_numpy(np.stack([frame.is_known for frame in frames]).astype(np.float32)),
    )
