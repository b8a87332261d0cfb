"""``rawtool pack``: raw files into JPEGs that carry them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from rawtool.batch.outputs import PACKED_OF_SUFFIX
from rawtool.cli import options, words
from rawtool.cli.pipes import PIPE
from rawtool.cli.runs import Told, run_verb
from rawtool.errors import UsageError
from rawtool.vocabulary import Embed

if TYPE_CHECKING:
    from rawtool.pipelines.packroom import Goal, PackSettings


@dataclass(frozen=True, slots=True)
class GoalWords:
    """What the file is to reach, as typed; None where nothing was said."""

    rate: float | None
    target_bpp: float | None
    min_psnr_db: float | None
    max_error_dn: int | None
    is_lossless: bool

    def goal(self) -> "Goal":
        """The one goal that was named, or the default rate.

        Raises:
            UsageError: more than one was named.
        """
        from rawtool.pipelines.packroom import DEFAULT_RATE, Goal

        said = {
            "--rate": self.rate,
            "--target-bpp": self.target_bpp,
            "--min-psnr": self.min_psnr_db,
            "--max-error": self.max_error_dn,
            "--lossless": True if self.is_lossless else None,
        }
        named = [word for word, value in said.items() if value is not None]
        if len(named) > 1:
            raise UsageError(f"{' and '.join(named)} ask for different things; keep one")
        if self.is_lossless:
            return Goal(max_error_dn=0)
        if not named:
            return Goal(rate=DEFAULT_RATE)
        return Goal(self.rate, self.target_bpp, self.min_psnr_db, self.max_error_dn)


@dataclass(frozen=True, slots=True)
class PackWords:
    """What the picture around the raw is, and what is done with both, as typed."""

    base: str
    quality: int
    embed: Embed
    is_verified: bool
    tile: int | None
    goal: GoalWords

    def settings(self) -> "PackSettings":
        """The settings of the journey.

        Raises:
            UsageError: the words do not fit together.
        """
        from rawtool.pipelines.packroom import PackSettings, base_of

        source, path = base_of(self.base)
        goal = self.goal.goal()
        return PackSettings(goal, source, path, self.quality, self.embed, self.is_verified, self.tile)


_goal_options = options.stacked(
    click.option(
        "--rate",
        type=click.FloatRange(0.0, 5.0),
        metavar="0..5",
        help="How much is kept, from a hint of the light to nearly all of it (default 3).",
    ),
    click.option(
        "--target-bpp",
        type=click.FloatRange(0.0, 16.0, min_open=True),
        metavar="BPP",
        help="The best that takes at most so many bits a photosite.",
    ),
    click.option(
        "--min-psnr",
        "min_psnr_db",
        type=click.FloatRange(0.0, 120.0, min_open=True),
        metavar="DB",
        help="The smallest whose mosaic comes back with at least this PSNR.",
    ),
    click.option(
        "--max-error",
        "max_error_dn",
        type=click.IntRange(0, 32767),
        metavar="DN",
        help="No photosite comes back more than so many counts off.",
    ),
    click.option("--lossless", "is_lossless", is_flag=True, help="Every photosite comes back bit for bit."),
)

_base_options = options.stacked(
    click.option(
        "--base",
        default="develop",
        show_default=True,
        metavar="develop|camera|FILE.jpg",
        callback=words.base_picture,
        help="The picture: developed, the camera's own, or yours (for one input), byte for byte.",
    ),
    click.option(
        "--quality",
        type=click.IntRange(1, 100),
        default=92,
        show_default=True,
        help="Quality of a developed picture (-q is --quiet).",
    ),
    click.option(
        "--embed",
        type=words.one_of(Embed),
        default="app11",
        show_default=True,
        callback=words.as_member(Embed),
        help="Where the raw goes: inside the JPEG, behind it, or into a file beside it.",
    ),
    click.option(
        "--verify/--no-verify",
        "is_verified",
        default=True,
        help="Decode what is on disk and compare it with the raw before it gets its name (default).",
    ),
    options.tile_option,
)

_HELP = """Pack raw files into JPEGs that any program shows and that carry the raw inside.

INPUT is a raw file, a folder (-r for its sub-folders) or a quoted pattern, ** included. Outputs are
written beside the inputs, unless -o or --name say otherwise, and never over anything. The inputs stay.

\b
  rawtool pack IMG_1.dng                     IMG_1_packed.jpg beside it
  rawtool pack IMG_1.dng --lossless          the same, bit for bit
  rawtool pack IMG_1.dng --base IMG_1.jpg    inside a copy of your own JPEG
  rawtool pack -r shoot -o packed/           a folder, its tree kept

Of --rate, --target-bpp, --min-psnr, --max-error and --lossless one can be named. Back: rawtool unpack.
"""


@click.command(
    "pack", cls=options.GatheringCommand, help=_HELP, short_help="Pack raw files into JPEGs that carry them."
)
@options.stacked(
    options.input_options,
    options.output_options(PACKED_OF_SUFFIX),
    options.taken_options,
    _goal_options,
    _base_options,
    options.network_options,
    options.precision_option,
    options.running_options,
    options.talk_options,
)
def pack(told: Told, packing: PackWords) -> int:
    """Pack raw files into JPEGs that carry them."""
    from rawtool.batch.pack import forecast_pack, plan_pack, run_pack

    if told.naming.output == PIPE and packing.embed is Embed.SIDECAR:
        raise UsageError("--embed sidecar makes two files, standard output takes one; name a folder with -o")
    return run_verb(told, packing.settings(), plan_pack, forecast_pack, run_pack)
