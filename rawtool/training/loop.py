"""The training loop, on Lightning Fabric: several devices and bf16 are flags, not code.

One stage at a time: Adam or Muon, cosine schedule with a short warm-up, gradient clipping, an exponential
moving average of the weights that is what gets validated, saved as best and exported. It stops cleanly
at ``max_steps``, ``max_minutes`` or SIGINT, always with a checkpoint.
"""

import json
import logging
import math
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import Field, dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from rawtool.errors import ConfigError
from rawtool.training.checkpoint import Checkpoint, begun, grown, load_checkpoint, save_checkpoint
from rawtool.training.optimisers import ADAM, optimisers

log = logging.getLogger(__name__)


@runtime_checkable
class Batch(Protocol):
    """A dataclass whose fields are tensors."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


AnyBatch = TypeVar("AnyBatch", bound=Batch)


@dataclass(frozen=True, slots=True)
class StageSettings:
    """How long and how fast one stage trains. Minutes bound the whole stage, resumed parts included.

    When ``max_minutes`` ends a stage before ``max_steps``, the schedule follows the clock instead, so
    that the rate still falls to its end.
    """

    name: str
    max_steps: int
    max_minutes: float
    rate: float
    optimiser: str = ADAM
    final_rate: float = 0.02
    warmup_steps: int = 200
    average_decay: float = 0.999
    validate_every_s: float = 240.0
    log_every: int = 50


class Progress:
    """Where a stage stands; it changes while the stage trains."""

    def __init__(self, step: int = 0, seconds: float = 0.0, best: float = -math.inf) -> None:
        self.step, self.seconds, self.best = step, seconds, best
        self.is_stopped = False


@dataclass(frozen=True, slots=True)
class StageJob:
    """A network, its loss on a batch, and its score on held-out scenes (higher is better)."""

    network: nn.Module
    loss: Callable[[nn.Module, Any], Tensor]
    validate: Callable[[nn.Module], dict[str, float]]
    pixels: Callable[[Any], int]


def train_stage(
    fabric: Fabric, job: StageJob, batches: Iterable[Any], settings: StageSettings, out: Path, *, resume: bool
) -> Progress:
    """Train one stage and leave ``NAME-last.pt`` and ``NAME-best.pt`` in ``out``."""
    state = _State(fabric, job, settings, out)
    if resume and state.path("last").exists():
        state.load()
    with _stop_on_signal(state.progress):
        for batch in batches:
            if state.is_done():
                break
            state.learn(batch)
        state.validate()
    state.save("last")
    return state.progress


class _State:
    """Everything that changes while a stage trains."""

    def __init__(self, fabric: Fabric, job: StageJob, settings: StageSettings, out: Path) -> None:
        self.fabric, self.job, self.settings, self.out = fabric, job, settings, out
        self.progress = Progress()
        made = optimisers(job.network, settings.optimiser, settings.rate)
        self.network, *ready = fabric.setup(job.network, *made.values())
        self.optimisers = dict(zip(made, ready, strict=True))
        self.average = {k: v.detach().clone().float() for k, v in job.network.state_dict().items()}
        self.started = self.validated = time.monotonic()
        self.window: tuple[float, int, list[float]] = (time.monotonic(), 0, [])

    def path(self, kind: str) -> Path:
        return self.out / f"{self.settings.name}-{kind}.pt"

    def is_done(self) -> bool:
        """Tell whether steps, minutes or a signal end the stage."""
        return self.progress.is_stopped or self.share() >= 1.0

    def share(self) -> float:
        """Give the share of the stage that is over, by steps or by the clock, whichever is further."""
        seconds = self.progress.seconds + time.monotonic() - self.started
        by_clock = seconds / (60.0 * self.settings.max_minutes)
        return max(self.progress.step / self.settings.max_steps, by_clock)

    def learn(self, batch: Batch) -> None:
        """Take one step and keep the books."""
        rate = self._rate()
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = rate
        loss = self.job.loss(self.network, _to_device(self.fabric, batch))
        self.fabric.backward(loss)
        any_of_them = next(iter(self.optimisers.values()))
        self.fabric.clip_gradients(self.network, any_of_them, max_norm=1.0, error_if_nonfinite=False)
        for optimiser in self.optimisers.values():
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self._follow_average()
        self.progress.step += 1
        self._log(float(loss.detach()), rate, self.job.pixels(batch))
        if time.monotonic() - self.validated > self.settings.validate_every_s:
            self.validate()
            self.save("last")

    def _rate(self) -> float:
        """Give the learning rate: linear warm-up, then half a cosine down to final_rate of the start."""
        s = self.settings
        warm = min(1.0, (self.progress.step + 1) / s.warmup_steps)
        cosine = 0.5 * (1.0 + math.cos(math.pi * min(1.0, self.share())))
        return s.rate * warm * (s.final_rate + (1.0 - s.final_rate) * cosine)

    def _follow_average(self) -> None:
        """Move the average towards the weights, faster while it is young."""
        decay = min(self.settings.average_decay, (1 + self.progress.step) / (10 + self.progress.step))
        with torch.no_grad():
            for name, value in self.network.module.state_dict().items():
                self.average[name].lerp_(value.float(), 1.0 - decay)

    def _log(self, loss: float, rate: float, n_pixels: int) -> None:
        start, pixels, losses = self.window
        losses = [*losses, loss]
        self.window = (start, pixels + n_pixels, losses)
        if self.progress.step % self.settings.log_every:
            return
        seconds = max(time.monotonic() - start, 1e-9)
        self._write(
            {
                "loss": sum(losses) / len(losses),
                "rate": rate,
                "pixels_per_s": (pixels + n_pixels) / seconds,
            }
        )
        self.window = (time.monotonic(), 0, [])

    def _write(self, numbers: dict[str, float]) -> None:
        """Append a line to the log."""
        minutes = (self.progress.seconds + time.monotonic() - self.started) / 60.0
        row = {
            "stage": self.settings.name,
            "step": self.progress.step,
            "minutes": round(minutes, 3),
            **numbers,
        }
        with (self.out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")

    def validate(self) -> None:
        """Score the averaged weights and keep them when they are the best so far."""
        network = self.network.module
        kept = {k: v.detach().clone() for k, v in network.state_dict().items()}
        network.load_state_dict(self.average)
        network.eval()
        with torch.no_grad():
            scores = self.job.validate(network)
        network.load_state_dict(kept)
        network.train()
        self._write(scores)
        if scores["score"] > self.progress.best:
            self.progress.best = scores["score"]
            self.save("best")
        self.validated = time.monotonic()
        self.window = (time.monotonic(), 0, [])

    def save(self, kind: str) -> None:
        """Write a checkpoint."""
        seconds = self.progress.seconds + time.monotonic() - self.started
        weights = {k: v.detach().cpu() for k, v in self.network.module.state_dict().items()}
        average = {k: v.cpu() for k, v in self.average.items()}
        checkpoint = Checkpoint(
            self.settings.name,
            self.progress.step,
            seconds,
            self.progress.best,
            weights,
            average,
            {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
        )
        save_checkpoint(self.path(kind), checkpoint)

    def load(self) -> None:
        """Go on where the last checkpoint stands; an optimiser that it does not know begins anew.

        Raises:
            ConfigError: the weights are another network's.
        """
        found = load_checkpoint(self.path("last"))
        wanted = self.network.module.state_dict()
        weights, average = (grown(each, wanted) for each in (found.weights, found.average))
        if found.step == 0:
            weights, anew = begun(found.weights, wanted)
            average, _ = begun(found.average, wanted)
            self.say_anew(anew, len(wanted))
        try:
            self.network.module.load_state_dict(weights)
        except RuntimeError as error:
            raise self.other_network() from error
        for name, optimiser in self.optimisers.items():
            if name in found.optimisers:
                optimiser.load_state_dict(found.optimisers[name])
        self.average = {k: v.to(self.fabric.device).float() for k, v in average.items()}
        self.progress = Progress(found.step, found.seconds, found.best)

    def say_anew(self, anew: list[str], n_wanted: int) -> None:
        """Name the weights that a start does not have, as long as they are the fewer."""
        if 2 * len(anew) > n_wanted:
            raise self.other_network()
        if anew:
            log.warning("%s begins anew with: %s", self.settings.name, ", ".join(anew))

    def other_network(self) -> ConfigError:
        """Say that the last checkpoint does not fit."""
        return ConfigError(
            f"{self.path('last')} holds the weights of another network; begin a new run, "
            "with --from a run or model of the same network or without"
        )


def _to_device(fabric: Fabric, batch: AnyBatch) -> AnyBatch:
    """Move the tensors of a batch dataclass; pictures become channels-last."""
    moved: dict[str, Tensor] = {}
    for part in fields(batch):
        tensor = getattr(batch, part.name).to(fabric.device, non_blocking=True)
        is_picture = tensor.ndim == 4
        moved[part.name] = tensor.contiguous(memory_format=torch.channels_last) if is_picture else tensor
    return replace(batch, **moved)


@contextmanager
def _stop_on_signal(progress: Progress) -> Iterator[None]:
    """Let the first SIGINT or SIGTERM end the stage after the current step."""

    def stop(_signal: int, _frame: object) -> None:
        progress.is_stopped = True

    kept = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
