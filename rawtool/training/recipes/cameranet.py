"""CameraNet's three steps: restore, enhance, joint.

Steps 1 and 2 are independent: the enhancement learns from the *true* restoration. Step 3 tunes both
with the paper's joint loss. The best averaged weights of a step begin the next. Steps may be left out, and
with a balance of 0 both networks learn from the finished picture alone, as one: the paper's ablation.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import IterableDataset

from rawtool.errors import ConfigError
from rawtool.nets.cameranet_s import WHITE_CODE, root_decode, root_encode
from rawtool.runtime.card import Card, is_name
from rawtool.training import losses
from rawtool.training.cameranet_card import paper_card
from rawtool.training.configs import CameraNetConfig
from rawtool.training.data import (
    Draw,
    EnhanceBatch,
    EnhanceStream,
    JointBatch,
    JointStream,
    RestoreBatch,
    RestoreStream,
)
from rawtool.training.export import export_stage
from rawtool.training.loop import Progress, StageJob
from rawtool.training.recipes.steps import Step, with_weights
from rawtool.training.recipes.turns import loss_in_turns, score_of_both
from rawtool.training.recipes.validation import (
    Validator,
    chain_cases,
    chain_validator,
    enhance_cases,
    enhance_validator,
    joint_validator,
    restore_cases,
    restore_validator,
)
from rawtool.training.recipes.wrappers import Joint, enhancer, restorer
from rawtool.training.runs import is_style, training_summary
from rawtool.training.scenes import SceneSet
from rawtool.training.settings import stages_of
from rawtool.training.small_card import small_card
from rawtool.vocabulary import Task

ILLUMINANT_WEIGHT = 0.02
DETAIL_WEIGHT = 0.5
LOG_EVERY = 50
STAGES = ("restore", "enhance", "joint")
FIRST_VERSION = "1"


def train_step(
    name: str, config: CameraNetConfig, scenes: SceneSet, fabric: Fabric, out: Path, *, resume: bool
) -> Progress:
    """Train one of the three steps and leave its checkpoints in ``out``."""
    step = Step(name, config, out, resume, LOG_EVERY)
    seed = step.begin()
    return step.train(fabric, _job(name, config, scenes, out), _stream(name, config, scenes, seed))


def restore_loss(network: nn.Module, batch: RestoreBatch, kind: str) -> Tensor:
    """Give the loss of step 1.

    ``encoded``: L1 and RMS of square-root-encoded RGB, samples weighed against their noise so that clean ones
    count as much as noisy ones. ``paper``: L1 and log-L1 of light. Both add the estimate of the light.
    """
    code, neutral = network(batch.picture, batch.condition, batch.thumbnail)
    restored = _restoration(code.float(), batch, kind)
    if neutral is None:
        return restored
    return restored + ILLUMINANT_WEIGHT * losses.illuminant_loss(neutral.float(), batch.neutral)


def enhance_loss(network: nn.Module, batch: EnhanceBatch) -> Tensor:
    """Give the loss of step 2: the paper's L1, and a share of the L1 of differences.

    What lies beyond black and white where the truth is cut there costs nothing: it is cut as well.
    """
    return _enhancement(network(batch.picture, batch.thumbnail).float(), batch.truth)


def joint_loss(network: nn.Module, batch: JointBatch, kind: str, balance: float) -> Tensor:
    """Give the loss of step 3: balance * restoration + (1 - balance) * enhancement of what was restored."""
    exposed = batch.restore()
    code, finished = network(exposed.picture, exposed.condition, exposed.thumbnail, batch.light_thumbnail)
    enhancement = _enhancement(finished.float(), batch.finished)
    return balance * _restoration(code.float(), exposed, kind) + (1.0 - balance) * enhancement


def _restoration(code: Tensor, batch: RestoreBatch, kind: str) -> Tensor:
    if kind == "paper":
        return losses.restoration_loss(root_decode(code), batch.truth)
    return losses.encoded_loss(code, root_encode(batch.truth), WHITE_CODE, batch.weight)


def _enhancement(found: Tensor, truth: Tensor) -> Tensor:
    found = losses.cut_with(found, truth)
    return losses.l1(found, truth) + DETAIL_WEIGHT * losses.detail_loss(found, truth)


def _job(name: str, config: CameraNetConfig, scenes: SceneSet, out: Path) -> StageJob:
    """Give the network, loss and score of a step."""
    if name == "restore":
        validate = restore_validator(restore_cases(scenes))
        loss = partial(restore_loss, kind=config.loss)
        return _in_precisions(StageJob(restorer(config.size), loss, validate, pixels), config)
    if name == "enhance":
        return StageJob(enhancer(config.size), enhance_loss, enhance_validator(enhance_cases(scenes)), pixels)
    network = Joint(
        _begun(restorer(config.size), config, out, "restore"),
        _begun(enhancer(config.size), config, out, "enhance"),
    )
    loss = partial(joint_loss, kind=config.loss, balance=config.balance)
    return _in_precisions(StageJob(network, loss, _joint_validator(config, scenes), pixels), config)


def _in_precisions(job: StageJob, config: CameraNetConfig) -> StageJob:
    """Let a network learn and be scored in eight bits beside float32, where that is wanted."""
    if not config.is_eight_bit:
        return job
    return replace(job, loss=loss_in_turns(job.loss), validate=score_of_both(job.validate))


def _begun(network: nn.Module, config: CameraNetConfig, out: Path, step: str) -> nn.Module:
    """Let a stage of the joint step begin with what its own step came to; at random if that was left out."""
    if stages_of(config)[step].steps == 0 and not (out / f"{step}-best.pt").exists():
        return network
    return with_weights(network, out, step)


def _joint_validator(config: CameraNetConfig, scenes: SceneSet) -> Validator:
    """Score both stages on their own truths; where only the end is learned, only the end counts."""
    chain = chain_validator(chain_cases(scenes))
    if config.balance == 0:
        return chain
    return joint_validator(
        restore_validator(restore_cases(scenes)), enhance_validator(enhance_cases(scenes)), chain
    )


def trained(config: CameraNetConfig, out: Path) -> tuple[nn.Module, nn.Module]:
    """Give (restorer, enhancer) as far as a run got: the joint step's, else those of steps 1 and 2.

    Raises:
        ConfigError: step 1 or 2 has no checkpoint.
    """
    if (out / "joint-best.pt").exists():
        joint = Joint(restorer(config.size), enhancer(config.size))
        with_weights(joint, out, "joint")
        return joint.restorer.eval(), joint.enhancer.eval()
    return (
        with_weights(restorer(config.size), out, "restore").eval(),
        with_weights(enhancer(config.size), out, "enhance").eval(),
    )


def export(config: CameraNetConfig, run: Path, out: Path) -> None:
    """Export the best weights of a run: the graphs and cards of both stages; a style is named after out.

    Raises:
        ConfigError: steps 1 and 2 are not done, or the folder has no name for a style.
        VerificationError: an engine disagrees with the network.
    """
    name = _style_name(out) if is_style(run) else None
    restoring, enhancing = trained(config, run)
    for task, wrapper in ((Task.RESTORE, restoring), (Task.ENHANCE, enhancing)):
        export_stage(wrapper.net, card_of(task, config, run, name), out)  # type: ignore[arg-type]


def _style_name(out: Path) -> str:
    name = out.resolve().name
    if not is_name(name):
        raise ConfigError(
            f"a style is named after its folder, and {name!r} is not lower-case words and dashes; "
            "export it to a folder such as models/my-style"
        )
    return name


def card_of(task: Task, config: CameraNetConfig, run: Path, name: str | None = None) -> Card:
    """Give the card of a stage with a paragraph about its training; a style has a name of its own."""
    training = training_summary(config, run)
    card = small_card(task, training) if config.size == "s" else paper_card(task, training=training)
    return card if name is None else replace(card, name=name, version=FIRST_VERSION)


def _stream(name: str, config: CameraNetConfig, scenes: SceneSet, seed: int) -> IterableDataset[Any]:
    stage = stages_of(config)[name]
    draw = Draw(stage.crop, stage.batch, config.hdr_share, config.camera, config.is_in_xyz)
    if name == "restore":
        return RestoreStream(scenes, draw, seed)
    stream = EnhanceStream if name == "enhance" else JointStream
    return stream(scenes, draw, seed, config.crops_per_frame)


def pixels(batch: RestoreBatch | EnhanceBatch | JointBatch) -> int:
    """Count the full-size pixels of a batch."""
    n, _, height, width = batch.picture.shape
    return int(n * height * width)
