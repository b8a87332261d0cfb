"""``rawtool develop``: raw files to pictures."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from rawtool.batch.outputs import FORMAT_OF_SUFFIX
from rawtool.cli import options, words
from rawtool.cli.runs import Told, run_verb
from rawtool.errors import UsageError
from rawtool.vocabulary import Look, Profile, Stage, Task

if TYPE_CHECKING:
    from rawtool.pipelines.settings import DevelopSettings


@dataclass(frozen=True, slots=True)
class PictureWords:
    """What the picture is to look like and how it is written, as typed."""

    stage: Stage
    white_balance: str
    exposure_ev: float
    strength: float
    look: Look
    profile: Profile
    quality: int
    subsampling: str
    bit_depth: str | None
    compression: str | None
    output_size: str | None
    tile: int | None

    def settings(self) -> "DevelopSettings":
        """The settings of the journey. Which format is written is known when the names are."""
        from rawtool.pipelines.settings import DevelopSettings

        if self.stage is Stage.RESTORE and self.look is not Look.NATURAL:
            raise UsageError("--look is for finished pictures; leave it out, or --stage restore")
        bits = (self.bit_depth or "").removesuffix("f")
        return DevelopSettings(
            stage=self.stage,
            white_balance=self.white_balance,
            exposure_ev=self.exposure_ev,
            strength=self.strength,
            look=self.look,
            profile=self.profile,
            quality=self.quality,
            subsampling=self.subsampling,
            bit_depth=int(bits) if bits else None,
            is_float=(self.bit_depth or "").endswith("f"),
            compression=self.compression,
            output_size=self.output_size,
            tile=self.tile,
        )


_picture_options = options.stacked(
    click.option(
        "--stage",
        type=words.one_of(Stage),
        default="full",
        show_default=True,
        callback=words.as_member(Stage),
        help="full: a finished picture; restore: the clean raw as DNG, TIFF or EXR.",
    ),
    click.option(
        "--wb",
        "white_balance",
        default="camera",
        show_default=True,
        metavar="camera|auto|R,G,B",
        callback=words.white_balance,
        help="White balance: as shot, the network's, or gains.",
    ),
    click.option(
        "--exposure",
        "exposure_ev",
        type=click.FloatRange(-10.0, 10.0),
        default=0.0,
        show_default=True,
        metavar="EV",
        help="Exposure correction in EV.",
    ),
    click.option(
        "--strength",
        type=click.FloatRange(0.0, 100.0),
        default=100.0,
        show_default=True,
        metavar="0..100",
        help="How much of the restoration is taken.",
    ),
    click.option(
        "--look",
        type=words.one_of(Look),
        default="natural",
        show_default=True,
        callback=words.as_member(Look),
        help="As the network finishes it, with more contrast and colour, or with less, for grading.",
    ),
    click.option(
        "--profile",
        type=words.one_of(Profile),
        default="srgb",
        show_default=True,
        callback=words.as_member(Profile),
        help="Colour space of the output; always embedded.",
    ),
    click.option(
        "--quality",
        type=click.IntRange(1, 100),
        default=95,
        show_default=True,
        help="Quality of a JPEG (-q is --quiet).",
    ),
    click.option(
        "--subsampling",
        type=click.Choice(["444", "422", "420"]),
        default="444",
        show_default=True,
        help="Colour resolution of a JPEG.",
    ),
    click.option(
        "--bit-depth",
        type=click.Choice(["8", "16", "16f", "32f"]),
        help="Bits of a channel, f for floating point: jpg 8; png 8 16; tiff 8 16 32f; exr 16f 32f; dng 16.",
    ),
    click.option(
        "--compression",
        metavar="WORD",
        help="tiff: deflate none; exr: zip zips piz dwaa none; png: 0 to 9.",
    ),
    click.option(
        "--size",
        "output_size",
        metavar="WxH|N%|LONGEST",
        callback=words.picture_size,
        help="Make the output smaller to fit; never larger.",
    ),
    options.tile_option,
)

_HELP = """Turn raw files into finished pictures, or into restored DNGs.

INPUT is a file, a folder (-r for its sub-folders) or a quoted pattern, ** included. Outputs are
written beside the inputs, unless -o or --name say otherwise, and never over anything.

\b
  rawtool develop IMG_1.dng                  IMG_1_dev.jpg beside it
  rawtool develop IMG_1.dng out.tif          one input, one output
  rawtool develop -r shoot -o pictures/      a folder, its tree kept
  rawtool develop --stage restore a.dng      a_nr.dng, denoised
  curl URL | rawtool develop - -o - > a.jpg  standard input, standard output

Two words and no -o are IN and OUT if the second is an existing folder, ends in a slash, or has an
output suffix and is not an existing raw file. Otherwise both are inputs.
"""


@click.command(
    "develop", cls=options.GatheringCommand, help=_HELP, short_help="Turn raw files into finished pictures."
)
@options.stacked(
    options.input_options,
    options.output_options(FORMAT_OF_SUFFIX),
    options.taken_options,
    _picture_options,
    options.network_options,
    options.precision_option,
    options.running_options,
    options.talk_options,
)
def develop(told: Told, picture: PictureWords) -> int:
    """Turn raw files into finished pictures, or into restored DNGs."""
    from rawtool.batch.develop import plan_develop, run_develop
    from rawtool.batch.journey import forecast

    says = partial(forecast, task=Task.RESTORE)
    return run_verb(told, picture.settings(), plan_develop, says, run_develop)
