"""The settings of a CameraNet run: a TOML file, ``--set`` words, and their mistakes, all at once."""

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from rawtool.errors import ConfigError


@dataclass(frozen=True, slots=True)
class StageConfig:
    """One step of the recipe: how long, how fast, on what batches (crop in pixels)."""

    minutes: float
    crop: int
    batch: int
    rate: float
    steps: int = 1_000_000


@dataclass(frozen=True, slots=True)
class CameraNetConfig:
    """The recipe. The defaults of size s made the shipped model.

    loss is ``encoded`` (L1 and RMS of square-root-encoded light) or ``paper`` (L1 and log-L1 of light).
    balance is the share of the restoration in the joint loss (the paper's lambda); hdr_share the share
    of HDR scenes among the crops; workers the processes that make batches. A batch of the steps
    enhance and joint is a multiple of crops_per_frame.
    """

    size: str = "s"
    loss: str = "encoded"
    seed: int = 1
    balance: float = 0.5
    hdr_share: float = 0.6
    crops_per_frame: int = 8
    workers: int = 1
    validate_every_s: float = 300.0
    restore: StageConfig = field(default_factory=lambda: StageConfig(78.0, 160, 10, 1.5e-3))
    enhance: StageConfig = field(default_factory=lambda: StageConfig(13.0, 256, 16, 2e-3))
    joint: StageConfig = field(default_factory=lambda: StageConfig(6.0, 192, 8, 1e-4))

    def stages(self) -> dict[str, StageConfig]:
        """Give the three steps by name, in their order."""
        return {"restore": self.restore, "enhance": self.enhance, "joint": self.joint}


Settings = TypeVar("Settings", StageConfig, CameraNetConfig)

PAPER = CameraNetConfig(
    size="paper",
    loss="paper",
    restore=StageConfig(240.0, 512, 1, 1e-4),
    enhance=StageConfig(120.0, 512, 1, 1e-4),
    joint=StageConfig(60.0, 512, 1, 1e-5),
    crops_per_frame=1,
)
"""The paper's rates and losses, on 512-pixel crops as its published code has them."""


def read_config(path: Path | None, overrides: tuple[str, ...], base: CameraNetConfig) -> CameraNetConfig:
    """Lay a TOML file and ``key=value`` words (``restore.rate=5e-4``) over a recipe.

    Raises:
        ConfigError: names every mistake that was found.
    """
    tree = _toml(_text(path), str(path)) if path else {}
    for word in overrides:
        _merge(tree, _toml(_as_toml(word), f"--set {word}"))
    mistakes: list[str] = []
    config = _laid_over(base, tree, "", mistakes)
    mistakes += _contradictions(config)
    if mistakes:
        raise ConfigError(f"{'; '.join(mistakes)}; see docs/training.md")
    return config


def scaled(config: CameraNetConfig, max_minutes: float | None, max_steps: int | None) -> CameraNetConfig:
    """Fit the steps into max_minutes, each keeping its share, and into max_steps each."""
    total = sum(stage.minutes for stage in config.stages().values())
    share = 1.0 if max_minutes is None else max_minutes / total
    fitted = {
        name: dataclasses.replace(
            stage, minutes=stage.minutes * share, steps=min(stage.steps, max_steps or stage.steps)
        )
        for name, stage in config.stages().items()
    }
    return dataclasses.replace(
        config, restore=fitted["restore"], enhance=fitted["enhance"], joint=fitted["joint"]
    )


def dump_config(config: CameraNetConfig) -> str:
    """Write the settings as the TOML that ``read_config`` reads."""
    values = dataclasses.asdict(config)
    tables = {name: values.pop(name) for name in config.stages()}
    lines = [_line(key, value) for key, value in values.items()]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(_line(key, value) for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _line(key: str, value: object) -> str:
    return f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}"


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
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def _contradictions(config: CameraNetConfig) -> list[str]:
    """Find values that cannot work."""
    found = []
    if config.size not in ("s", "paper"):
        found.append(f"size = {config.size!r} is neither s nor paper")
    if config.loss not in ("encoded", "paper"):
        found.append(f"loss = {config.loss!r} is neither encoded nor paper")
    if min(config.seed, config.workers) < 0:
        found.append("seed or workers is below 0")
    if not (0 <= config.balance <= 1 and 0 <= config.hdr_share <= 1):
        found.append("balance or hdr_share is not a share from 0 to 1")
    if config.crops_per_frame <= 0:
        found.append(f"crops_per_frame = {config.crops_per_frame} is not above 0")
    for name, stage in config.stages().items():
        found += _stage_contradictions(name, stage, config)
    return found


def _stage_contradictions(name: str, stage: StageConfig, config: CameraNetConfig) -> list[str]:
    """Find values of one step that cannot work."""
    found = []
    if min(stage.minutes, stage.rate) <= 0 or min(stage.crop, stage.batch, stage.steps) <= 0:
        found.append(f"{name} has a value that is not above 0")
    if stage.crop % 32:
        found.append(f"{name}.crop = {stage.crop} is not a multiple of 32")
    if config.size == "paper" and stage.crop < 288:
        found.append(f"{name}.crop = {stage.crop} is below 288, the smallest picture of size paper")
    if name != "restore" and config.crops_per_frame > 0 and stage.batch % config.crops_per_frame:
        found.append(f"{name}.batch = {stage.batch} is not a multiple of crops_per_frame")
    return found
