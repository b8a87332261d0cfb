"""Names of outputs: templates with fields in braces, such as ``{stem}{tag}.{ext}``."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from string import Formatter

from rawtool.errors import UsageError

DEFAULT_NAME = "{stem}{tag}.{ext}"
FIELDS = ("dir", "reldir", "stem", "ext", "inext", "tag", "task", "model", "seq")
FOLDER_FIELDS = frozenset({"dir", "reldir"})
# What Windows, SMB shares and POSIX between them refuse inside one name.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_SEQ_FORMAT = re.compile(r"0?[1-9][0-9]?")


@dataclass(frozen=True, slots=True)
class NameFacts:
    """What the fields of a template stand for, for one input.

    dir and reldir are folders (reldir is relative to the folder or pattern that was searched, empty for
    a file that was named); ext and inext have no dot; network is what
    ``{model}`` stands for; seq counts from 1.
    """

    dir: str
    reldir: str
    stem: str
    ext: str
    inext: str
    tag: str
    task: str
    network: str
    seq: int


@dataclass(frozen=True, slots=True)
class Part:
    """Literal text, followed by one field unless field is empty."""

    literal: str
    field: str = ""
    format: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read and found right."""

    text: str
    parts: tuple[Part, ...]

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it uses."""
        return frozenset(part.field for part in self.parts if part.field)

    @property
    def tail(self) -> str | None:
        """The literal text after the last field; None when the template ends in a field."""
        return None if not self.parts or self.parts[-1].field else self.parts[-1].literal

    def fill(self, facts: NameFacts) -> str:
        """Put the facts of one input into the template."""
        return "".join(part.literal + (_value(part, facts) if part.field else "") for part in self.parts)


def parse_template(text: str) -> Template:
    """Read a template.

    Raises:
        UsageError: an unknown field, an unpaired brace, or a format that the field does not take.
    """
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise UsageError(f"template {text!r}: {error}; write {{{{ or }}}} for a brace in a name") from error
    return Template(text, tuple(_part(text, *piece) for piece in pieces))


def file_safe(value: str) -> str:
    """Replace what cannot stand in a file's name on some system by an underscore."""
    return _UNSAFE.sub("_", value)


def _part(text: str, literal: str, field: str | None, layout: str | None, conversion: str | None) -> Part:
    if field is None:
        return Part(literal)
    name, _, default = field.partition("|")
    if name not in FIELDS:
        raise UsageError(f"template {text!r}: unknown field {{{name}}}; {_suggestion(name)}")
    is_number = name == "seq" and _SEQ_FORMAT.fullmatch(layout or "1")
    if conversion or (layout and not is_number):
        raise UsageError(f"template {text!r}: {{{name}}} takes no such format; only {{seq:04}} has one")
    return Part(literal, name, layout or "", default)


def _suggestion(name: str) -> str:
    near = get_close_matches(name.lower(), FIELDS, n=1)
    if near:
        return f"did you mean {{{near[0]}}}?"
    return "the fields are " + " ".join(f"{{{field}}}" for field in FIELDS)


def _value(part: Part, facts: NameFacts) -> str:
    if part.field == "seq":
        return format(facts.seq, part.format)
    value = str(getattr(facts, "network" if part.field == "model" else part.field)) or part.default
    return value if part.field in FOLDER_FIELDS else file_safe(value)
