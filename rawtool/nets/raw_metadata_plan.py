"""The sizes of J4 (``raw_metadata.py``), and what it and our network of size s go without in ablations."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of a network and what it goes without; the defaults are the published checkpoints'.

    width is the paper's N, a multiple of 8; y and z have N / 8 channels. channels is 3 for a demosaicked
    picture, 4 for planes. All layers see the first guide_channels of the guide, 0 being the ablation; the
    first and the last layer see detail_channels more: 9 where the photograph's cells of 2x2 were packed into
    12 channels, top-left pixel first. Without a context model the groups remain, but do not know of each
    other. takes_rest=False leaves out pixels that no mask has chosen: they stay 0 and are not charged, which
    is the published evaluation, good for comparisons only.
    """

    width: int = 64
    channels: int = 3
    n_groups: int = 4
    guide_channels: int = 3
    detail_channels: int = 0
    has_context: bool = True
    takes_rest: bool = True

    def __post_init__(self) -> None:
        if self.width < 16 or self.width % 8 or self.n_groups < 1:
            raise ValueError(
                f"a width of {self.width} with {self.n_groups} groups: 16, 24, ... and 1, 2, ..."
            )

    @property
    def latents(self) -> int:
        """Channels of y and of z."""
        return self.width // 8

    @property
    def n_masks(self) -> int:
        """How often the mask net is asked: the last group takes the rest without being asked."""
        return self.n_groups - 1 if self.takes_rest else self.n_groups

    @property
    def edge_channels(self) -> int:
        """Channels of the guide that the first and the last layer see."""
        return self.guide_channels + self.detail_channels


@dataclass(frozen=True, slots=True)
class SmallPlan:
    """What the network of size s (``raw_metadata_s.py``) knows; the defaults are the shipped model's.

    Without the guide there is no polynomial of it either, without means z is coded as it is. Places are coded
    in 4, 2 or 1 groups; a single group has nothing decoded before it: it goes without a context model.
    """

    has_guide: bool = True
    has_means: bool = True
    n_groups: int = 4

    def __post_init__(self) -> None:
        if self.n_groups not in (1, 2, 4):
            raise ValueError(f"places cannot be coded in {self.n_groups} groups: 1, 2 or 4")
