from pathlib import Path

import numpy as np
import pytest

from rawtool.errors import CorruptFileError
from rawtool.frames import Capture, Cfa, GainMap, Illuminated, RawFrame
from rawtool.pipelines import info
from rawtool.vocabulary import SensorKind

BLACK, WHITE = 512.0, 15871.0
MATRIX = np.array([[0.8, -0.2, -0.1], [-0.9, 1.7, 0.2], [-0.2, 0.2, 0.8]])


def capture(**facts):
    known = {
        "make": "Nikon",
        "model": "Nikon D700",
        "as_shot_neutral": np.array([0.5, 1.0, 0.7]),
        "matrices": (),
    }
    return Capture(**{**known, **facts})


def frame(shot=1e-3, read=1e-5, **facts):
    rng = np.random.default_rng(3)
    light = np.tile(np.linspace(0.05, 0.6, 512), (512, 1))
    noisy = light + rng.normal(size=light.shape) * np.sqrt(shot * light + read)
    counts = np.round(noisy * (WHITE - BLACK) + BLACK).clip(0, 65535).astype(np.uint16)
    known = {
        "samples": counts,
        "kind": SensorKind.BAYER,
        "cfa": Cfa(((0, 1), (1, 2))),
        "black_level": (BLACK,) * 4,
        "white_level": WHITE,
        "crop": (8, 4, 400, 500),
        "capture": capture(),
    }
    return RawFrame(**{**known, **facts})


@pytest.fixture
def look(monkeypatch):
    monkeypatch.setattr(info, "_network", lambda: "net@1")

    def inspect(made):
        monkeypatch.setattr(info, "read_raw", lambda path: made)
        return info.inspect(Path("a.dng"))

    return inspect


def test_sensor_levels_and_place_are_said(look):
    facts = look(frame())

    assert (facts.kind, facts.cell, facts.sample_type) == (SensorKind.BAYER, "RG/GB", "uint16")
    assert (facts.size, facts.crop) == ((512, 512), (8, 4, 400, 500))
    assert (facts.black_level, facts.white_level) == ((BLACK,) * 4, WHITE)


def test_the_noise_is_estimated_from_the_frame_and_the_files_own_stands_beside_it(look):
    facts = look(frame(capture=capture(noise_profile=(2e-3, 3e-6))))

    assert facts.noise.shot == pytest.approx(1e-3, rel=0.3)
    assert (facts.noise.file_shot, facts.noise.file_read) == (2e-3, 3e-6)
    assert look(frame()).noise.file_shot is None


def test_colour_is_described_by_neutral_and_matrices(look):
    matrices = (Illuminated(2856.0, MATRIX), Illuminated(6504.0, MATRIX, np.eye(3)))

    color = look(frame(capture=capture(matrices=matrices))).color

    assert color.as_shot_neutral == (0.5, 1.0, 0.7)
    assert color.cct_k == (2856.0, 6504.0)
    assert color.camera_from_xyz[0] == tuple(MATRIX.ravel())
    assert color.has_forward_matrices


def test_the_makers_name_is_not_said_twice(look):
    assert look(frame()).camera == "Nikon D700"
    assert look(frame(capture=capture(make="Canon", model="EOS R5"))).camera == "Canon EOS R5"


def test_steps_follow_from_the_file(look):
    gains = GainMap((0, 0, 512, 512), (1, 1), (0.0, 0.0), (1.0, 1.0), np.ones((2, 2), np.float32))
    told = look(frame(gain_maps=(gains,), capture=capture(orientation=6, as_shot_neutral=None))).steps

    assert told == (
        "black and white level",
        "1 gain map of the file",
        "hot pixels",
        "initial demosaic of the Bayer mosaic",
        "estimated white balance",
        "no colour matrix in the file: sRGB primaries are assumed",
        "restore and finish with net@1",
        "turned upright from orientation 6",
    )


@pytest.mark.parametrize(
    ("kind", "cell", "shape", "black"),
    [
        (SensorKind.LINEAR, None, (64, 64, 3), (0.0,) * 3),
        (SensorKind.MONOCHROME, None, (64, 64), (0.0,)),
        (SensorKind.XTRANS, ((0, 1, 2, 1, 1, 0),) * 6, (66, 66), (0.0,) * 36),
    ],
)
def test_sensors_of_every_kind_are_described(look, kind, cell, shape, black):
    samples = np.full(shape, 300, np.uint16)

    facts = look(
        frame(samples=samples, kind=kind, cfa=cell and Cfa(cell), black_level=black, white_level=1000.0)
    )

    assert facts.kind is kind
    assert facts.noise.shot >= 0.0
    assert (facts.cell is None) == (cell is None)


def test_without_a_model_the_last_step_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("rawtool.runtime.catalog.model_folders", lambda: (tmp_path,))
    monkeypatch.setattr(info, "read_raw", lambda path: frame())

    facts = info.inspect(Path("a.dng"))

    assert facts.network is None
    assert "no model is installed: exit 5" in facts.steps


def test_a_damaged_file_is_said_as_the_reader_says_it(monkeypatch):
    def refuse(path):
        raise CorruptFileError("cut short")

    monkeypatch.setattr(info, "read_raw", refuse)

    with pytest.raises(CorruptFileError, match="cut short"):
        info.inspect(Path("a.dng"))
