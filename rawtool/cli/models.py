"""``rawtool models``: which networks are here."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from rawtool.cli import failures, options
from rawtool.vocabulary import ExitCode

if TYPE_CHECKING:
    from rawtool.runtime.card import Card
    from rawtool.runtime.catalog import Model


@click.group("models", short_help="List, show and verify the models that are installed.")
def models() -> None:
    """List, show and verify the models that are installed."""


@models.command("list", cls=options.GatheringCommand, short_help="List the models that are installed.")
@options.stacked(options.json_option, options.verbosity_options)
def list_(is_json: bool) -> int:
    """List the models that are installed: name, version, size and folder."""
    from rawtool.cli.report import say_result
    from rawtool.runtime.catalog import list_models

    found = list_models()
    for each in found:
        say_result(_facts(each) if is_json else _line(each))
    if not found:
        failures.say("rawtool: no model is installed; see: rawtool models path")
    return int(ExitCode.OK)


@models.command("show", cls=options.GatheringCommand, short_help="Show the card of a model.")
@options.stacked(click.argument("name"), options.json_option, options.verbosity_options)
def show(name: str, is_json: bool) -> int:
    """Show the card of a model: what it takes and gives, quality, training, licence and limits."""
    from rawtool.cli.report import say_result
    from rawtool.runtime.catalog import find_model

    found = find_model(name)
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
        found = find_model(name)
        verify_model(found)
        return found

    chosen = names if names and not is_all else tuple(f"{each.name}@{each.version}" for each in list_models())
    return say_each(chosen, check, _facts if is_json else _verified)


@models.command("path", cls=options.GatheringCommand, short_help="Say where models are looked for.")
@options.verbosity_options
def path() -> int:
    """Say the folders in which models are looked for, first found first."""
    from rawtool.runtime.catalog import model_folders

    for folder in model_folders():
        click.echo(str(folder))
    return int(ExitCode.OK)


def _facts(found: "Model") -> Mapping[str, object]:
    names = {"name": found.name, "version": found.version, "size": found.size}
    return {"v": 1, "event": "model", **names, "folder": str(found.folder)}


def _verified(found: "Model") -> str:
    return f"{found.name}@{found.version}  ok"


def _line(found: "Model") -> str:
    return f"{found.name}@{found.version}  {found.size}  {found.folder}"


def _cards(found: "Model") -> Mapping[str, object]:
    import json

    from rawtool.runtime.card import dumps

    stages = {"restore": found.restore, "enhance": found.enhance}
    return {**_facts(found), "cards": {stage: json.loads(dumps(card)) for stage, card in stages.items()}}


def _page(found: "Model") -> str:
    parts = [_line(found), *(_stage(card) for card in (found.restore, found.enhance))]
    page = found.folder / "card.md"
    return "\n\n".join([*parts, page.read_text(encoding="utf-8")] if page.is_file() else parts)


def _stage(card: "Card") -> str:
    size = sum(file.bytes for file in card.graphs.files) if card.graphs is not None else 0
    rows = (
        ("takes", f"{card.input.channels} channels, {card.input.space.value}: {card.input.description}"),
        ("gives", f"{card.output.channels} channels, {card.output.space.value}: {card.output.description}"),
        ("tiles", f"stride {card.stride}, halo {card.halo}, image-wide vector {card.global_pass.value}"),
        ("files", f"{size / 1e6:.2f} MB, opset {card.opset}, engines agree within {card.tolerance:g}"),
        ("licence", card.licence),
        ("invents", "may invent detail" if card.may_invent_detail else "invents no detail"),
        ("training", card.training),
        *(("measured", f"{row.metric} {row.value:g} {row.unit} ({row.data})") for row in card.measured),
    )
    return "\n".join([card.task.value, *(f"  {name:10} {value}" for name, value in rows)])
