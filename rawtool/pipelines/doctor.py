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
from rawtool.arrays import AnyArray, Layers, Vector
from rawtool.errors import EngineMissingError, ModelError, RawtoolError
from rawtool.io.cores import n_cores
from rawtool.pipelines.learned import LearnedCoder
from rawtool.runtime import devices
from rawtool.runtime.card import Card
from rawtool.runtime.catalog import VERBS, Model, find_model, list_models, verify_model
from rawtool.runtime.coder import CoderNetwork
from rawtool.runtime.codercard import CoderCard
from rawtool.runtime.network import find_terms, largest_difference, open_network, reader, run_picture
from rawtool.vocabulary import ExitCode

_PACKAGES = ("numpy", "rawpy", "tifffile", "imagecodecs", "pillow", "click", "rich")
_TRIAL_RATE = 2.0
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
    """A run of a model's first network on a device.

    model is NAME@VERSION of a command's default, None when there is none; seconds is one 256 x 256 tile
    after a first one; difference is the largest one to the CPU's result. problem is None when it worked.
    """

    device: str
    model: str | None
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
    models = tuple(Check(each.label, _verification(each)) for each in _models())
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
        n_cores=n_cores(),
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
        asked = (str(devices.parse_device(device)),) if device is not None else _available()
        found = _defaults()
    except RawtoolError as error:
        return (Trial(device or "cpu", None, None, None, None, str(error)),)
    return tuple(trial for model in found for trial in _model_trials(model, asked))


def _defaults() -> tuple[Model, ...]:
    """The default model of each command that has one; of develop, or the error, when none is there."""
    have = {model.verb for model in list_models()} or {"develop"}
    return tuple(find_model(task=tasks[0]) for verb, tasks in VERBS.items() if verb in have)


def _available() -> tuple[str, ...]:
    devices.check_engines()
    from rawtool.runtime.onnx import available_devices

    return available_devices()


def _model_trials(model: Model, asked: tuple[str, ...]) -> list[Trial]:
    """Try a model's first network on each device, beside the CPU."""
    card = model.cards[0]
    reference = _run(card, model.folder, "cpu")
    runs = {word: reference if word == "cpu" else _run(card, model.folder, word) for word in asked}
    return [_trial(model, word, run, reference) for word, run in runs.items()]


def _trial(model: Model, device: str, run: "_Run | RawtoolError", reference: "_Run | RawtoolError") -> Trial:
    if isinstance(run, RawtoolError):
        return Trial(device, model.label, None, None, None, str(run))
    tolerance, difference = model.cards[0].tolerance, None
    if isinstance(reference, _Run):
        difference = largest_difference(run.result, reference.result)
    is_close = difference is None or difference <= tolerance
    problem = None if is_close else f"differs from the CPU by {difference:.2g}, more than {tolerance:g}"
    return Trial(device, model.label, run.provider, run.seconds, difference, problem)


@dataclass(frozen=True, slots=True)
class _Run:
    """One tile through a network."""

    provider: str
    seconds: float
    result: AnyArray


def _run(card: Card | CoderCard, folder: Path, device: str) -> "_Run | RawtoolError":
    """Run a tile twice and time the second; the error when it cannot be run."""
    if card.graphs is None:
        return EngineMissingError(f"{card.name} has no ONNX graphs; export the model again")
    return (
        _coder_run(card, folder, device) if isinstance(card, CoderCard) else _stage_run(card, folder, device)
    )


def _coder_run(card: CoderCard, folder: Path, device: str) -> "_Run | RawtoolError":
    """Code noise beside a grey picture and bring it back."""
    coder = LearnedCoder(CoderNetwork(card, folder, device, "onnx", None), card.name, "")
    planes = np.random.default_rng(_SEED).uniform(0.1, 1.0, (_TRIAL_SIDE, _TRIAL_SIDE, 4)).astype(np.float32)
    guide = np.full((2 * _TRIAL_SIDE, 2 * _TRIAL_SIDE, 3), 128, np.uint8)
    try:
        streams = coder.encode(planes, guide, _TRIAL_RATE)
        began = time.perf_counter()
        result = coder.decode(streams, guide)
        return _Run(coder.provider, time.perf_counter() - began, result)
    except RawtoolError as error:
        return error


def _stage_run(card: Card, folder: Path, device: str) -> "_Run | RawtoolError":
    picture, condition = _trial_inputs(card)
    try:
        network = open_network(card, folder, device, "onnx")
        terms = find_terms(network, reader(picture), (_TRIAL_SIDE, _TRIAL_SIDE), condition)
        run_picture(network, picture, terms)
        began = time.perf_counter()
        result = run_picture(network, picture, terms)
    except RawtoolError as error:
        return error
    return _Run(network.tile_session.provider, time.perf_counter() - began, result)


def _trial_inputs(card: Card) -> tuple[Layers, Vector | None]:
    """Noise from near black to the white level, and a small constant condition."""
    rng = np.random.default_rng(_SEED)
    picture = rng.uniform(0.1, 1.0, (_TRIAL_SIDE, _TRIAL_SIDE, card.channels_in)).astype(np.float32)
    condition = np.full(card.condition_size, 1e-3, dtype=np.float32)
    return picture, condition if card.condition_size else None


def _folder(path: Path, purpose: str) -> Check:
    is_writable = path.is_dir() and os.access(path, os.W_OK)
    return Check(f"{purpose} {path}", None if is_writable else "cannot be written to; choose another with -o")


def _free_bytes() -> int | None:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
