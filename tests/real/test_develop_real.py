"""Every odd file is developed, or refused in one line that says why; nothing half-made is left."""

import os
from pathlib import Path

import numpy as np
import pytest

from rawtool.errors import InputError
from rawtool.io.image import read_image
from rawtool.pipelines.darkroom import open_darkroom
from rawtool.pipelines.develop import develop
from rawtool.pipelines.settings import DevelopSettings

SHARED = Path(os.environ.get("RAWTOOL_SHARED", Path(__file__).resolve().parents[3] / "shared"))
ODD = SHARED / "data" / "raw" / "odd"
FILES = sorted(path.name for path in ODD.glob("*.dng"))
DAMAGED = {"90", "91", "92", "94", "95", "96"}

pytestmark = pytest.mark.skipif(not FILES, reason="no camera files here")


@pytest.fixture(scope="module")
def darkroom(untrained_model):
    return open_darkroom(str(untrained_model), device="cpu", threads=1)


@pytest.mark.parametrize("name", [name for name in FILES if name[:2] not in DAMAGED])
def test_a_whole_file_becomes_a_picture(name, darkroom, tmp_path):
    target = tmp_path / "out.jpg"

    report = develop(ODD / name, target, darkroom, DevelopSettings())

    pixels = read_image(target).pixels
    assert pixels.ndim == 3
    assert all("\n" not in warning for warning in report.warnings)
    if "tiny" not in name:
        assert np.std(pixels) > 5
        assert 5 < pixels.mean() < 250


@pytest.mark.parametrize("name", [name for name in FILES if name[:2] in DAMAGED])
def test_a_damaged_file_is_refused_in_one_line_and_leaves_nothing(name, darkroom, tmp_path):
    with pytest.raises(InputError, match=r"\A[^\n]+; [^\n]+\Z"):
        develop(ODD / name, tmp_path / "out.jpg", darkroom, DevelopSettings())

    assert list(tmp_path.iterdir()) == []


def test_phases_and_orientations_of_one_scene_show_the_same_picture(darkroom, tmp_path):
    pictures = {}
    for name in FILES:
        if name[:2] in {"01", "12", "17"}:
            develop(ODD / name, tmp_path / "out.png", darkroom, DevelopSettings(), overwrite=True)
            pictures[name] = read_image(tmp_path / "out.png").pixels.astype(float)

    means = np.array([picture.mean(axis=(0, 1)) for picture in pictures.values()])
    assert len(means) == 8
    np.testing.assert_allclose(means, np.broadcast_to(means[0], means.shape), rtol=0.03)
