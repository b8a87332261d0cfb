"""A small folder of scenes with cameras to train on and cameras to be measured on."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from rawtool.training.scenes import SceneSet, prepare_scenes
from tests.training.material import D700, painted, write_png, write_radiance, write_table

# XYZ (D65, and illuminant A) to camera. The second model is held out of training.
BOX_D65 = (0.72, -0.16, -0.08, -0.54, 1.35, 0.21, -0.10, 0.19, 0.62)
BOX_A = (0.89, -0.30, -0.03, -0.53, 1.33, 0.23, -0.07, 0.15, 0.63)
CAMERAS = (
    {"model": "Box 1", "d65": BOX_D65, "a": BOX_A},
    {"model": "D700", "d65": D700, "a": None},
)


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors gain nothing from threads, and a busy machine makes them wait for each other."""
    if find_spec("torch") is None:
        yield
        return
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> SceneSet:
    """Two photographs and an HDR scene to train on, one of each to be measured on."""
    folder = tmp_path_factory.mktemp("workshop")
    pictures = folder / "pictures"
    pictures.mkdir()
    for seed, name in enumerate(("quarry_1", "quarry_2", "nut_1")):
        write_png(pictures / f"{name}.png", painted(seed))
    for seed, name in enumerate(("lake_1", "zebra_1")):
        write_radiance(pictures / f"{name}.hdr", painted(seed + 5) ** 2 * 8)
    write_cameras(folder / "cameras.csv")
    return prepare_scenes([pictures], folder / "data")


def write_cameras(path: Path) -> None:
    """Write CAMERAS as the table that travels with the pictures."""
    cells = [f"{i}{j}" for i in "123" for j in "123"]
    rows = []
    for camera in CAMERAS:
        row = {"make": "Acme", "model": camera["model"]}
        row |= {f"d65_{cell}": value for cell, value in zip(cells, camera["d65"], strict=True)}
        row |= {f"a_{cell}": value for cell, value in zip(cells, camera["a"] or [""] * 9, strict=True)}
        rows.append(row)
    write_table(path, rows)
