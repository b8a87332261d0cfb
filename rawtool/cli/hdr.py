"""``rawtool hdr``: finished pictures to HDR."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from rawtool.batch.outputs import HDR_OF_SUFFIX
from rawtool.cli import options, words
from rawtool.cli.runs import Told, run_verb
from rawtool.vocabulary import Format, Profile, Task

if TYPE_CHECKING:
    from rawtool.pipelines.studio import HdrSettings


@dataclass(frozen=True, slots=True)
class LightWords:
    """What light is to come out and how it is written, as typed."""

    input_space: Profile | None
    highlight_strength: float
    max_gain_ev: float
    white_nits: float
    peak_nits: float | None
    scale: tuple[float | None, float | None]
    quality: int | None
    bit_depth: str | None
    compression: str | None
    gain_map_scale: str
    gain_map_channels: str
    gain_map_quality: int
    tile: int | None

    def settings(self) -> "HdrSettings":
        """The settings of the journey. Which format is written is known when the names are."""
        from rawtool.pipelines.studio import HdrSettings, Scale

        bits = (self.bit_depth or "").removesuffix("f")
        return HdrSettings(
            input_space=self.input_space,
            highlight_strength=self.highlight_strength,
            max_gain_ev=self.max_gain_ev,
            white_nits=self.white_nits,
            peak_nits=self.peak_nits,
            scale=Scale(*self.scale),
            quality=self.quality,
            bit_depth=int(bits) if bits else None,
            is_float=(self.bit_depth or "").endswith("f"),
            compression=self.compression,
            gain_map_scale=int(self.gain_map_scale),
            gain_map_channels=int(self.gain_map_channels),
            gain_map_quality=self.gain_map_quality,
            tile=self.tile,
        )


_more_outputs = options.stacked(
    click.option(
        "--also",
        type=words.one_of(HDR_OF_SUFFIX.values()),
        multiple=True,
        callback=words.as_members(Format),
        help="Write this format too, beside the first; repeatable.",
    ),
    click.option(
        "--preview",
        "sheet",
        metavar="SHEET.png",
        help="Draw a sheet: input, result at 0, -2 and -4 EV, and where light was added. "
        "For several inputs a folder or a template.",
    ),
)

_light_options = options.stacked(
    click.option(
        "--input-space",
        type=click.Choice(["auto", "srgb", "display-p3", "adobergb", "linear"]),
        default="auto",
        show_default=True,
        callback=words.input_space,
        help="What the values of the input mean; auto: its profile, else sRGB.",
    ),
    click.option(
        "--highlight-strength",
        type=click.FloatRange(0.0, 100.0),
        default=100.0,
        show_default=True,
        metavar="0..100",
        help="How much of every gain is taken, in stops.",
    ),
    click.option(
        "--max-stops",
        "max_gain_ev",
        type=click.FloatRange(0.0, 16.0),
        default=8.0,
        show_default=True,
        metavar="EV",
        help="No light is more than this above what the input shows.",
    ),
    click.option(
        "--white-nits",
        type=click.FloatRange(1.0, words.MOST_NITS),
        default=203.0,
        show_default=True,
        metavar="CD/M2",
        help="Luminance of the input's white.",
    ),
    click.option(
        "--peak-nits",
        default="auto",
        metavar="auto|CD/M2",
        callback=words.auto_or_nits,
        help="Dim what is above this in avif, jxl and png (default the picture's own peak).",
    ),
    click.option(
        "--scale",
        default="preserve",
        show_default=True,
        metavar="preserve|percentile=P|max=N",
        callback=words.light_scale,
        help="What 1.0 is in exr, hdr and tiff: the input's white, a percentile, or 1/N of the brightest.",
    ),
    click.option(
        "--quality",
        type=click.IntRange(1, 100),
        help="Quality of avif, jxl, and of a base JPEG that has to be encoded (-q is --quiet).",
    ),
    click.option(
        "--bit-depth",
        type=click.Choice(["8", "10", "12", "16", "16f", "32f"]),
        help="Bits of a channel, f for floating point: exr 16f 32f; tiff 32f; avif 10 12; jxl 16; png 16.",
    ),
    click.option(
        "--compression",
        metavar="WORD",
        help="exr: zip zips piz dwaa none; tiff: deflate none; png: 0 to 9.",
    ),
    click.option(
        "--gainmap-scale",
        "gain_map_scale",
        type=click.Choice(["1", "2", "4"]),
        default="1",
        show_default=True,
        help="uhdr: how many times smaller than the picture the gain map is.",
    ),
    click.option(
        "--gainmap-channels",
        "gain_map_channels",
        type=click.Choice(["1", "3"]),
        default="3",
        show_default=True,
        help="uhdr: one gain for all colours, or one for each.",
    ),
    click.option(
        "--gainmap-quality",
        "gain_map_quality",
        type=click.IntRange(1, 100),
        default=95,
        show_default=True,
        help="uhdr: quality of the gain map.",
    ),
    options.tile_option,
)

_HELP = """Turn finished pictures into HDR: highlights come back, everything else keeps its light.

INPUT is a JPEG, PNG or TIFF, a folder (-r for its sub-folders) or a quoted pattern, ** included.
Outputs are written beside the inputs, unless -o or --name say otherwise, and never over anything.

\b
  rawtool hdr photo.jpg                      photo_hdr.exr beside it
  rawtool hdr photo.jpg out.avif             one input, one output
  rawtool hdr photo.jpg --format uhdr        photo_hdr.jpg: the same JPEG with a gain map
  rawtool hdr -r album -o hdr/ --also jxl    a folder, its tree kept, two files each
  rawtool hdr photo.jpg --preview sheet.png  and a sheet that shows what was done
  rawtool hdr - -o - < a.jpg > a.exr         standard input, standard output

1.0 is the input's white. A suffix .jpg means uhdr here. Two words and no -o are IN and OUT if the
second is an existing folder, ends in a slash, or has an output suffix and is not an existing picture
that could be read. Otherwise both are inputs.
"""


@click.command("hdr", cls=options.GatheringCommand, help=_HELP, short_help="Turn finished pictures into HDR.")
@options.stacked(
    options.input_options,
    options.output_options(HDR_OF_SUFFIX),
    _more_outputs,
    options.taken_options,
    _light_options,
    options.network_options,
    options.running_options,
    options.talk_options,
)
def hdr(told: Told, light: LightWords) -> int:
    """Turn finished pictures into HDR."""
    from rawtool.batch.hdr import plan_hdr, run_hdr
    from rawtool.batch.journey import forecast

    return run_verb(told, light.settings(), plan_hdr, partial(forecast, task=Task.HDR), run_hdr)
