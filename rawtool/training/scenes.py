"""Pictures, decoded once, as scene-linear arrays that training maps into memory.

A data folder holds ``scenes.f16`` (all scenes one after another, float16, (H, W, 3), linear Rec.709
primaries), ``thumbnails.npy`` and ``index.json``. Scenes are split by group, never by crop: the group
comes from ``catalog.csv`` beside the pictures (column scene_group) or from the name's leading letters,
and a hash of it decides, so the split is the same everywhere.
"""

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from rawtool.arrays import AnyArray, Rgb
from rawtool.errors import ConfigError, NoInputError, RawtoolError
from rawtool.training.pictures import read_linear

SUFFIXES = frozenset({".hdr", ".exr", ".jpg", ".jpeg", ".png", ".tif", ".tiff"})
HDR_SUFFIXES = frozenset({".hdr", ".exr"})
WHITE_PERCENTILE = 97.0
"""A scene is scaled so that this percentile of max(R, G, B) is 1 (the rule by which results are scored)."""
VALIDATION_SHARE = 8
THUMBNAIL = 64
BRIGHTEST = 60000.0
INDEX = "index.json"


@dataclass(frozen=True, slots=True)
class SceneEntry:
    """One scene in the shard: offset counts float16 values; kind is ``hdr`` or ``photo``."""

    name: str
    group: str
    kind: str
    is_validation: bool
    offset: int
    height: int
    width: int
    licence: str


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """A camera's XYZ-to-camera matrices at D65 and, where known, at illuminant A (rows, nine values)."""

    make: str
    model: str
    d65: tuple[float, ...]
    a: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class SceneSet:
    """A prepared data folder, open for reading."""

    folder: Path
    entries: tuple[SceneEntry, ...]
    cameras: tuple[CameraFacts, ...]
    pixels: AnyArray
    thumbnails: AnyArray

    def scene(self, at: int) -> AnyArray:
        """Map scene ``at``: (H, W, 3) float16, scene-linear, read-only."""
        entry = self.entries[at]
        size = entry.height * entry.width * 3
        return self.pixels[entry.offset : entry.offset + size].reshape(entry.height, entry.width, 3)

    def split(self, *, is_validation: bool) -> list[int]:
        """List the scenes of one side of the split."""
        return [at for at, entry in enumerate(self.entries) if entry.is_validation == is_validation]


def prepare_scenes(
    sources: Iterable[Path], out: Path, on_scene: Callable[[str], None] | None = None
) -> SceneSet:
    """Decode every picture under the sources into a data folder and open it.

    Files that cannot be read are named and left out. ``cameras.csv`` in or above a source travels along.

    Raises:
        NoInputError: no picture could be read.
    """
    sources = list(sources)
    out.mkdir(parents=True, exist_ok=True)
    (out / INDEX).unlink(missing_ok=True)
    entries: list[SceneEntry] = []
    thumbnails: list[AnyArray] = []
    offset = 0
    with (out / "scenes.f16").open("wb") as shard:
        for path, row in _pictures(sources):
            scene = _load(path, on_scene)
            if scene is None:
                continue
            scene.astype("<f2").tofile(shard)
            entries.append(_entry(path, row, offset, scene))
            thumbnails.append(thumbnail_of(scene))
            offset += scene.size
    if not entries:
        raise NoInputError("no picture was found; name folders with HDR, EXR, JPEG, PNG or TIFF files")
    np.save(out / "thumbnails.npy", np.stack(thumbnails).astype(np.float16))
    _write_index(out, entries, _cameras(sources))
    return open_scenes(out)


def open_scenes(folder: Path) -> SceneSet:
    """Open a data folder that ``prepare_scenes`` wrote.

    Raises:
        ConfigError: the folder is not one.
    """
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        entries = tuple(SceneEntry(**row) for row in index["scenes"])
        cameras = tuple(
            CameraFacts(c["make"], c["model"], tuple(c["d65"]), tuple(c["a"]) if c["a"] else None)
            for c in index["cameras"]
        )
        pixels = np.memmap(folder / "scenes.f16", dtype="<f2", mode="r")
        thumbnails = np.load(folder / "thumbnails.npy").astype(np.float32)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder} is not a scene folder; make one with: rawtool train scenes SRC --out {folder}"
        ) from error
    return SceneSet(folder, entries, cameras, pixels, thumbnails)


def thumbnail_of(scene: AnyArray, size: int = THUMBNAIL) -> AnyArray:
    """Average a picture (H, W, C) down to (size, size, C), each cell over its own share of pixels."""
    rows = np.linspace(0, scene.shape[0], size + 1).astype(int)
    columns = np.linspace(0, scene.shape[1], size + 1).astype(int)
    sums = np.add.reduceat(scene.astype(np.float32), rows[:-1], axis=0)
    sums = np.add.reduceat(sums, columns[:-1], axis=1)
    counts = np.maximum(np.diff(rows), 1)[:, None] * np.maximum(np.diff(columns), 1)[None, :]
    return (sums / counts[..., None]).astype(np.float32)


def scale_to_white(scene: Rgb) -> Rgb:
    """Scale light so that the white percentile of max(R, G, B) is 1."""
    white = float(np.percentile(scene.max(axis=2), WHITE_PERCENTILE))
    return scene * np.float32(1.0 / max(white, 1e-6))


def _load(path: Path, on_scene: Callable[[str], None] | None) -> Rgb | None:
    """Read one scene scaled to white, or None (and say so) when it cannot be used."""
    try:
        scene = read_linear(path)
    except RawtoolError as error:
        if on_scene:
            on_scene(f"left out: {path.name}: {error}")
        return None
    if min(scene.shape[:2]) < 2 * THUMBNAIL or not np.isfinite(scene).all():
        if on_scene:
            on_scene(f"left out: {path.name}: smaller than {2 * THUMBNAIL} pixels or not finite")
        return None
    if path.suffix.lower() in HDR_SUFFIXES:
        scene = scale_to_white(scene)
    if on_scene:
        on_scene(path.name)
    return np.clip(scene, 0.0, BRIGHTEST)


def _pictures(sources: Iterable[Path]) -> list[tuple[Path, dict[str, str]]]:
    """List the pictures with their catalog rows, by name."""
    found: list[tuple[Path, dict[str, str]]] = []
    for source in sources:
        folder = source if source.is_dir() else source.parent
        rows = _catalog(folder)
        files = sorted(folder.iterdir()) if source.is_dir() else [source]
        found += [(path, rows.get(path.name, {})) for path in files if path.suffix.lower() in SUFFIXES]
    return found


def _catalog(folder: Path) -> dict[str, dict[str, str]]:
    """Read ``catalog.csv`` by file name; empty where there is none."""
    path = folder / "catalog.csv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as lines:
        return {row["file"]: row for row in csv.DictReader(lines)}


def _entry(path: Path, row: dict[str, str], offset: int, scene: Rgb) -> SceneEntry:
    """Describe a scene and decide its side of the split."""
    letters = re.match(r"[A-Za-z]+", path.stem)
    group = row.get("scene_group") or (letters.group(0).lower() if letters else path.stem)
    first = int(hashlib.sha256(group.encode()).hexdigest()[:8], 16)
    kind = "hdr" if path.suffix.lower() in HDR_SUFFIXES else "photo"
    is_validation = first % VALIDATION_SHARE == 0
    height, width, _ = scene.shape
    return SceneEntry(
        path.name, group, kind, is_validation, offset, height, width, row.get("licence", "unknown")
    )


def _cameras(sources: Iterable[Path]) -> list[CameraFacts]:
    """Read ``cameras.csv`` in a source or the folder above it."""
    folders = (folder for source in sources for folder in (source, source.parent))
    path = next((f / "cameras.csv" for f in folders if (f / "cameras.csv").is_file()), None)
    if path is None:
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return [_camera(row) for row in csv.DictReader(lines)]


def _camera(row: dict[str, str]) -> CameraFacts:
    """Turn a row into facts."""
    cells = [f"{i}{j}" for i in "123" for j in "123"]
    d65 = tuple(float(row[f"d65_{cell}"]) for cell in cells)
    a = tuple(float(row[f"a_{cell}"]) for cell in cells) if row["a_11"] else None
    return CameraFacts(row["make"], row["model"], d65, a)


def _write_index(out: Path, entries: list[SceneEntry], cameras: list[CameraFacts]) -> None:
    """Write the index last: a folder without one is not finished."""
    index = {"version": 1, "scenes": [asdict(e) for e in entries], "cameras": [asdict(c) for c in cameras]}
    (out / INDEX).write_text(json.dumps(index, indent=1), encoding="utf-8")
