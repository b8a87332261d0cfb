"""What a raw file is, and what ``develop`` would do with it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rawtool.errors import ModelError
from rawtool.frames import Capture, RawFrame
from rawtool.io.raw import read_raw
from rawtool.runtime.catalog import find_model
from rawtool.sensor.levels import normalise
from rawtool.sensor.noise import NoiseModel, estimate_noise
from rawtool.vocabulary import SensorKind

_DEMOSAIC = {
    SensorKind.BAYER: "initial demosaic of the Bayer mosaic",
    SensorKind.XTRANS: "initial demosaic of the X-Trans mosaic",
    SensorKind.QUAD_BAYER: "initial demosaic of the Quad Bayer mosaic",
    SensorKind.LINEAR: "no demosaic, the file holds three colours a pixel",
    SensorKind.MONOCHROME: "no demosaic, grey to three channels",
}


@dataclass(frozen=True, slots=True)
class Exposure:
    """How the picture was taken; None where the file is silent."""

    iso: float | None
    exposure_s: float | None
    f_number: float | None
    focal_length_mm: float | None
    taken_at: str | None
    baseline_exposure_ev: float


@dataclass(frozen=True, slots=True)
class Color:
    """How colour is described. camera_from_xyz has nine numbers, row by row, for each colour temperature."""

    as_shot_neutral: tuple[float, ...] | None
    cct_k: tuple[float, ...]
    camera_from_xyz: tuple[tuple[float, ...], ...]
    has_forward_matrices: bool


@dataclass(frozen=True, slots=True)
class Noise:
    """Variance of a sample x in [0, 1] is shot * x + read; the file's own figures are None if absent."""

    shot: float
    read: float
    file_shot: float | None
    file_read: float | None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a raw file is.

    cell is the colour cell row by row ("RG/GB"), None without one. Sizes are (height, width) in pixels,
    crop is (top, left, height, width). steps says what develop would do; network is the model that would
    run, None when none is installed.
    """

    path: Path
    camera: str
    kind: SensorKind
    cell: str | None
    size: tuple[int, int]
    crop: tuple[int, int, int, int]
    orientation: int
    sample_type: str
    black_level: tuple[float, ...]
    white_level: float
    exposure: Exposure
    color: Color
    noise: Noise
    n_gain_maps: int
    network: str | None
    steps: tuple[str, ...]


def inspect(path: Path) -> FileFacts:
    """Read a raw file and say what it is.

    Raises:
        InputError: the file cannot be read, is damaged, or is of a kind that nobody here decodes.
    """
    frame = read_raw(path)
    network = _network()
    return FileFacts(
        path=path,
        camera=camera_name(frame.capture),
        kind=frame.kind,
        cell=_cell(frame),
        size=(frame.height, frame.width),
        crop=frame.crop,
        orientation=frame.capture.orientation,
        sample_type=str(frame.samples.dtype),
        black_level=tuple(float(level) for level in frame.black_level),
        white_level=float(frame.white_level),
        exposure=_exposure(frame.capture),
        color=_color(frame.capture),
        noise=_noise(frame),
        n_gain_maps=len(frame.gain_maps),
        network=network,
        steps=_steps(frame, network),
    )


def camera_name(capture: Capture) -> str:
    """Return maker and model without saying the maker twice."""
    has_make = capture.model.lower().startswith(capture.make.lower())
    return capture.model if has_make else f"{capture.make} {capture.model}".strip()


def _cell(frame: RawFrame) -> str | None:
    if frame.cfa is None:
        return None
    return "/".join("".join("RGB"[color] for color in row) for row in frame.cfa.cell)


def _exposure(capture: Capture) -> Exposure:
    return Exposure(
        capture.iso,
        capture.exposure_s,
        capture.f_number,
        capture.focal_length_mm,
        capture.taken_at,
        capture.baseline_exposure_ev,
    )


def _color(capture: Capture) -> Color:
    neutral = capture.as_shot_neutral
    return Color(
        as_shot_neutral=None if neutral is None else tuple(float(value) for value in neutral),
        cct_k=tuple(float(each.cct_k) for each in capture.matrices),
        camera_from_xyz=tuple(
            tuple(float(value) for value in each.camera_from_xyz.ravel()) for each in capture.matrices
        ),
        has_forward_matrices=any(each.xyz_d50_from_balanced is not None for each in capture.matrices),
    )


def _noise(frame: RawFrame) -> Noise:
    found = _estimate(frame)
    stated = frame.capture.noise_profile
    file_shot, file_read = stated if stated is not None else (None, None)
    return Noise(found.shot, found.read, file_shot, file_read)


def _estimate(frame: RawFrame) -> NoiseModel:
    samples = normalise(frame)
    if samples.ndim == 3:
        return estimate_noise(np.ascontiguousarray(samples[..., 1]), (1, 1))
    cell = frame.cfa.cell if frame.cfa is not None else ((0,),)
    return estimate_noise(samples, (len(cell), len(cell[0])))


def _network() -> str | None:
    try:
        found = find_model()
    except ModelError:
        return None
    return f"{found.name}@{found.version}"


def _steps(frame: RawFrame, network: str | None) -> tuple[str, ...]:
    capture = frame.capture
    steps = ["black and white level"]
    if frame.gain_maps:
        n_maps = len(frame.gain_maps)
        steps.append("1 gain map of the file" if n_maps == 1 else f"{n_maps} gain maps of the file")
    steps.append("hot pixels")
    steps.append(_DEMOSAIC[frame.kind])
    steps.append(
        "as-shot white balance" if capture.as_shot_neutral is not None else "estimated white balance"
    )
    if not capture.matrices:
        steps.append("no colour matrix in the file: sRGB primaries are assumed")
    steps.append(f"restore and finish with {network}" if network else "no model is installed: exit 5")
    if capture.orientation != 1:
        steps.append(f"turned upright from orientation {capture.orientation}")
    return tuple(steps)
