"""Frozen dataclasses to JSON and back, strictly: no missing, unknown or wrongly typed value passes.

A field with a default may be missing: it is younger than the file.
"""

import dataclasses
import json
import types
import typing
from enum import Enum

from rawtool.errors import ModelContractError

Json: typing.TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
T = typing.TypeVar("T")


def dumps(value: object) -> str:
    """Write a dataclass as indented JSON, keys in the order of its fields."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def loads(cls: type[T], text: str) -> T:
    """Read a dataclass of type cls; ModelContractError names the first field that does not fit."""
    try:
        tree = json.loads(text)
    except ValueError as error:
        raise ModelContractError(f"the card is not JSON ({error}); fetch the model again") from error
    return typing.cast(T, _read(cls, tree, "card"))


def _plain(value: object) -> Json:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return typing.cast(Json, value.value)
    return typing.cast(Json, value)


def _read(kind: object, tree: Json, where: str) -> object:
    """Read a value of the annotated type kind out of a JSON tree."""
    if isinstance(kind, types.UnionType):
        if tree is None and type(None) in typing.get_args(kind):
            return None
        return _read(next(k for k in typing.get_args(kind) if k is not type(None)), tree, where)
    if typing.get_origin(kind) is tuple:
        return _read_tuple(kind, tree, where)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _read_dataclass(kind, tree, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _read_enum(kind, tree, where)
    return _read_scalar(kind, tree, where)


def _read_tuple(kind: object, tree: Json, where: str) -> tuple[object, ...]:
    if not isinstance(tree, list):
        raise _refusal(where, "is not a list")
    item = typing.get_args(kind)[0]
    return tuple(_read(item, value, f"{where}[{index}]") for index, value in enumerate(tree))


def _read_dataclass(kind: type, tree: Json, where: str) -> object:
    if not isinstance(tree, dict):
        raise _refusal(where, "is not an object")
    hints = typing.get_type_hints(kind)
    younger = {field.name for field in dataclasses.fields(kind) if field.default is not dataclasses.MISSING}
    for name in sorted((tree.keys() ^ hints.keys()) - (younger - tree.keys())):
        raise _refusal(f"{where}.{name}", "is missing" if name in hints else "is unknown here")
    found = {name: hint for name, hint in hints.items() if name in tree}
    return kind(**{name: _read(hint, tree[name], f"{where}.{name}") for name, hint in found.items()})


def _read_enum(kind: type[Enum], tree: Json, where: str) -> Enum:
    for member in kind:
        if member.value == tree:
            return member
    raise _refusal(where, f"is {tree!r}, not one of " + ", ".join(str(member.value) for member in kind))


def _read_scalar(kind: object, tree: Json, where: str) -> object:
    if kind is float and type(tree) is int:
        return float(tree)
    if type(tree) is not kind:
        raise _refusal(where, f"is {tree!r}, not of type {getattr(kind, '__name__', kind)}")
    return tree


def _refusal(where: str, why: str) -> ModelContractError:
    return ModelContractError(f"{where} {why}; the model needs another version of rawtool or is damaged")
