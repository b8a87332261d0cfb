"""Words of the command line that click has no type for, and what they become."""

import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import TypeVar

import click

from rawtool.vocabulary import Profile

E = TypeVar("E", bound=Enum)
T = TypeVar("T")
Read = Callable[[click.Context, click.Parameter, str | None], T]

MOST_NITS = 10_000.0
MOST_LIGHT = 60000.0
"""What PQ can hold (SMPTE ST 2084)."""

_SIZE = re.compile(r"[1-9]\d{0,5}(x[1-9]\d{0,5})?|[1-9]\d{0,2}(\.\d+)?%")


def one_of(members: Iterable[Enum]) -> click.Choice[str]:
    """The values of an enum, or of some of its members, as the choices of an option."""
    values = (str(member.value) for member in members)
    return click.Choice(list(dict.fromkeys(values)), case_sensitive=False)


def as_member(kind: type[E]) -> Read[E | None]:
    """Turn the chosen word into the enum's member; None stays None."""

    def read(_ctx: click.Context, _param: click.Parameter, word: str | None) -> E | None:
        return None if word is None else kind(word)

    return read


def as_members(kind: type[E]) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], tuple[E, ...]]:
    """Turn the chosen words of a repeatable option into the enum's members, each once."""

    def read(_ctx: click.Context, _param: click.Parameter, chosen: tuple[str, ...]) -> tuple[E, ...]:
        return tuple(dict.fromkeys(kind(word) for word in chosen))

    return read


def auto_or_count(_ctx: click.Context, _param: click.Parameter, word: str | None) -> int | None:
    """Read ``auto`` as None, a positive whole number as itself."""
    if word is None or word == "auto":
        return None
    if not word.isascii() or not word.isdecimal() or int(word) < 1:
        raise click.BadParameter(f"{word!r} is neither auto nor a positive whole number")
    return int(word)


def auto_or_nits(_ctx: click.Context, _param: click.Parameter, word: str | None) -> float | None:
    """Read ``auto`` as None, a luminance in cd/m2 up to that of PQ as itself."""
    if word is None or word == "auto":
        return None
    try:
        nits = float(word)
    except ValueError:
        nits = 0.0
    if not 1.0 <= nits <= MOST_NITS:
        raise click.BadParameter(f"{word!r} is neither auto nor a luminance from 1 to {MOST_NITS:g} cd/m2")
    return nits


def light_scale(_ctx: click.Context, _param: click.Parameter, word: str) -> tuple[float | None, float | None]:
    """Read ``preserve``, ``percentile=P`` or ``max=N`` as (percentile, highest), None where not named."""
    kind, _, number = word.partition("=")
    try:
        value = float(number or 0.0)
    except ValueError:
        value = 0.0
    if word == "preserve":
        return None, None
    if kind == "percentile" and 0.0 < value <= 100.0:
        return value, None
    if kind == "max" and 0.0 < value <= MOST_LIGHT:
        return None, value
    raise click.BadParameter(
        f"{word!r} is none of preserve, percentile=P (above 0, to 100) and max=N (above 0, to {MOST_LIGHT:g})"
    )


def input_space(_ctx: click.Context, _param: click.Parameter, word: str | None) -> Profile | None:
    """Read ``auto`` as None, ``linear`` as light of sRGB's primaries, else the name of a profile."""
    if word is None or word == "auto":
        return None
    return Profile.LINEAR_SRGB if word == "linear" else Profile(word)


def base_picture(_ctx: click.Context, _param: click.Parameter, word: str) -> str:
    """Read ``develop``, ``camera`` or the name of a JPEG."""
    if word in {"develop", "camera"} or word.lower().endswith((".jpg", ".jpeg")):
        return word
    raise click.BadParameter(f"{word!r} is neither develop nor camera nor a file that ends in .jpg")


def white_balance(_ctx: click.Context, _param: click.Parameter, word: str | None) -> str:
    """Read ``camera``, ``auto`` or three positive gains ``R,G,B``."""
    if word is None or word in {"camera", "auto"}:
        return word or "camera"
    try:
        gains = [float(part) for part in word.split(",")]
    except ValueError:
        gains = []
    if len(gains) != 3 or not all(0.0 < gain < 100.0 for gain in gains):
        raise click.BadParameter(f"{word!r} is not camera, auto or three positive gains such as 2.0,1,1.5")
    return ",".join(f"{gain:g}" for gain in gains)


def picture_size(_ctx: click.Context, _param: click.Parameter, word: str | None) -> str | None:
    """Read the size of the output: ``WxH``, ``N%`` or its longest side."""
    if word is not None and not _SIZE.fullmatch(word):
        raise click.BadParameter(f"{word!r} is no size; write 1920x1080, 50% or the longest side 2048")
    return word
