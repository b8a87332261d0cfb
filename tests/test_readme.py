"""The README and the manual speak the command line's language, and leave no command out."""

import re
import shlex
from pathlib import Path

import click
import pytest

from rawtool.cli import main as cli_main
from rawtool.vocabulary import ExitCode
from tests import house

PAGES = [house.ROOT / "README.md", *sorted((house.ROOT / "docs").glob("*.md"))]
README = PAGES[0].read_text(encoding="utf-8")
PAGE_OF = {
    "develop": "develop.md",
    "hdr": "hdr.md",
    "pack": "pack.md",
    "unpack": "pack.md",
    "models": "models.md",
    "train": "training.md",
    "info": "tools.md",
    "compare": "tools.md",
    "doctor": "tools.md",
}
# Said once, in the page of develop.
EVERYWHERE = frozenset({"--json", "--quiet", "--verbose"})
OPERATORS = frozenset({"|", "||", "&&", ";", ";;", "&", ">", ">>", "<", "(", ")"})
SHELL_WORDS = frozenset({"do", "done", "then", "else", "fi", "if", "while", "xargs", "time"})


def top_command() -> click.Group:
    """The group that the command line hangs from, wherever it is defined."""
    return next(thing for thing in vars(cli_main).values() if isinstance(thing, click.Group))


def shell_lines(page: Path) -> list[str]:
    """The lines of the page's shell blocks, continuations joined, prompts and comments dropped."""
    blocks = re.findall(
        r"^```(?:sh|console)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.strip() and not line.lstrip().startswith("#")]


def rawtool_calls(line: str) -> list[list[str]]:
    """The words after each ``rawtool`` of a shell line, up to the next operator."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    calls: list[list[str]] = []
    is_inside = False
    at_start = True
    for word in lexer:
        if word in OPERATORS:
            is_inside, at_start = False, True
        elif is_inside:
            calls[-1].append(word)
        elif at_start and Path(word).name == "rawtool":
            is_inside = True
            calls.append([])
        else:
            at_start = word in SHELL_WORDS or "=" in word
    return calls


def walk(group: click.Group, prefix: str = "") -> dict[str, click.Command]:
    """Every command below the group by its full name, groups included."""
    context = click.Context(group)
    found: dict[str, click.Command] = {}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found[f"{prefix}{name}"] = command
        if isinstance(command, click.Group):
            found |= walk(command, f"{prefix}{name} ")
    return found


def parse(command: click.Command, words: list[str], parent: click.Context | None = None) -> list[str]:
    """Read the words as the command would, without running it; the names of the commands are returned."""
    if not isinstance(command, click.Group):
        command.make_context(command.name, list(words), parent=parent)
        return []
    context = click.Context(command, parent=parent, info_name=command.name)
    _, rest, _ = command.make_parser(context).parse_args(list(words))
    inner = command.get_command(context, rest[0]) if rest else None
    assert inner is not None, f"{command.name} has no command {rest[:1]}"
    return [rest[0], *parse(inner, rest[1:], context)]


def calls_of(page: Path) -> list[str]:
    return [shlex.join(words) for line in shell_lines(page) for words in rawtool_calls(line)]


@pytest.mark.parametrize(
    ("page", "call"),
    [pytest.param(page, call, id=f"{page.stem}: {call}") for page in PAGES for call in calls_of(page)],
)
def test_every_command_in_the_manual_is_understood(page, call):
    words = shlex.split(call)

    assert parse(top_command(), words)


@pytest.mark.parametrize("name", sorted(walk(top_command())))
def test_every_command_is_in_the_readme(name):
    assert re.search(rf"\brawtool {name}\b", README)


@pytest.mark.parametrize("name", sorted(walk(top_command())))
def test_every_command_and_every_option_says_what_it_does(name):
    command = walk(top_command())[name]
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]

    assert command.get_short_help_str()
    assert [option.opts[0] for option in options if not option.help] == []


@pytest.mark.parametrize("name", sorted(walk(top_command())))
def test_every_option_is_in_the_page_of_its_command(name):
    page = (house.ROOT / "docs" / PAGE_OF[name.split()[0]]).read_text(encoding="utf-8")
    parameters = walk(top_command())[name].params
    options = [max(each.opts, key=len) for each in parameters if isinstance(each, click.Option)]

    assert [option for option in options if option not in EVERYWHERE and f"`{option}" not in page] == []


def test_the_exit_codes_of_the_readme_are_those_of_the_program():
    table = README.split("## Exit codes")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \|", table, re.MULTILINE)

    assert [int(row) for row in rows] == [int(code) for code in ExitCode]


def test_the_walk_of_the_readme_names_files_that_exist():
    table = README.split("## The walk of a raw file")[1].split("\n## ")[0]
    files = re.findall(r"`(\w+/\w+\.py)`", table)

    assert len(files) >= 10
    assert [name for name in files if not (house.PACKAGE / name).is_file()] == []


@pytest.mark.parametrize("name", ["develop", "tests"])
def test_the_two_commands_that_the_checks_run_are_one_line_each(name):
    block = re.search(rf"<!-- command: {name} -->\n```sh\n(.*?)```", README, re.DOTALL)

    assert block
    assert len(block[1].splitlines()) == 1


def test_words_of_a_loop_are_found():
    line = 'for f in *.dng; do rawtool develop "$f" -o out/ || echo "$f" >> failed; done'

    assert rawtool_calls(line) == [["develop", "$f", "-o", "out/"]]


def test_a_mistyped_option_is_noticed():
    with pytest.raises(click.NoSuchOption):
        parse(top_command(), ["develop", "a.dng", "--qualty", "90"])
