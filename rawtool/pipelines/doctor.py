"""What works here: packages, models, folders, memory, and a real run on each device."""

import os
import platform
import shutil
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from rawtool import __version__
from rawtool.arrays import AnyArray
from rawtool.errors import EngineMissingError, ModelError, RawtoolError
from rawtool.runtime import devices
from rawtool.runtime.card import Card
from rawtool.runtime.catalog import Model, find_model, list_models, verify_model
from rawtool.runtime.session import open_session
from rawtool.vocabulary import ExitCode

_PACKAGES = ("numpy", "rawpy", "tifffile", "imagecodecs", "pillow", "click", "rich")
_TRIAL_SIDE = 256
_SEED = 1


@dataclass(frozen=True, slots=True)
class Part:
    """A package or program: its version or path, None when it is missing, and what it is for."""

    name: str
    found: str | None
    purpose: str


@dataclass(frozen=True, slots=True)
class Trial:
    """A run of the restoration network on a device.

    seconds is one 256 x 256 tile after a first one; difference is the largest one to the CPU's result.
    problem is None when it worked.
    """

    device: str
    provider: str | None
    seconds: float | None
    difference: float | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was looked at; problem is None when it is well."""

    name: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was found. free_bytes is memory that programs can still take, None where unknown."""

    version: str
    system: str
    parts: tuple[Part, ...]
    engines: Check
    trials: tuple[Trial, ...]
    models: tuple[Check, ...]
    folders: tuple[Check, ...]
    n_cores: int
    free_bytes: int | None
    code: ExitCode


def diagnose(device: str | None = None) -> Diagnosis:
    """Look at everything; with a device, try that one only, and exit 8 when it fails."""
    engines = Check("onnxruntime", _engine_problem())
    models = tuple(Check(f"{each.name}@{each.version}", _verification(each)) for each in _models())
    trials = _trials(device)
    return Diagnosis(
        version=__version__,
        system=f"Python {platform.python_version()}, {platform.platform()}",
        parts=_parts(),
        engines=engines,
        trials=trials,
        models=models or (Check("models", "none is installed; see: rawtool models path"),),
        folders=(
            _folder(Path.cwd(), "current folder"),
            _folder(Path(tempfile.gettempdir()), "temporary folder"),
        ),
        n_cores=devices.n_cores(),
        free_bytes=_free_bytes(),
        code=_code(device, engines, trials, models),
    )


def _code(
    device: str | None, engines: Check, trials: tuple[Trial, ...], models: tuple[Check, ...]
) -> ExitCode:
    if device is not None and any(trial.problem for trial in trials):
        return ExitCode.DEVICE
    is_well = engines.problem is None and models and all(check.problem is None for check in models)
    return ExitCode.OK if is_well and not any(trial.problem for trial in trials) else ExitCode.MODEL


def _parts() -> tuple[Part, ...]:
    engines = [
        Part(engine.package, engine.version, "runs networks") for engine in devices.installed_engines()
    ]
    needed = [Part(name, _version(name), "needed") for name in _PACKAGES]
    optional = (
        Part("OpenEXR", _version("OpenEXR"), 'EXR output; pip install "rawtool[exr]"'),
        Part("exiftool", shutil.which("exiftool"), "optional; not needed for EXIF and GPS"),
    )
    return (*needed, *engines, *optional)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _models() -> tuple[Model, ...]:
    try:
        return list_models()
    except ModelError:
        return ()


def _engine_problem() -> str | None:
    try:
        devices.check_engines()
    except EngineMissingError as error:
        return str(error)
    return None


def _verification(found: Model) -> str | None:
    try:
        verify_model(found)
    except RawtoolError as error:
        return str(error)
    return None


def _trials(device: str | None) -> tuple[Trial, ...]:
    try:
        card, folder = _network()
        asked = (str(devices.parse_device(device)),) if device is not None else _available()
    except RawtoolError as error:
        return (Trial(device or "cpu", None, None, None, str(error)),)
    reference = _run(card, folder, "cpu")
    return tuple(_trial(card, folder, word, reference) for word in asked)


def _network() -> tuple[Card, Path]:
    found = find_model()
    return found.restore, found.folder


def _available() -> tuple[str, ...]:
    devices.check_engines()
    from rawtool.runtime.onnx import available_devices

    return available_devices()


def _trial(card: Card, folder: Path, device: str, reference: "_Run | RawtoolError") -> Trial:
    run = _run(card, folder, device) if device != "cpu" else reference
    if isinstance(run, RawtoolError):
        return Trial(device, None, None, None, str(run))
    difference = None if isinstance(reference, RawtoolError) else _largest(run.result - reference.result)
    is_close = difference is None or difference <= card.tolerance
    problem = None if is_close else f"differs from the CPU by {difference:.2g}, more than {card.tolerance:g}"
    return Trial(device, run.provider, run.seconds, difference, problem)


def _largest(values: AnyArray) -> float:
    return float(np.abs(values).max())


@dataclass(frozen=True, slots=True)
class _Run:
    """One tile through the network."""

    provider: str
    seconds: float
    result: AnyArray


def _run(card: Card, folder: Path, device: str) -> "_Run | RawtoolError":
    """Run a tile twice and time the second; the error when it cannot be run."""
    if card.graphs is None:
        return EngineMissingError(f"{card.name} has no ONNX graphs; export the model again")
    inputs = _tile_inputs(card)
    try:
        session = open_session(folder / card.graphs.tile.path, device, "onnx")
        session.run(inputs)
        began = time.perf_counter()
        result = session.run(inputs)[card.output.name]
    except RawtoolError as error:
        return error
    return _Run(session.provider, time.perf_counter() - began, result)


def _tile_inputs(card: Card) -> dict[str, AnyArray]:
    """Inputs of the tile graph: noise around mid grey, and its conditions at a small constant."""
    rng = np.random.default_rng(_SEED)
    side = max(_TRIAL_SIDE, card.min_size) // card.stride * card.stride
    sizes = {"condition": card.condition_size, "vector": card.vector_size}
    shapes = {name: (1, sizes[name]) for name in card.tile_inputs if name in sizes}
    picture = rng.uniform(0.1, 0.4, (1, card.channels_in, side, side)).astype(np.float32)
    return {card.input.name: picture} | {
        name: np.full(shape, 1e-3, dtype=np.float32) for name, shape in shapes.items()
    }


def _folder(path: Path, purpose: str) -> Check:
    is_writable = path.is_dir() and os.access(path, os.W_OK)
    return Check(f"{purpose} {path}", None if is_writable else "cannot be written to; choose another with -o")


def _free_bytes() -> int | None:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
