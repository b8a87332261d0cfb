import subprocess
import sys
from pathlib import Path

import pytest

from rawtool.batch.choices import NetworkChoice
from rawtool.batch.develop import plan_develop, run_develop
from rawtool.batch.inputs import Selection
from rawtool.batch.journey import Request
from rawtool.batch.outputs import Naming
from rawtool.batch.plan import Policies
from rawtool.batch.report import Status
from rawtool.errors import UsageError
from rawtool.pipelines.settings import DevelopSettings
from rawtool.vocabulary import ExistsPolicy, ExitCode, Format, Precision, Stage
from tests.cli import fakes
from tests.listeners import Silent


@pytest.fixture(autouse=True)
def opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.dng").write_bytes(b"one")
    Path("b.dng").write_bytes(b"two")
    return fakes.install(monkeypatch.setattr)


def ask(*words, settings=DevelopSettings(), exists=ExistsPolicy.ERROR, networks=NetworkChoice(), **said):
    return Request(Selection(words), Naming(**said), Policies(exists), networks, settings)


def go(request):
    return run_develop(plan_develop(request), request, Silent())


RESTORE = DevelopSettings(stage=Stage.RESTORE)


@pytest.mark.parametrize(
    ("settings", "name"), [(DevelopSettings(), "a_dev.jpg"), (RESTORE, "a_nr.dng")], ids=["full", "restore"]
)
def test_each_stage_has_its_format_and_its_tag(settings, name):
    assert go(ask("a.dng", settings=settings)).code is ExitCode.OK
    assert Path(name).read_bytes() == b"developed one"


def test_the_second_of_two_words_is_the_output():
    plan = plan_develop(ask("a.dng", "x.tif"))

    assert [(job.source.name, job.target.name) for job in plan.jobs] == [("a.dng", "x.tif")]
    assert plan.format is Format.TIFF


@pytest.mark.parametrize(
    ("settings", "said", "why"),
    [
        (DevelopSettings(), {"format": Format.DNG}, "--stage full writes jpg, tiff, png, exr, not dng"),
        (RESTORE, {"output": "x.jpg"}, "--stage restore writes dng, tiff, exr, not jpg"),
        (DevelopSettings(bit_depth=16), {"output": "x.jpg"}, "--bit-depth 8"),
        (DevelopSettings(stage=Stage.RESTORE, bit_depth=8), {}, "16 bits"),
        (DevelopSettings(stage=Stage.RESTORE, compression="none"), {}, "lossless JPEG"),
    ],
)
def test_what_a_stage_or_format_cannot_do_is_refused_before_any_work(settings, said, why, opened):
    with pytest.raises(UsageError, match=why):
        plan_develop(ask("a.dng", settings=settings, **said))

    assert opened.calls == []


def test_networks_are_opened_once_and_only_when_a_file_needs_them(opened):
    choice = NetworkChoice("net", "cpu", "onnx", 2)
    go(ask("a.dng", "b.dng", networks=choice))
    again = go(ask("a.dng", "b.dng", exists=ExistsPolicy.SKIP))

    assert opened.calls == [("net", None, "cpu", "onnx", 2, Precision.AUTO)]
    assert [report.status for report in again.reports] == [Status.SKIPPED] * 2


@pytest.mark.parametrize(
    ("exists", "content"), [(ExistsPolicy.OVERWRITE, b"developed one"), (ExistsPolicy.SKIP, b"old")]
)
def test_an_existing_output_is_replaced_only_when_asked(exists, content):
    Path("a_dev.jpg").write_bytes(b"old")

    go(ask("a.dng", exists=exists))

    assert Path("a_dev.jpg").read_bytes() == content


def test_inputs_that_are_missing_empty_or_no_files_are_told_apart():
    Path("empty.dng").touch()
    Path("folder.dng").mkdir()

    summary = go(ask("missing.dng", "empty.dng", "a.dng"))

    assert [report.cause and report.cause.split(";")[0] for report in summary.reports] == [
        "no such file",
        "the file is empty",
        None,
    ]
    assert summary.code is ExitCode.INPUT


def test_a_missing_folder_is_created_and_not_left_empty_by_a_failure():
    Path("b.dng").write_bytes(b"corrupt")

    go(ask("a.dng", output="made/here/"))
    go(ask("b.dng", output="empty/here/"))

    assert Path("made/here/a_dev.jpg").is_file()
    assert not Path("empty").exists()


def test_what_the_journey_reports_reaches_the_report_of_the_file():
    outcome = go(ask("a.dng")).reports[0].outcome

    assert (outcome.network, outcome.sha256, outcome.tiles) == ("cameranet-s", "ab" * 32, 6)
    assert (outcome.device, outcome.provider) == ("cpu", "CPUExecutionProvider")
    assert outcome.seconds == (("read", 0.25), ("infer", 0.5))


def test_what_networks_need_waits_until_a_file_is_being_read():
    code = "import sys, rawtool.batch.develop; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert not {"onnxruntime", "rawtool.runtime.network", "rawtool.io.encode"} & set(loaded.split())
