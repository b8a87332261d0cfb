"""Values to JSON and back, strictly: what is written is read back exactly, and nothing else passes.

A form says how one kind of value stands in JSON. Numbers keep every bit: JSON has the shortest decimals that
give the same float64; what is not finite stands as text.
"""

import base64
import json
import math
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from rawtool.arrays import AnyArray, Plane
from rawtool.errors import DamagedSidecarError, NewerSidecarError

# What json.loads gives and json.dumps takes: every value is looked at before it is believed.
Json: typing.TypeAlias = object
T = typing.TypeVar("T")
E = typing.TypeVar("E", bound=Enum)

_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True, slots=True)
class Form(typing.Generic[T]):
    """How a value becomes JSON, and how it is read from there; the text names the place in errors."""

    write: Callable[[T], Json]
    read: Callable[[Json, str], T]


def dumps(form: Form[T], value: T) -> bytes:
    """Return a value as JSON in one line of ASCII, keys in the order of the form."""
    return json.dumps(form.write(value), separators=(",", ":"), allow_nan=False).encode("ascii")


def loads(form: Form[T], content: bytes) -> T:
    """Return the value in JSON.

    Raises:
        DamagedSidecarError: no JSON, or a value is missing or of another type than the form's.
        NewerSidecarError: there is a value that the form does not know.
    """
    try:
        tree = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise refusal("the whole", "is not JSON") from error
    return form.read(tree, "the whole")


def refusal(where: str, why: str) -> DamagedSidecarError:
    """Return the error for a place that does not fit."""
    return DamagedSidecarError(f"the raw inside is damaged: {where} {why}; take another copy of the file")


def optional(form: Form[T]) -> Form[T | None]:
    """Return the form of a value that may be None."""
    return Form(
        lambda value: None if value is None else form.write(value),
        lambda tree, where: None if tree is None else form.read(tree, where),
    )


def several(form: Form[T], n_items: int | None = None) -> Form[tuple[T, ...]]:
    """Return the form of a tuple of values, of n_items of them where that is said."""

    def read(tree: Json, where: str) -> tuple[T, ...]:
        if not isinstance(tree, list) or (n_items is not None and len(tree) != n_items):
            raise refusal(where, "is no list" if n_items is None else f"is no list of {n_items}")
        return tuple(form.read(item, f"{where}[{index}]") for index, item in enumerate(tree))

    return Form(lambda values: [form.write(value) for value in values], read)


def choice(kind: type[E]) -> Form[E]:
    """Return the form of a member of an enumeration, which stands by its value."""

    def read(tree: Json, where: str) -> E:
        for member in kind:
            if type(tree) is type(member.value) and tree == member.value:
                return member
        raise refusal(where, f"is none of the {len(kind)} that are known")

    return Form(lambda member: member.value, read)


def record(kind: type[T], fields: Mapping[str, Form[typing.Any]]) -> Form[T]:
    """Return the form of an object with these attributes, made from them by its keywords."""

    def read(tree: Json, where: str) -> T:
        if not isinstance(tree, dict):
            raise refusal(where, "is no object")
        for name in sorted(fields.keys() - tree.keys()):
            raise refusal(f"{where}.{name}", "is missing")
        for name in sorted(tree.keys() - fields.keys()):
            raise NewerSidecarError(f"the raw inside says {name[:40]!r}, unknown here; update rawtool")
        return kind(**{name: form.read(tree[name], f"{where}.{name}") for name, form in fields.items()})

    return Form(lambda value: {name: form.write(getattr(value, name)) for name, form in fields.items()}, read)


def numbers(*shape: int) -> Form[AnyArray]:
    """Return the form of a float64 array of this shape: its numbers row by row."""
    flat = several(NUMBER, math.prod(shape))
    return Form(
        lambda array: flat.write(tuple(array.ravel().tolist())),
        lambda tree, where: np.array(flat.read(tree, where), np.float64).reshape(shape),
    )


def _read_whole(tree: Json, where: str) -> int:
    if type(tree) is not int:
        raise refusal(where, "is no whole number")
    return tree


def _read_flag(tree: Json, where: str) -> bool:
    if type(tree) is not bool:
        raise refusal(where, "is neither true nor false")
    return tree


def _read_text(tree: Json, where: str) -> str:
    if type(tree) is not str:
        raise refusal(where, "is no text")
    return tree


def _write_number(value: float) -> Json:
    return float(value) if math.isfinite(value) else str(float(value))


def _read_number(tree: Json, where: str) -> float:
    if isinstance(tree, str) and tree in _NOT_FINITE:
        return _NOT_FINITE[tree]
    if type(tree) is not float or not math.isfinite(tree):
        raise refusal(where, "is no number")
    return tree


def _write_plane(plane: Plane) -> Json:
    content = plane.astype("<f4").tobytes()
    return [*plane.shape, base64.b64encode(content).decode("ascii")]


def _read_plane(tree: Json, where: str) -> Plane:
    if not isinstance(tree, list) or len(tree) != 3:
        raise refusal(where, "is no plane")
    rows, columns = _read_whole(tree[0], where), _read_whole(tree[1], where)
    try:
        content = base64.b64decode(_read_text(tree[2], where), validate=True)
    except ValueError as error:
        raise refusal(where, "is no plane") from error
    if min(rows, columns) < 1 or len(content) != 4 * rows * columns:
        raise refusal(where, f"is no plane of {rows} by {columns}")
    return np.frombuffer(content, "<f4").reshape(rows, columns).astype(np.float32)


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


WHOLE: Form[int] = Form(int, _read_whole)
FLAG: Form[bool] = Form(bool, _read_flag)
TEXT: Form[str] = Form(str, _read_text)
NUMBER: Form[float] = Form(_write_number, _read_number)
PLANE: Form[Plane] = Form(_write_plane, _read_plane)
"""A float32 array (rows, columns): its sides and its bytes, little-endian, in base64."""
