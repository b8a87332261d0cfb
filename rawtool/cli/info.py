"""``rawtool info``: what a raw file is, or a picture that carries one."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rawtool.cli import options
from rawtool.cli.unpack import packed_event, packed_lines

if TYPE_CHECKING:
    from rawtool.pipelines.info import FileFacts
    from rawtool.pipelines.packedfacts import PackedFacts


@click.command(
    "info", cls=options.GatheringCommand, short_help="Say what raw files are and what would be done."
)
@options.stacked(
    click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)),
    options.json_option,
    options.verbosity_options,
)
def info(files: tuple[Path, ...], is_json: bool) -> int:
    """Say what raw files are: sensor, levels, colour, exposure, noise, and what develop would do.

    Of a picture that carries a raw it is said what is inside. One failing file does not stop the others.
    """
    from rawtool.cli.report import say_each
    from rawtool.pipelines.packedfacts import inspect_any

    return say_each(files, inspect_any, _any_event if is_json else _any_lines)


def _any_event(facts: "FileFacts | PackedFacts") -> Mapping[str, object]:
    from rawtool.pipelines.packedfacts import PackedFacts

    return packed_event(facts) if isinstance(facts, PackedFacts) else _event(facts)


def _any_lines(facts: "FileFacts | PackedFacts") -> str:
    from rawtool.pipelines.packedfacts import PackedFacts

    return packed_lines(facts) if isinstance(facts, PackedFacts) else _lines(facts)


def _event(facts: "FileFacts") -> Mapping[str, object]:
    plain = asdict(facts)
    return {"v": 1, "event": "info", **plain, "path": str(facts.path), "kind": facts.kind.value}


def _lines(facts: "FileFacts") -> str:
    height, width = facts.size
    exposure, color, noise = facts.exposure, facts.color, facts.noise
    rows = (
        ("camera", facts.camera),
        ("sensor", f"{facts.kind.value} {facts.cell or ''}".strip()),
        ("size", f"{width} x {height}, shows {facts.crop[3]} x {facts.crop[2]}"),
        ("orientation", str(facts.orientation)),
        (
            "levels",
            f"black {_numbers(facts.black_level[:6])}, white {facts.white_level:g}, {facts.sample_type}",
        ),
        ("exposure", _exposure(exposure.iso, exposure.exposure_s, exposure.f_number)),
        ("taken", exposure.taken_at or "unknown"),
        ("neutral", _numbers(color.as_shot_neutral) if color.as_shot_neutral else "unknown"),
        ("matrices", f"for {_numbers(color.cct_k)} K" if color.cct_k else "none"),
        ("noise", f"shot {noise.shot:.3g}, read {noise.read:.3g} (estimated)"),
        ("develop", "; ".join(facts.steps)),
    )
    return "\n".join([str(facts.path), *(f"  {name:12} {value}" for name, value in rows)])


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.4g}" for value in values)


def _exposure(iso: float | None, exposure_s: float | None, f_number: float | None) -> str:
    iso_text = "ISO unknown" if iso is None else f"ISO {iso:g}"
    time_text = "" if exposure_s is None else f", {exposure_s:g} s"
    return iso_text + time_text + ("" if f_number is None else f", f/{f_number:g}")
