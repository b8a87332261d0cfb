import json

import pytest

from rawtool.cli.main import run
from rawtool.pipelines.doctor import Check, Diagnosis, Part, Trial
from rawtool.vocabulary import ExitCode

FOUND = Diagnosis(
    version="0.1.0",
    system="Python 3.11.7, Linux",
    parts=(Part("numpy", "2.4.6", "needed"), Part("OpenEXR", None, "EXR output")),
    engines=Check("onnxruntime", None),
    trials=(
        Trial("cpu", "tiny@1", "CPUExecutionProvider", 0.0125, 0.0, None),
        Trial("cuda", "tiny@1", None, None, None, "no GPU is here"),
        Trial("cpu", None, None, None, None, "no model at all"),
    ),
    models=(Check("tiny@1", None),),
    folders=(Check("current folder x", "cannot be written to"),),
    n_cores=2,
    free_bytes=3_000_000_000,
    code=ExitCode.DEVICE,
)


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    words = []
    monkeypatch.setattr("rawtool.pipelines.doctor.diagnose", lambda device: words.append(device) or FOUND)
    return words


def test_what_is_well_and_what_is_bad_is_said_and_the_code_given(capsys, asked):
    assert run(["doctor", "--device", "cuda"]) == 8

    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "2 cores, memory 3.0 GB free" in lines
    assert (
        "ok   cpu, tiny@1: CPUExecutionProvider, 12.5 ms a tile of 256 x 256, 0.0e+00 from the CPU" in lines
    )
    assert "BAD  cuda, tiny@1: no GPU is here" in lines
    assert "BAD  cpu: no model at all" in lines
    assert "BAD  current folder x: cannot be written to" in lines
    assert any(line.split() == ["OpenEXR", "missing", "EXR", "output"] for line in lines)
    assert asked == ["cuda"]


def test_json_holds_everything(capsys, asked):
    assert run(["doctor", "--json"]) == 8

    event = json.loads(capsys.readouterr().out)
    assert (event["event"], event["code"], event["version"]) == ("doctor", 8, "0.1.0")
    assert (event["trials"][0]["model"], event["trials"][0]["seconds"]) == ("tiny@1", 0.0125)
    assert event["parts"][1]["found"] is None
    assert asked == [None]
