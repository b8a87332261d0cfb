"""``rawtool models``: which networks are here."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rawtool.cli import failures, options
from rawtool.vocabulary import ExitCode

if TYPE_CHECKING:
    from rawtool.runtime.card import Card
    from rawtool.runtime.catalog import Model
    from rawtool.runtime.codercard import CoderCard


@click.group("models", short_help="List, show and verify the models that are installed.")
def models() -> None:
    """List, show and verify the models that are installed."""


@models.command("list", cls=options.GatheringCommand, short_help="List the models that are installed.")
@options.stacked(options.json_option, options.verbosity_options)
def list_(is_json: bool) -> int:
    """List the models that are installed: name, version, size, the command they are for, and folder."""
    from rawtool.cli.report import say_result
    from rawtool.runtime.catalog import list_models

    found = list_models()
    for row in map(_facts, found) if is_json else _lines(found):
        say_result(row)
    if not found:
        failures.say("rawtool: no model is installed; see: rawtool models path")
    return int(ExitCode.OK)


@models.command("show", cls=options.GatheringCommand, short_help="Show the card of a model.")
@options.stacked(click.argument("name"), options.json_option, options.verbosity_options)
def show(name: str, is_json: bool) -> int:
    """Show the card of a model: what it takes and gives, quality, training, licence and limits."""
    from rawtool.cli.report import say_result
    from rawtool.runtime.catalog import find_model

    found = find_model(name, task=None)
    say_result(_cards(found) if is_json else _page(found))
    return int(ExitCode.OK)


@models.command("verify", cls=options.GatheringCommand, short_help="Check the files of models by SHA-256.")
@options.stacked(
    click.argument("names", metavar="[NAME]...", nargs=-1),
    click.option("--all", "is_all", is_flag=True, help="All models; the same as giving no name."),
    options.json_option,
    options.verbosity_options,
)
def verify(names: tuple[str, ...], is_all: bool, is_json: bool) -> int:
    """Compare every file of the named models, or of all, with the published SHA-256."""
    from rawtool.cli.report import say_each
    from rawtool.runtime.catalog import find_model, list_models, verify_model

    def check(name: str) -> "Model":
        found = find_model(name, task=None)
        verify_model(found)
        return found

    chosen = names if names and not is_all else tuple(each.label for each in list_models())
    return say_each(chosen, check, _facts if is_json else _verified)


@models.command(
    "import-checkpoint",
    cls=options.GatheringCommand,
    short_help="Turn weights that others published into a model.",
)
@options.stacked(
    click.argument("network", type=click.Choice(["hdrunet"])),
    click.argument("checkpoint", metavar="FILE.pth", type=click.Path(path_type=Path)),
    click.option(
        "-o",
        "--out",
        required=True,
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="Folder of the model.",
    ),
    options.verbosity_options,
)
def import_checkpoint(network: str, checkpoint: Path, out: Path) -> int:
    """Turn weights that a paper's authors published into a model: graphs, card, digests.

    Needs the extra "train". Only tensors are read from FILE.pth, it cannot run code. hdrunet wants its
    authors' pretrained_model.pth.
    """
    from rawtool.cli.report import print_line
    from rawtool.training.app import import_hdrunet

    import_hdrunet(checkpoint, out)
    print_line(f"{network}: {out}")
    return int(ExitCode.OK)


@models.command("path", cls=options.GatheringCommand, short_help="Say where models are looked for.")
@options.verbosity_options
def path() -> int:
    """Say the folders in which models are looked for, first found first."""
    from rawtool.cli.report import print_line
    from rawtool.runtime.catalog import model_folders

    for folder in model_folders():
        print_line(str(folder))
    return int(ExitCode.OK)


def _facts(found: "Model") -> Mapping[str, object]:
    names = {"name": found.name, "version": found.version, "size": found.size, "command": found.verb}
    return {"v": 1, "event": "model", **names, "folder": str(found.folder)}


def _verified(found: "Model") -> str:
    return f"{found.label}  ok"


def _lines(found: "Sequence[Model]") -> list[str]:
    """A line for each model, in columns."""
    rows = [(each.label, each.size, each.verb) for each in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    starts = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)) for row in rows]
    return [f"{start}  {each.folder}" for start, each in zip(starts, found, strict=True)]


def _cards(found: "Model") -> Mapping[str, object]:
    import json

    from rawtool.runtime.strict_json import dumps

    return {**_facts(found), "cards": {card.task.value: json.loads(dumps(card)) for card in found.cards}}


def _page(found: "Model") -> str:
    parts = [*_lines([found]), *(_stage(card) for card in found.cards)]
    page = found.folder / "card.md"
    return "\n\n".join([*parts, page.read_text(encoding="utf-8")] if page.is_file() else parts)


def _tensors(card: "Card | CoderCard") -> tuple[tuple[str, str], ...]:
    from rawtool.runtime.codercard import CoderCard

    if isinstance(card, CoderCard):
        return (
            ("codes", f"{card.n_latent} latents, {card.n_hyper} hyper-latents, {card.n_groups} groups"),
            ("rates", f"0 to {card.n_rates - 1}"),
        )
    return (
        ("takes", f"{card.input.channels} channels, {card.input.space.value}: {card.input.description}"),
        ("gives", f"{card.output.channels} channels, {card.output.space.value}: {card.output.description}"),
        ("tiles", f"stride {card.stride}, halo {card.halo}, image-wide vector {card.global_pass.value}"),
    )


def _stage(card: "Card | CoderCard") -> str:
    size = sum(file.bytes for file in card.graphs.files) if card.graphs is not None else 0
    rows = (
        *_tensors(card),
        ("files", f"{size / 1e6:.2f} MB, opset {card.opset}, engines agree within {card.tolerance:g}"),
        ("licence", card.licence),
        ("invents", "may invent detail" if card.may_invent_detail else "invents no detail"),
        ("training", card.training),
        *(("measured", f"{row.metric} {row.value:g} {row.unit} ({row.data})") for row in card.measured),
    )
    return "\n".join([card.task.value, *(f"  {name:10} {value}" for name, value in rows)])
