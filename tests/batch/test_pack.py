from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rawtool.batch import pack as batch
from rawtool.batch.choices import NetworkChoice
from rawtool.batch.inputs import Selection
from rawtool.batch.journey import Request
from rawtool.batch.outputs import Naming
from rawtool.batch.pack import forecast_pack, plan_pack, run_pack
from rawtool.batch.plan import Action, Policies
from rawtool.batch.report import Status
from rawtool.codec.facts import BaseSource
from rawtool.errors import UsageError
from rawtool.io.dng import write_dng
from rawtool.io.packed import read_packed
from rawtool.pipelines.packroom import Goal, PackRoom, PackSettings
from rawtool.vocabulary import Embed, ExistsPolicy, ExitCode, Precision
from tests import packs
from tests.listeners import Silent

EXACT = PackSettings(Goal(max_error_dn=0), BaseSource.FILE, Path("mine.jpg"))
CAMERA = PackSettings(Goal(rate=2.0), BaseSource.CAMERA)


@pytest.fixture(autouse=True)
def opened(tmp_path, monkeypatch):
    """Two raws and a JPEG of the same scene; the words with which networks are opened are kept."""
    monkeypatch.chdir(tmp_path)
    packs.use_toy_exact_coder(monkeypatch)
    for name in ("a.dng", "b.dng"):
        write_dng(packs.frame(), Path(name))
    content = packs.jpeg(packs.codes())
    Path("mine.jpg").write_bytes(content)
    monkeypatch.setattr("rawtool.pipelines.basepicture.read_preview", lambda _path: content)
    calls = []
    room = PackRoom(None, packs.ToyCoder())
    monkeypatch.setattr(batch, "open_packroom", lambda *words: calls.append(words) or room)
    return calls


def ask(*inputs, exists=ExistsPolicy.ERROR, networks=NetworkChoice(), settings=EXACT, **said):
    return Request(Selection(inputs), Naming(**said), Policies(exists), networks, settings)


def go(request):
    return run_pack(plan_pack(request), request, Silent())


def made():
    first = {"a.dng", "b.dng", "mine.jpg"}
    return sorted({path.as_posix() for path in Path().rglob("*") if path.is_file()} - first)


def test_the_default_is_a_jpeg_beside_the_input():
    plan = plan_pack(ask("a.dng"))

    assert [(job.source.name, job.target.name) for job in plan.jobs] == [("a.dng", "a_packed.jpg")]


def test_raws_of_a_folder_are_packed_and_their_figures_told():
    summary = go(ask(".", settings=CAMERA))

    assert (summary.code, made()) == (ExitCode.OK, ["a_packed.jpg", "b_packed.jpg"])
    for report in summary.reports:
        metrics = dict(report.outcome.metrics)
        assert metrics["sidecar_bytes"] == len(read_packed(report.output)[1])
        assert f"{metrics['psnr_db']:.2f} dB" in report.outcome.said
        assert report.outcome.network == "toy@1"


def test_without_a_network_none_is_named():
    outcome = go(ask("a.dng")).reports[0].outcome

    assert (outcome.device, dict(outcome.metrics)["is_identical"]) == ("cpu", True)


def test_networks_are_opened_once_and_only_if_something_is_to_be_done(opened):
    go(ask("a.dng", "b.dng", settings=CAMERA, networks=NetworkChoice("mine", "cpu", "onnx", 2)))
    go(ask("a.dng", settings=CAMERA, exists=ExistsPolicy.SKIP))

    assert opened == [(CAMERA, "mine", "cpu", "onnx", 2, Precision.AUTO)]


def test_one_jpeg_is_the_base_of_one_raw_only():
    with pytest.raises(UsageError, match=r"mine\.jpg is the picture of one raw, but 2 are selected"):
        plan_pack(ask("a.dng", "b.dng"))


def test_a_named_network_that_would_not_run_is_refused():
    with pytest.raises(UsageError, match="leave it out"):
        plan_pack(ask("a.dng", networks=NetworkChoice("mine")))


def test_the_users_jpeg_is_never_written_over():
    before = Path("mine.jpg").read_bytes()

    with pytest.raises(UsageError, match="is the base and never written over"):
        plan_pack(ask("a.dng", output="mine.jpg", exists=ExistsPolicy.OVERWRITE))
    assert Path("mine.jpg").read_bytes() == before


def test_the_file_beside_is_an_output_like_the_picture():
    beside = replace(EXACT, embed=Embed.SIDECAR)

    summary = go(ask("a.dng", settings=beside))

    assert (summary.code, made()) == (ExitCode.OK, ["a_packed.jpg", "a_packed.jpg.rawtool"])
    assert [path.name for path in summary.reports[0].also] == ["a_packed.jpg.rawtool"]


@pytest.mark.parametrize(
    ("exists", "status", "action"),
    [
        (ExistsPolicy.ERROR, Status.FAILED, Action.REFUSE),
        (ExistsPolicy.OVERWRITE, Status.DONE, Action.REPLACE),
    ],
)
def test_a_file_beside_that_is_there_counts_as_an_output_that_is_there(exists, status, action):
    Path("a_packed.jpg.rawtool").write_bytes(b"older")
    request = ask("a.dng", settings=replace(EXACT, embed=Embed.SIDECAR), exists=exists)

    assert plan_pack(request).jobs[0].action is action
    assert go(request).reports[0].status is status
    assert (Path("a_packed.jpg.rawtool").read_bytes() == b"older") == (status is Status.FAILED)


def test_one_failure_does_not_stop_the_others():
    Path("b.dng").write_bytes(b"II*\0 and no more")

    summary = go(ask("b.dng", "a.dng", settings=CAMERA))

    assert [report.status for report in summary.reports] == [Status.FAILED, Status.DONE]
    assert (summary.code, made()) == (ExitCode.INPUT, ["a_packed.jpg"])


def test_inputs_are_never_touched():
    before = {path: path.read_bytes() for path in Path().iterdir()}

    go(ask("a.dng"))

    assert {path: path.read_bytes() for path in before} == before


def test_a_forecast_names_the_networks_that_would_run(monkeypatch):
    found = {"restore": "cameranet-s@9", "pack": "coder-s@1"}

    class Known:
        def __init__(self, label):
            self.label = label

    monkeypatch.setattr(batch, "find_model", lambda _name, _size, task: Known(found[task.value]))
    plans = {
        "none": EXACT,
        "cameranet-s@9": PackSettings(Goal(max_error_dn=0)),
        "coder-s@1": CAMERA,
        "cameranet-s@9 + coder-s@1": PackSettings(),
    }
    for label, settings in plans.items():
        request = ask("a.dng", settings=settings)
        assert forecast_pack(plan_pack(request), request).network == label


def test_what_was_packed_comes_back():
    go(ask("a.dng"))

    from rawtool.pipelines.packroom import UnpackRoom, UnpackSettings
    from rawtool.pipelines.unpack import unpack
    from rawtool.vocabulary import Format

    unpack(
        Path("a_packed.jpg"),
        Path("a.npy"),
        UnpackRoom(lambda _: packs.ToyCoder()),
        UnpackSettings(Format.NPY),
    )
    np.testing.assert_array_equal(np.load("a.npy"), packs.frame().samples)
