import json
from dataclasses import replace
from pathlib import Path

import pytest

from rawtool.cli.main import run
from rawtool.errors import UnsupportedRawError
from rawtool.pipelines.info import Color, Exposure, FileFacts, Noise
from rawtool.vocabulary import SensorKind

FACTS = FileFacts(
    path=Path("a.dng"),
    camera="GoPro HERO6 Black",
    kind=SensorKind.BAYER,
    cell="RG/GB",
    size=(3000, 4000),
    crop=(8, 4, 2976, 3968),
    orientation=2,
    sample_type="uint16",
    black_level=(0.0, 0.0, 0.0, 0.0),
    white_level=16383.0,
    exposure=Exposure(100.0, 0.002, None, 3.0, None, 0.0),
    color=Color((0.5, 1.0, 0.6), (2856.0, 5003.0), ((1.0,) * 9,) * 2, has_forward_matrices=False),
    noise=Noise(1e-4, 1e-6, None, None),
    n_gain_maps=4,
    network=None,
    steps=("black and white level", "hot pixels"),
)


@pytest.fixture(autouse=True)
def _fake(monkeypatch):
    def inspect(path):
        if path.suffix == ".x3f":
            raise UnsupportedRawError("a Foveon sensor; nobody here decodes it; develop it elsewhere")
        return replace(FACTS, path=path)

    monkeypatch.setattr("rawtool.pipelines.packedfacts.inspect", inspect)


def test_a_file_is_described_in_rows(capsys):
    assert run(["info", "a.dng"]) == 0

    rows = dict(line.strip().split(maxsplit=1) for line in capsys.readouterr().out.splitlines()[1:])
    assert rows["camera"] == "GoPro HERO6 Black"
    assert rows["sensor"] == "bayer RG/GB"
    assert rows["size"] == "4000 x 3000, shows 3968 x 2976"
    assert rows["exposure"] == "ISO 100, 0.002 s"
    assert rows["matrices"] == "for 2856 5003 K"
    assert rows["develop"] == "black and white level; hot pixels"


def test_json_is_one_object_a_file(capsys):
    assert run(["info", "a.dng", "b.dng", "--json"]) == 0

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["path"] for event in events] == ["a.dng", "b.dng"]
    assert events[0]["kind"] == "bayer"
    assert events[0]["exposure"]["iso"] == 100.0
    assert events[0]["noise"]["file_shot"] is None
    assert events[0]["color"]["cct_k"] == [2856.0, 5003.0]


def test_a_failing_file_does_not_stop_the_others(capsys):
    assert run(["info", "a.x3f", "b.dng"]) == 7

    captured = capsys.readouterr()
    assert captured.err.startswith("rawtool: error: a.x3f: a Foveon sensor")
    assert captured.out.startswith("b.dng\n")


def test_no_file_is_a_usage_error():
    assert run(["info"]) == 2
