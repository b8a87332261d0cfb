"""The settings of a run: a TOML file, ``--set`` words, and their mistakes, all at once."""

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from rawtool.errors import ConfigError
from rawtool.vocabulary import Task

SIZES = ("s", "paper")
OPTIMISERS = ("adam", "muon")


@dataclass(frozen=True, slots=True)
class StageConfig:
    """One step of a recipe: how long, how fast, on what batches (crop in pixels), by which optimiser.

    No steps leave it out: what it would have made begins at random in the steps that combine it.
    """

    minutes: float
    crop: int
    batch: int
    rate: float
    steps: int = 1_000_000
    optimiser: str = "adam"

    def contradictions(self, name: str) -> list[str]:
        """Find values that no recipe can work with; name is the step's."""
        found = []
        if min(self.minutes, self.rate) <= 0 or min(self.crop, self.batch) <= 0 or self.steps < 0:
            found.append(f"{name} has a value that is not above 0 (steps may be 0)")
        if self.crop % 32:
            found.append(f"{name}.crop = {self.crop} is not a multiple of 32")
        if self.optimiser not in OPTIMISERS:
            found.append(f"{name}.optimiser = {self.optimiser!r} is neither adam nor muon")
        return found


@runtime_checkable
class RunConfig(Protocol):
    """What every recipe is told, beside its own settings: a frozen dataclass with ``StageConfig`` fields.

    loss is one of the recipe's ``losses``; hdr_share is the share of HDR scenes among the crops; workers
    are the processes that make batches. combining names the steps that tune the networks of others
    further, and under which name each of those stands in them. tasks names the steps whose weights a model
    keeps as they are, and the stage of it that does.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    recipe: ClassVar[str]
    losses: ClassVar[tuple[str, ...]]
    combining: ClassVar[Mapping[str, Mapping[str, str]]]
    tasks: ClassVar[Mapping[str, Task]]

    @property
    def size(self) -> str:
        """``s`` or ``paper``."""

    @property
    def loss(self) -> str:
        """What is minimised."""

    @property
    def seed(self) -> int:
        """Of everything random."""

    @property
    def hdr_share(self) -> float:
        """From 0 to 1."""

    @property
    def workers(self) -> int:
        """How many; 0 makes batches in the training process."""

    @property
    def validate_every_s(self) -> float:
        """Seconds between two validations."""

    def contradictions(self) -> list[str]:
        """Find values that cannot work."""


def stages_of(config: RunConfig) -> dict[str, StageConfig]:
    """Give the steps of a recipe by name, in their order."""
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    return {name: value for name, value in values.items() if isinstance(value, StageConfig)}


def steps_to_train(config: RunConfig) -> tuple[str, ...]:
    """Name the steps that are not left out, in their order."""
    return tuple(name for name, stage in stages_of(config).items() if stage.steps > 0)


def common_contradictions(config: RunConfig) -> list[str]:
    """Find values that no recipe can work with."""
    found = []
    if config.size not in SIZES:
        found.append(f"size = {config.size!r} is neither s nor paper")
    if config.loss not in config.losses:
        found.append(f"loss = {config.loss!r} is none of {', '.join(config.losses)}")
    if min(config.seed, config.workers) < 0:
        found.append("seed or workers is below 0")
    if not 0 <= config.hdr_share <= 1:
        found.append("hdr_share is not a share from 0 to 1")
    for name, stage in stages_of(config).items():
        found += stage.contradictions(name)
    if not steps_to_train(config):
        found.append("every step is left out")
    return found


Config = TypeVar("Config", bound=RunConfig)
Settings = TypeVar("Settings", bound=RunConfig | StageConfig)


def read_config(path: Path | None, overrides: tuple[str, ...], base: Config) -> Config:
    """Lay a TOML file and ``key=value`` words (``restore.rate=5e-4``) over a recipe.

    Raises:
        ConfigError: names every mistake that was found.
    """
    tree = _toml(_text(path), str(path)) if path else {}
    for word in overrides:
        _merge(tree, _toml(_as_toml(word), f"--set {word}"))
    mistakes: list[str] = []
    config = _laid_over(base, tree, "", mistakes)
    mistakes += config.contradictions()
    if mistakes:
        raise ConfigError(f"{'; '.join(mistakes)}; see docs/training.md")
    return config


def scaled(
    config: Config, max_minutes: float | None, max_steps: int | None, only: tuple[str, ...] = ()
) -> Config:
    """Fit the steps, or those of ``only``, into max_minutes by their shares, and into max_steps each."""
    total = sum(stages_of(config)[name].minutes for name in only or steps_to_train(config))
    share = 1.0 if max_minutes is None else max_minutes / total
    fitted = {
        name: dataclasses.replace(
            stage, minutes=stage.minutes * share, steps=min(stage.steps, max_steps or stage.steps)
        )
        for name, stage in stages_of(config).items()
    }
    return dataclasses.replace(config, **fitted)


def dump_config(config: RunConfig) -> str:
    """Write the settings as the TOML that ``read_config`` reads."""
    values = dataclasses.asdict(config)
    tables = {name: values.pop(name) for name in stages_of(config)}
    lines = [_line(key, value) for key, value in values.items()]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(_line(key, value) for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _line(key: str, value: object) -> str:
    return f"{key} = {json.dumps(value)}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}); name a TOML file with --config") from error


def _toml(text: str, where: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not TOML: {error}") from error


def _as_toml(word: str) -> str:
    """Quote the value of ``key=value`` where TOML would not take it as it stands."""
    key, _, value = word.partition("=")
    try:
        tomllib.loads(f"x = {value}")
    except tomllib.TOMLDecodeError:
        value = f'"{value}"'
    return f"{key} = {value}"


def _merge(tree: dict[str, object], more: dict[str, object]) -> None:
    for key, value in more.items():
        inner = tree.get(key)
        if isinstance(value, dict) and isinstance(inner, dict):
            _merge(inner, value)
        else:
            tree[key] = value


def _laid_over(base: Settings, tree: dict[str, object], where: str, mistakes: list[str]) -> Settings:
    """Replace the fields that the tree names; unknown names and wrong kinds go to mistakes."""
    known = {f.name for f in dataclasses.fields(base)}
    changes: dict[str, object] = {}
    for key, value in tree.items():
        if key not in known:
            mistakes.append(f"{where}{key} is not a setting")
            continue
        old = getattr(base, key)
        if isinstance(value, dict) and isinstance(old, StageConfig):
            changes[key] = _laid_over(old, value, f"{key}.", mistakes)
        elif isinstance(old, float) and isinstance(value, int | float) and not isinstance(value, bool):
            changes[key] = float(value)
        elif type(value) is type(old):
            changes[key] = value
        else:
            mistakes.append(f"{where}{key} = {value!r} should be a {type(old).__name__}")
    return dataclasses.replace(base, **changes)
