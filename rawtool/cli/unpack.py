"""``rawtool unpack``: the raws out of packed pictures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rawtool.batch.choices import NetworkChoice
from rawtool.batch.inputs import Selection
from rawtool.batch.outputs import UNPACKED_OF_SUFFIX, Naming
from rawtool.cli import options, pipes
from rawtool.cli.runs import Told, run_verb

if TYPE_CHECKING:
    from rawtool.pipelines.packedfacts import PackedFacts
    from rawtool.pipelines.packroom import UnpackSettings


@dataclass(frozen=True, slots=True)
class UnpackWords:
    """What is done with packed pictures, as typed."""

    is_check: bool
    allows_modified: bool
    allows_newer: bool

    def settings(self) -> "UnpackSettings":
        """The settings of the journey. Which format is written is known when the names are."""
        from rawtool.pipelines.packroom import UnpackSettings

        return UnpackSettings(allows_modified=self.allows_modified, allows_newer=self.allows_newer)


_unpack_options = options.stacked(
    click.option(
        "--check",
        "is_check",
        is_flag=True,
        help="Only decode, and say whether the raw can be had; write nothing.",
    ),
    click.option(
        "--allow-modified",
        "allows_modified",
        is_flag=True,
        help="Try even if the picture was changed; what comes out is a guess.",
    ),
    click.option(
        "--allow-newer",
        "allows_newer",
        is_flag=True,
        help="Try even if a newer rawtool packed it, as if it were of this version.",
    ),
)

_HELP = """Take the raws out of JPEGs that rawtool pack wrote.

INPUT is a packed JPEG, a folder (-r for its sub-folders) or a quoted pattern, ** included. Outputs
are written beside the inputs, unless -o or --name say otherwise, and never over anything.

\b
  rawtool unpack IMG_1_packed.jpg            IMG_1_packed_raw.dng beside it
  rawtool unpack a.jpg a.dng                 one input, one output
  rawtool unpack a.jpg --format npy          the samples as an array
  rawtool unpack a.jpg --check               is it whole? exit status 0 or 12

Two words and no -o are IN and OUT if the second is an existing folder, ends in a slash, or has an
output suffix and is not an existing JPEG. Otherwise both are inputs.
"""


@click.command(
    "unpack", cls=options.GatheringCommand, help=_HELP, short_help="Take the raws out of packed JPEGs."
)
@options.stacked(
    options.input_options,
    options.output_options(UNPACKED_OF_SUFFIX),
    options.taken_options,
    _unpack_options,
    options.network_options,
    options.running_options,
    options.talk_options,
)
def unpack(told: Told, unpacking: UnpackWords) -> int:
    """Take the raws out of packed JPEGs."""
    from rawtool.batch.unpack import forecast_unpack, plan_unpack, run_unpack

    if unpacking.is_check:
        return _check(told.selection, told.networks, unpacking, is_json=told.running.talk.is_json)
    return run_verb(told, unpacking.settings(), plan_unpack, forecast_unpack, run_unpack)


def _check(selection: Selection, networks: NetworkChoice, words: UnpackWords, *, is_json: bool) -> int:
    """Look at every file to its end and say what it is."""
    from rawtool.batch.unpack import files_to_check, open_room
    from rawtool.cli.report import say_each
    from rawtool.pipelines.packedfacts import PackedFacts, check_packed

    room, show = open_room(networks), packed_event if is_json else packed_lines
    with pipes.opened(selection, Naming(), is_json=is_json) as ready:

        def look(path: Path) -> PackedFacts:
            return replace(check_packed(path, room, words.settings()), path=ready.called(path))

        return say_each(files_to_check(ready.selection), look, show, ready.called)


def packed_event(facts: "PackedFacts") -> Mapping[str, object]:
    """The JSON object of a packed picture."""
    plain = asdict(facts) | {"metrics": dict(facts.metrics), "warnings": list(facts.warnings)}
    return {"v": 1, "event": "packed", **plain, "path": str(facts.path), "kind": facts.kind.value}


def packed_lines(facts: "PackedFacts") -> str:
    """What a packed picture is, for people."""
    height, width = facts.size
    rows = (
        ("camera", facts.camera),
        ("sensor", f"{facts.kind.value}, {width} x {height}"),
        ("sidecar", f"{facts.sidecar_bytes / 1e6:.2f} MB, {facts.bpp:.3g} bpp, {facts.coder} coder"),
        ("decoder", facts.decoder),
        ("picture", f"{facts.base}, {'as packed' if facts.is_unchanged else 'CHANGED since it was packed'}"),
        ("quality", f"{facts.quality} (measured when it was packed)"),
        *(("warning", warning) for warning in facts.warnings),
    )
    return "\n".join([str(facts.path), *(f"  {name:12} {value}" for name, value in rows)])
