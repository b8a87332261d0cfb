"""Where a run writes: ``-o``, ``--name`` and ``--format`` become one path an input."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from rawtool.batch.inputs import Found
from rawtool.batch.names import DEFAULT_NAME, FOLDER_FIELDS, NameFacts, Template, parse_template
from rawtool.errors import UsageError
from rawtool.vocabulary import Format

Suffixes = Mapping[str, Format]
"""The formats that a command writes, by the suffixes that stand for them."""

FORMAT_OF_SUFFIX: Suffixes = {
    ".jpg": Format.JPEG,
    ".jpeg": Format.JPEG,
    ".tif": Format.TIFF,
    ".tiff": Format.TIFF,
    ".png": Format.PNG,
    ".exr": Format.EXR,
    ".dng": Format.DNG,
}

HDR_OF_SUFFIX: Suffixes = {
    ".exr": Format.EXR,
    ".hdr": Format.RADIANCE,
    ".tif": Format.TIFF,
    ".tiff": Format.TIFF,
    ".avif": Format.AVIF,
    ".jxl": Format.JXL,
    ".png": Format.PNG,
    ".jpg": Format.UHDR,
    ".jpeg": Format.UHDR,
}

PACKED_OF_SUFFIX: Suffixes = {".jpg": Format.JPEG, ".jpeg": Format.JPEG}

UNPACKED_OF_SUFFIX: Suffixes = {
    ".dng": Format.DNG,
    ".tif": Format.TIFF,
    ".tiff": Format.TIFF,
    ".npy": Format.NPY,
}


class OutputKind(Enum):
    """What ``-o`` stands for."""

    BESIDE = "beside the input"
    FOLDER = "a folder"
    FILE = "one file"
    TEMPLATE = "a name an input"


@dataclass(frozen=True, slots=True)
class Naming:
    """What the user said about outputs; None where nothing was said.

    also are formats that are written beside the first; sheet says where a preview goes.
    """

    output: str | None = None
    name: str | None = None
    format: Format | None = None
    is_tree: bool = True
    also: tuple[Format, ...] = ()
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class JobWords:
    """What the fields ``{tag}``, ``{task}`` and ``{model}`` stand for in this run."""

    tag: str
    task: str
    network: str


@dataclass(frozen=True, slots=True)
class Destination:
    """``-o``, ``--name`` and ``--format`` after they were read and found to agree."""

    kind: OutputKind
    folder: Template | None
    name: Template
    format: Format
    is_tree: bool

    @property
    def fields(self) -> frozenset[str]:
        """The fields that its templates use."""
        return self.name.fields | (self.folder.fields if self.folder is not None else frozenset())

    def target(self, found: Found, words: JobWords, seq: int) -> Path:
        """Say where the output of one input goes."""
        facts = _facts(found, words, self.format, seq)
        name = self.name.fill(facts)
        if self.kind in {OutputKind.FILE, OutputKind.TEMPLATE}:
            return Path(name)
        if self.folder is None:
            return found.path.parent / name
        keeps_tree = self.is_tree and not self.fields & FOLDER_FIELDS
        below = Path(facts.reldir) if keeps_tree else Path()
        return Path(self.folder.fill(facts)) / below / name


def split_positionals(
    words: tuple[str, ...],
    output: str | None,
    readable: frozenset[str],
    of_suffix: Suffixes = FORMAT_OF_SUFFIX,
) -> tuple[tuple[str, ...], str | None]:
    """Tell ``IN OUT`` from two inputs.

    Two words and no ``-o`` are input and output if the second is an existing folder, ends in a slash, or
    has an output suffix and is not an existing file that could be read (suffix in readable).
    """
    if len(words) != 2 or output is not None:
        return words, output
    return (words[:1], words[1]) if _is_output(words[1], readable, of_suffix) else (words, None)


def read_destination(naming: Naming, default: Format, of_suffix: Suffixes = FORMAT_OF_SUFFIX) -> Destination:
    """Read ``-o``, ``--name`` and ``--format`` together.

    Raises:
        UsageError: they do not agree, or a template is wrong.
    """
    kind = _kind(naming.output)
    is_whole_path = kind in {OutputKind.FILE, OutputKind.TEMPLATE}
    if is_whole_path and naming.name is not None:
        raise UsageError(
            f"-o {naming.output} is a whole name already; leave --name out, or end -o in a slash"
        )
    text = naming.output if is_whole_path and naming.output else naming.name or DEFAULT_NAME
    name = _literal(text) if kind is OutputKind.FILE else parse_template(text)
    folder = _folder(naming.output) if kind is OutputKind.FOLDER and naming.output else None
    return Destination(kind, folder, name, _format(name, naming, default, of_suffix), naming.is_tree)


def _is_output(word: str, readable: frozenset[str], of_suffix: Suffixes) -> bool:
    path = Path(word)
    if path.is_dir() or word.endswith(("/", os.sep)):
        return True
    is_input = path.is_file() and path.suffix.lower() in readable
    return path.suffix.lower() in of_suffix and not is_input


def _kind(output: str | None) -> OutputKind:
    if output is None:
        return OutputKind.BESIDE
    if not output:
        raise UsageError("-o is empty; name a file, a folder or a template")
    if Path(output).is_dir() or output.endswith(("/", os.sep)):
        return OutputKind.FOLDER
    return OutputKind.TEMPLATE if parse_template(output).fields else OutputKind.FILE


def _folder(output: str) -> Template:
    return _literal(output) if Path(output).is_dir() else parse_template(output)


def _literal(text: str) -> Template:
    if Path(text).exists():
        return Template(text, parse_template(text.replace("{", "{{").replace("}", "}}")).parts)
    return parse_template(text)


def _format(name: Template, naming: Naming, default: Format, of_suffix: Suffixes) -> Format:
    suffix = _suffix(name)
    if suffix is None:
        return naming.format or default
    asked = naming.format
    if suffix == "" and asked is not None and name.text == naming.output:
        return asked
    implied = of_suffix.get(suffix.lower())
    if implied is None:
        kinds = " ".join(sorted(of_suffix))
        said = f"ends in {suffix}" if suffix else "has no suffix"
        raise UsageError(f"output {name.text} {said}; use one of {kinds}, or end it in a slash for a folder")
    if asked is not None and asked is not implied:
        raise UsageError(
            f"--format {asked.value} and the suffix of {name.text} disagree; leave one of them out"
        )
    return implied


def _suffix(name: Template) -> str | None:
    """Return the literal suffix, empty when there is none, None when ``{ext}`` supplies it."""
    tail = name.tail
    if tail is None:
        return None if name.parts and name.parts[-1].field == "ext" else ""
    dot = tail.rfind(".")
    is_hidden_name = dot == 0 and len(name.parts) == 1
    return "" if dot < 0 or "/" in tail[dot:] or is_hidden_name else tail[dot:]


def _facts(found: Found, words: JobWords, kind: Format, seq: int) -> NameFacts:
    below = found.below_root.parent
    return NameFacts(
        dir=str(found.path.parent),
        reldir="" if below == Path() else str(below),
        stem=found.path.stem,
        ext=kind.suffix,
        inext=found.path.suffix[1:],
        tag=words.tag,
        task=words.task,
        network=words.network,
        seq=seq,
    )
