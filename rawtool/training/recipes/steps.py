"""What every recipe's steps have in common: how they begin, go on where they stopped, and hand weights on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.utils.data import IterableDataset

from rawtool.nets.eightbit import RANGE
from rawtool.training.checkpoint import grown, load_checkpoint
from rawtool.training.data import loader
from rawtool.training.loop import Progress, StageJob, StageSettings, train_stage
from rawtool.training.settings import RunConfig, StageConfig, stages_of


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a recipe in the folder of its run; log_every counts optimiser steps."""

    name: str
    config: RunConfig
    out: Path
    is_resumed: bool
    log_every: int = 25

    @property
    def stage(self) -> StageConfig:
        """How long, how fast, on what batches."""
        return stages_of(self.config)[self.name]

    def begin(self) -> int:
        """Seed what is random in the networks, and give the seed of the batches."""
        torch.manual_seed(self.config.seed)
        last = self.out / f"{self.name}-last.pt"
        n_done = load_checkpoint(last).step if self.is_resumed and last.exists() else 0
        return seed_after(n_done, self.config.seed)

    def train(self, fabric: Fabric, job: StageJob, stream: IterableDataset[Any]) -> Progress:
        """Train a job on the batches of a stream and leave the checkpoints of the step in ``out``."""
        settings = StageSettings(
            self.name,
            self.stage.steps,
            self.stage.minutes,
            self.stage.rate,
            self.stage.optimiser,
            validate_every_s=self.config.validate_every_s,
            log_every=min(self.log_every, self.stage.steps),
        )
        batches = loader(stream, self.config.workers)
        return train_stage(fabric, job, batches, settings, self.out, resume=self.is_resumed)


def seed_after(n_done: int, seed: int) -> int:
    """Give the seed of the batches after n_done steps: a resumed step must not learn the same ones again."""
    return seed + 1_000_003 * n_done


def with_weights(network: nn.Module, out: Path, stage: str, kind: str = "best") -> nn.Module:
    """Give a network the averaged weights of a step, those that were best or last.

    Ranges of eight bits may be unknown: what the step began with had none.
    """
    found, own = load_checkpoint(out / f"{stage}-{kind}.pt").average, network.state_dict()
    ranges = {name: value for name, value in own.items() if name.endswith(RANGE)}
    network.load_state_dict(ranges | grown(found, own))
    return network
