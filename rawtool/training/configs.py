"""The recipes' settings. The defaults of size s made the shipped models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from rawtool.nets.raw_metadata_plan import SmallPlan
from rawtool.training.settings import StageConfig, common_contradictions, stages_of
from rawtool.vocabulary import Task


@dataclass(frozen=True, slots=True)
class CameraNetConfig:
    """CameraNet's recipe.

    loss is ``encoded`` (L1 and RMS of square-root-encoded light) or ``paper`` (L1 and log-L1 of light).
    balance is the share of the restoration in the joint loss (the paper's lambda). A batch of the steps
    enhance and joint is a multiple of crops_per_frame. For the paper's comparison of cameras the restoration
    may learn from one camera only, and without the conversion to XYZ (is_in_xyz). is_eight_bit rounds the
    inner values of the restoration of size s to eight bits in every other step: in use they can be so then.
    """

    recipe: ClassVar[str] = "cameranet"
    losses: ClassVar[tuple[str, ...]] = ("encoded", "paper")
    combining: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "joint": {"restore": "restorer", "enhance": "enhancer"}
    }
    tasks: ClassVar[Mapping[str, Task]] = {"restore": Task.RESTORE, "enhance": Task.ENHANCE}

    size: str = "s"
    loss: str = "encoded"
    seed: int = 1
    hdr_share: float = 0.6
    workers: int = 1
    validate_every_s: float = 300.0
    balance: float = 0.75
    crops_per_frame: int = 8
    camera: str = ""
    is_in_xyz: bool = True
    is_eight_bit: bool = False
    restore: StageConfig = field(default_factory=lambda: StageConfig(199.0, 160, 10, 1.5e-3))
    enhance: StageConfig = field(default_factory=lambda: StageConfig(13.0, 256, 16, 2e-3))
    joint: StageConfig = field(default_factory=lambda: StageConfig(6.0, 192, 8, 1e-4))

    def contradictions(self) -> list[str]:
        """Find values that cannot work."""
        found = common_contradictions(self)
        if not 0 <= self.balance <= 1:
            found.append("balance is not a share from 0 to 1")
        if self.crops_per_frame <= 0:
            found.append(f"crops_per_frame = {self.crops_per_frame} is not above 0")
        if not self.is_in_xyz and max(self.enhance.steps, self.joint.steps) > 0:
            found.append("without XYZ there is a restoration only; set joint.steps=0 and enhance.steps=0")
        for name, stage in stages_of(self).items():
            if self.size == "paper" and stage.crop < 288:
                found.append(f"{name}.crop = {stage.crop} is below 288, the smallest picture of size paper")
            if name != "restore" and self.crops_per_frame > 0 and stage.batch % self.crops_per_frame:
                found.append(f"{name}.batch = {stage.batch} is not a multiple of crops_per_frame")
        return found


CAMERANET_PAPER = CameraNetConfig(
    size="paper",
    loss="paper",
    restore=StageConfig(240.0, 512, 1, 1e-4),
    enhance=StageConfig(120.0, 512, 1, 1e-4),
    joint=StageConfig(60.0, 512, 1, 1e-5),
    crops_per_frame=1,
)
"""The paper's rates and losses, on 512-pixel crops as its published code has them."""


@dataclass(frozen=True, slots=True)
class HdrUnetConfig:
    """HDRUNet's recipe; size s is the network of ours that ``rawtool hdr`` takes.

    loss is an encoding of light (``pu21``, ``pq``, ``mu-law``, ``linear``: half the L1 and half the RMS error
    of encoded values), ``pu21-log`` (the logarithm of every frame's mean square error), ``pu21-log-ev`` (and
    the RMS error of clipped areas in EV), ``pu21-ev`` (both as squares over all pixels), or ``tanh-l1``,
    ``l1``, ``l2`` of values to the power of 1 / 2.24, as the paper compares them. crop is the side of a
    square whose area a batch's frames have, whatever their shape. The rest is for size paper only: width
    counts its feature channels, n_blocks the residual blocks at its coarsest scale, and the two switches
    take a part of it away.
    """

    recipe: ClassVar[str] = "hdrunet"
    losses: ClassVar[tuple[str, ...]] = (
        "pu21-ev",
        "pu21-log-ev",
        "pu21-log",
        "pu21",
        "pq",
        "mu-law",
        "linear",
        "tanh-l1",
        "l1",
        "l2",
    )
    combining: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    tasks: ClassVar[Mapping[str, Task]] = {"reconstruct": Task.HDR}

    size: str = "s"
    loss: str = "pu21-log-ev"
    seed: int = 1
    hdr_share: float = 1.0
    workers: int = 1
    validate_every_s: float = 300.0
    width: int = 64
    n_blocks: int = 8
    has_weighting: bool = True
    has_condition: bool = True
    reconstruct: StageConfig = field(default_factory=lambda: StageConfig(55.0, 288, 10, 1.5e-3))

    def contradictions(self) -> list[str]:
        """Find values that cannot work."""
        found = common_contradictions(self)
        return found if min(self.width, self.n_blocks) > 0 else [*found, "width or n_blocks is not above 0"]


HDRUNET_PAPER = HdrUnetConfig(size="paper", loss="tanh-l1", reconstruct=StageConfig(240.0, 160, 16, 2e-4))
"""The paper's loss, rate and batch, on the 160-pixel crops of its published code."""


@dataclass(frozen=True, slots=True)
class SingleHdrConfig:
    """SingleHDR's recipe: three networks each on its own, then all with the fourth.

    The losses are the paper's, without the perceptual term. width scales the channels of every network (size
    s has a quarter); crf_basis is a file of EMoR's form, empty for the project's own basis.
    """

    recipe: ClassVar[str] = "singlehdr"
    losses: ClassVar[tuple[str, ...]] = ("paper",)
    combining: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    tasks: ClassVar[Mapping[str, Task]] = {}

    size: str = "s"
    loss: str = "paper"
    seed: int = 1
    hdr_share: float = 1.0
    workers: int = 1
    validate_every_s: float = 300.0
    width: float = 0.25
    crf_basis: str = ""
    dequantise: StageConfig = field(default_factory=lambda: StageConfig(15.0, 256, 8, 1e-3))
    linearise: StageConfig = field(default_factory=lambda: StageConfig(15.0, 256, 8, 1e-3))
    hallucinate: StageConfig = field(default_factory=lambda: StageConfig(30.0, 256, 8, 1e-3))
    refine: StageConfig = field(default_factory=lambda: StageConfig(15.0, 256, 4, 1e-4))

    def contradictions(self) -> list[str]:
        """Find values that cannot work."""
        found = common_contradictions(self)
        return found if self.width > 0 else [*found, f"width = {self.width} is not above 0"]


SINGLEHDR_PAPER = SingleHdrConfig(
    size="paper",
    width=1.0,
    dequantise=StageConfig(120.0, 256, 8, 1e-4),
    linearise=StageConfig(120.0, 256, 8, 1e-4),
    hallucinate=StageConfig(240.0, 256, 8, 1e-4),
    refine=StageConfig(120.0, 256, 8, 1e-5),
)
"""The paper's rates and batches."""


@dataclass(frozen=True, slots=True)
class RawMetadataConfig:
    """The recipe of the codec of ``pack``.

    The loss is the logarithm of rate and distortion at a price that follows the rate. A batch is a multiple
    of crops_per_frame; crop is in photosites, a multiple of 64. The rest is for the paper's ablations, whose
    networks are scored but not exported: without the picture, without the means of z, in 2 groups or in 1,
    which is without the context model too.
    """

    recipe: ClassVar[str] = "raw-metadata"
    losses: ClassVar[tuple[str, ...]] = ("log-cost",)
    combining: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    tasks: ClassVar[Mapping[str, Task]] = {"codec": Task.PACK}

    size: str = "s"
    loss: str = "log-cost"
    seed: int = 1
    hdr_share: float = 0.6
    workers: int = 1
    validate_every_s: float = 300.0
    crops_per_frame: int = 4
    has_guide: bool = True
    has_means: bool = True
    n_groups: int = 4
    codec: StageConfig = field(default_factory=lambda: StageConfig(22.0, 192, 8, 1.5e-3))

    @property
    def plan(self) -> SmallPlan:
        """What the network knows."""
        return SmallPlan(self.has_guide, self.has_means, self.n_groups)

    def contradictions(self) -> list[str]:
        """Find values that cannot work."""
        found = common_contradictions(self)
        if self.crops_per_frame <= 0 or self.codec.batch % max(self.crops_per_frame, 1):
            found.append("codec.batch is not a multiple of crops_per_frame")
        if self.codec.crop % 64:
            found.append(f"codec.crop = {self.codec.crop} is not a multiple of 64")
        if self.n_groups not in (1, 2, 4):
            found.append(f"n_groups = {self.n_groups} is none of 1, 2, 4")
        return found
