"""Which files a run reads: names, folders, patterns and lists become one ordered list of files."""

import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from rawtool.errors import InputError, NoInputError, UsageError

_log = logging.getLogger(__name__)
_MAGIC = re.compile(r"[*?\[]")
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Selection:
    """What the user asked for.

    inputs are files, folders or patterns as typed; files_from names a list of more (``-`` is standard
    input), NUL-separated when is_null_separated. include and exclude are patterns: with a slash they are
    held against the path below the searched folder, without against the name. stdin_name is what a file that
    comes through standard input is called.
    """

    inputs: tuple[str, ...]
    files_from: str | None = None
    is_null_separated: bool = False
    is_recursive: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    stdin_name: str = "stdin"


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read. root is the folder that was searched, None for a file that was named."""

    path: Path
    root: Path | None = None

    @property
    def below_root(self) -> Path:
        """The path below the searched folder; the bare name of a file that was named."""
        return Path(self.path.name) if self.root is None else self.path.relative_to(self.root)


def find_inputs(selection: Selection, suffixes: frozenset[str]) -> tuple[Found, ...]:
    """List the files to read, each once, in the order of the words and naturally sorted within each.

    suffixes (lower case, with dot) tell which files of a folder or pattern count; a file that was named
    is taken as it is, even when it does not exist (its own report says so later).

    Raises:
        NoInputError: nothing matched.
    """
    words = (*selection.inputs, *_listed(selection))
    found = (each for word in words for each in _expand(word, suffixes, is_recursive=selection.is_recursive))
    unique: dict[str, Found] = {}
    for each in found:
        if _is_wanted(each, selection):
            unique.setdefault(os.path.normpath(each.path.absolute()), each)
    if not unique:
        said = " ".join(words) or "an empty list"
        raise NoInputError(f"no input matched {said}; name files, folders (-r for sub-folders) or patterns")
    return tuple(unique.values())


def natural_key(path: Path) -> tuple[tuple[tuple[int, str], ...], ...]:
    """Sort key in which img2 comes before img10."""
    return tuple(tuple(_chunk(text) for text in _DIGITS.split(part.casefold())) for part in path.parts)


def _chunk(text: str) -> tuple[int, str]:
    return (int(text), "") if text.isdecimal() else (-1, text)


def _listed(selection: Selection) -> tuple[str, ...]:
    if selection.files_from is None:
        return ()
    content = _list_bytes(selection.files_from)
    lines = content.split(b"\0") if selection.is_null_separated else content.splitlines()
    return tuple(os.fsdecode(line) for line in lines if line.strip())


def _list_bytes(source: str) -> bytes:
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise InputError(f"the list of files {source} cannot be read; {error.strerror}") from error


def _expand(word: str, suffixes: frozenset[str], *, is_recursive: bool) -> Iterator[Found]:
    path = Path(word)
    if word == "-":
        raise UsageError("this cannot be read from standard input; name a file, or use --files-from -")
    if path.is_dir():
        yield from _below(path, None if is_recursive else 1, suffixes)
    elif os.path.lexists(path) or not _MAGIC.search(word):
        yield Found(path)
    else:
        yield from _matching(path, suffixes)


def _below(folder: Path, depth: int | None, suffixes: frozenset[str]) -> Iterator[Found]:
    files = [path for path in _walk(folder, depth, set()) if path.suffix.lower() in suffixes]
    yield from (Found(path, folder) for path in sorted(files, key=natural_key))


def _matching(pattern: Path, suffixes: frozenset[str]) -> Iterator[Found]:
    n_fixed = next(i for i, part in enumerate(pattern.parts) if _MAGIC.search(part))
    root, wild = Path(*pattern.parts[:n_fixed]), pattern.parts[n_fixed:]
    depth = None if "**" in wild else len(wild)
    if not root.is_dir():
        return
    for found in _below(root, depth, suffixes):
        if _parts_match(found.below_root.parts, wild):
            yield found


def _walk(folder: Path, depth: int | None, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """Yield the files below a folder, hidden and partial ones left out; each folder once, so loops end."""
    if depth == 0:
        return
    for entry in _entries(folder, seen):
        if entry.name.startswith(".") or entry.name.endswith(".part"):
            continue
        if entry.is_dir():
            yield from _walk(Path(entry.path), None if depth is None else depth - 1, seen)
        elif entry.is_file():
            yield Path(entry.path)


def _entries(folder: Path, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """List a folder, real folders before linked ones; nothing when it was seen or cannot be read."""
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            return []
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: (entry.is_symlink(), entry.name))
    except OSError as error:
        _log.warning("%s: the folder cannot be read (%s); its files are left out", folder, error.strerror)
        return []


def _parts_match(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_parts_match(parts[i:], pattern[1:]) for i in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _parts_match(parts[1:], pattern[1:])


def _is_wanted(found: Found, selection: Selection) -> bool:
    is_included = not selection.include or _any_matches(found, selection.include)
    return is_included and not _any_matches(found, selection.exclude)


def _any_matches(found: Found, patterns: Iterable[str]) -> bool:
    return any(_one_matches(found, pattern) for pattern in patterns)


def _one_matches(found: Found, pattern: str) -> bool:
    if "/" in pattern:
        return _parts_match(found.below_root.parts, Path(pattern).parts)
    return fnmatchcase(found.path.name, pattern)
