"""Options that several commands share, and how they reach a command: as frozen dataclasses.

A command made with ``cls=GatheringCommand`` is called with the dataclasses that its annotations name,
each filled from the options whose names are its fields, dataclasses inside them too.
"""

import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass

import click

from rawtool.batch.outputs import Suffixes
from rawtool.batch.plan import OnCollision, Policies
from rawtool.cli import logs, words
from rawtool.errors import UsageError
from rawtool.vocabulary import ExistsPolicy, Format, Precision

Decorator = Callable[[Callable[..., object]], Callable[..., object]]
_FORCED = {"-f": ExistsPolicy.OVERWRITE, "--skip-existing": ExistsPolicy.SKIP}


class GatheringCommand(click.Command):
    """A command whose options arrive as the frozen dataclasses that its function is annotated with."""

    def invoke(self, ctx: click.Context) -> object:
        """Gather the options and call the command's function."""
        hints = typing.get_type_hints(self.callback)
        hints.pop("return", None)
        gathered = {name: _gather(name, kind, ctx.params) for name, kind in hints.items()}
        return ctx.invoke(typing.cast(Callable[..., object], self.callback), **gathered)


def _gather(name: str, kind: object, values: Mapping[str, object]) -> object:
    if not isinstance(kind, type) or not is_dataclass(kind):
        return values[name]
    hints = typing.get_type_hints(kind)
    members = (each.name for each in fields(kind) if each.name in values or is_dataclass(hints[each.name]))
    return kind(**{member: _gather(member, hints[member], values) for member in members})


@dataclass(frozen=True, slots=True)
class TakenWords:
    """What to do with names that are taken, as typed."""

    exists: ExistsPolicy | None
    is_forced: bool
    is_skipping: bool
    on_collision: OnCollision

    def policies(self) -> Policies:
        """The policies that the words ask for.

        Raises:
            UsageError: two words contradict each other.
        """
        typed = (self.exists, *(p for p, is_on in zip(_FORCED.values(), self._flags(), strict=True) if is_on))
        asked = {policy for policy in typed if policy is not None}
        if len(asked) > 1:
            said = ", ".join(sorted(policy.value for policy in asked))
            raise UsageError(f"-f, --skip-existing and --exists ask for different things ({said}); keep one")
        return Policies(asked.pop() if asked else ExistsPolicy.ERROR, self.on_collision)

    def _flags(self) -> tuple[bool, bool]:
        return self.is_forced, self.is_skipping


@dataclass(frozen=True, slots=True)
class Talk:
    """How results and progress are said."""

    is_json: bool
    progress: str


@dataclass(frozen=True, slots=True)
class RunningWords:
    """How a run goes on and is told; None for jobs lets rawtool choose."""

    n_jobs: int | None
    is_failing_fast: bool
    max_failures: int | None
    is_dry: bool
    talk: Talk

    @property
    def most_failures(self) -> int | None:
        """After how many failures to stop; None for never."""
        return 1 if self.is_failing_fast else self.max_failures


def stacked(*options: Decorator) -> Decorator:
    """Join options to one decorator; they stand in the help in this order."""

    def decorate(function: Callable[..., object]) -> Callable[..., object]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def _verbosity(ctx: click.Context, _param: click.Parameter, count: int) -> None:
    logs.set_level(count, is_quiet=bool(ctx.params.get("is_quiet")))


verbosity_options = stacked(
    click.option("-q", "--quiet", "is_quiet", is_flag=True, is_eager=True, help="Say errors only."),
    click.option(
        "-v",
        "--verbose",
        "verbosity",
        count=True,
        callback=_verbosity,
        expose_value=False,
        help="Say more; -vv also tracebacks.",
    ),
)

json_option = click.option("--json", "is_json", is_flag=True, help="Write JSON lines on standard output.")

input_options = stacked(
    click.argument("inputs", metavar="INPUT...", nargs=-1),
    click.option("-r", "--recursive", "is_recursive", is_flag=True, help="Search folders to the bottom."),
    click.option("--include", multiple=True, metavar="GLOB", help="Take only these; repeatable."),
    click.option("--exclude", multiple=True, metavar="GLOB", help="Leave these out; repeatable."),
    click.option("--files-from", metavar="FILE|-", help="Read more inputs from a list, one a line."),
    click.option("-0", "--null", "is_null_separated", is_flag=True, help="That list is separated by NUL."),
    click.option(
        "--stdin-name",
        default="stdin",
        show_default=True,
        metavar="NAME",
        help="What the file is called that comes through standard input (INPUT -).",
    ),
)


def output_options(of_suffix: Suffixes) -> Decorator:
    """The options that name outputs, for a command that writes these formats."""
    return stacked(
        click.option(
            "-o",
            "--output",
            metavar="PATH",
            help="A file, a folder (ends in a slash or exists), a template such as "
            "'out/{stem}_{seq:03}.jpg', or - for standard output.",
        ),
        click.option(
            "--name",
            metavar="TEMPLATE",
            help="Name of each output (default {stem}{tag}.{ext}); "
            "fields: dir reldir stem ext inext tag task model seq.",
        ),
        click.option(
            "--format",
            type=words.one_of(of_suffix.values()),
            callback=words.as_member(Format),
            help="Format of the output; else by the suffix of -o or --name.",
        ),
        click.option(
            "--tree/--flat", "is_tree", default=True, help="Keep sub-folders below -o (default), or not."
        ),
    )


tile_option = click.option(
    "--tile",
    default="auto",
    metavar="auto|N",
    callback=words.auto_or_count,
    help="Pixels of a tile's side; smaller takes less memory, the picture is the same.",
)

taken_options = stacked(
    click.option(
        "--exists",
        type=words.one_of(ExistsPolicy),
        callback=words.as_member(ExistsPolicy),
        help="What to do when an output exists (default error).",
    ),
    click.option("-f", "--force", "is_forced", is_flag=True, help="The same as --exists overwrite."),
    click.option("--skip-existing", "is_skipping", is_flag=True, help="The same as --exists skip."),
    click.option(
        "--on-collision",
        type=words.one_of(OnCollision),
        default="error",
        show_default=True,
        callback=words.as_member(OnCollision),
        help="When two inputs would be written to one name.",
    ),
)

network_options = stacked(
    click.option(
        "-m", "--model", "network", metavar="NAME", help="A model of `rawtool models list`, or a folder."
    ),
    click.option(
        "--device",
        default="auto",
        show_default=True,
        metavar="DEVICE",
        help="auto, cpu, cuda, cuda:N, mps, dml, coreml or openvino; a named one is binding.",
    ),
    click.option(
        "--runtime",
        type=click.Choice(["auto", "onnx", "torch"]),
        default="auto",
        show_default=True,
        help="What runs the networks.",
    ),
    click.option(
        "--threads", type=click.IntRange(min=1), help="Threads of each network (default all cores)."
    ),
)

precision_option = click.option(
    "--precision",
    type=words.one_of(Precision),
    default="auto",
    show_default=True,
    callback=words.as_member(Precision),
    help="Numbers of the restoration: int8, which auto takes on a processor, or fp32: slower, a bit better.",
)

running_options = stacked(
    click.option(
        "-j",
        "--jobs",
        "n_jobs",
        default="auto",
        metavar="auto|N",
        callback=words.auto_or_count,
        help="Files worked on at once.",
    ),
    click.option("--fail-fast", "is_failing_fast", is_flag=True, help="Start no more files after a failure."),
    click.option(
        "--max-failures", type=click.IntRange(min=1), help="Start no more files after so many failures."
    ),
    click.option("-n", "--dry-run", "is_dry", is_flag=True, help="Say what would be done; write nothing."),
)

talk_options = stacked(
    json_option,
    click.option(
        "--progress",
        type=click.Choice(["auto", "bar", "plain", "none"]),
        default="auto",
        show_default=True,
        help="Progress on standard error; auto draws a bar on a terminal.",
    ),
    verbosity_options,
)
