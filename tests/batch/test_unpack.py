from pathlib import Path

import numpy as np
import pytest

from rawtool.batch import unpack as batch
from rawtool.batch.choices import NetworkChoice
from rawtool.batch.inputs import Selection
from rawtool.batch.journey import Request
from rawtool.batch.outputs import Naming
from rawtool.batch.plan import Policies
from rawtool.batch.unpack import files_to_check, forecast_unpack, plan_unpack, run_unpack
from rawtool.codec.facts import BaseSource
from rawtool.errors import NoInputError, UsageError
from rawtool.io.raw import read_raw
from rawtool.pipelines.pack import RawFile, pack
from rawtool.pipelines.packroom import Goal, PackRoom, PackSettings, UnpackRoom, UnpackSettings
from rawtool.vocabulary import ExistsPolicy, ExitCode, Format
from tests import packs
from tests.listeners import Silent


@pytest.fixture(autouse=True)
def opened(tmp_path, monkeypatch):
    """Two packed pictures and a plain one; the words with which the coder is opened are kept."""
    monkeypatch.chdir(tmp_path)
    packs.use_toy_exact_coder(monkeypatch)
    Path("plain.jpg").write_bytes(packs.jpeg(packs.codes()))
    for name, goal in (("a.jpg", Goal(max_error_dn=0)), ("b.jpg", Goal(rate=4.0))):
        settings = PackSettings(goal, BaseSource.FILE, Path("plain.jpg"))
        taken = RawFile(Path("a.raw"), 1, packs.frame())
        pack(lambda taken=taken: taken, Path(name), PackRoom(None, packs.ToyCoder()), settings)
    calls = []
    monkeypatch.setattr(
        batch, "open_unpackroom", lambda *words: calls.append(words) or UnpackRoom(lambda _: packs.ToyCoder())
    )
    return calls


def ask(*inputs, exists=ExistsPolicy.ERROR, networks=NetworkChoice(), settings=UnpackSettings(), **said):
    return Request(Selection(inputs), Naming(**said), Policies(exists), networks, settings)


def go(request):
    return run_unpack(plan_unpack(request), request, Silent())


def test_the_default_is_a_dng_beside_the_input():
    plan = plan_unpack(ask("a.jpg"))

    assert [(job.source.name, job.target.name) for job in plan.jobs] == [("a.jpg", "a_raw.dng")]


@pytest.mark.parametrize(
    ("said", "kind"),
    [({"format": Format.NPY}, Format.NPY), ({"output": "x.tif"}, Format.TIFF), ({}, Format.DNG)],
)
def test_the_format_is_named_or_follows_from_the_suffix(said, kind):
    assert plan_unpack(ask("a.jpg", **said)).format is kind


def test_other_formats_are_refused():
    with pytest.raises(UsageError, match=r"use one of \.dng \.npy \.tif \.tiff"):
        plan_unpack(ask("a.jpg", output="x.png"))


def test_raws_come_out_of_every_picture_that_has_one():
    summary = go(ask("a.jpg", "b.jpg", "plain.jpg"))

    assert [report.code for report in summary.reports] == [ExitCode.OK, ExitCode.OK, ExitCode.SIDECAR]
    assert summary.code is ExitCode.SIDECAR
    np.testing.assert_array_equal(read_raw(Path("a_raw.dng")).samples, packs.frame().samples)
    assert [report.outcome.network for report in summary.reports] == [None, "toy@1", None]


def test_the_format_reaches_the_journey():
    go(ask("a.jpg", format=Format.NPY))

    np.testing.assert_array_equal(np.load("a_raw.npy"), packs.frame().samples)


def test_the_coder_is_opened_with_what_was_said(opened):
    go(ask("b.jpg", networks=NetworkChoice("mine", "cpu", "onnx", 2)))

    assert opened == [("mine", "cpu", "onnx", 2)]


def test_an_empty_file_is_said():
    Path("a.jpg").write_bytes(b"")

    report = go(ask("a.jpg")).reports[0]

    assert (report.code, report.cause) == (ExitCode.INPUT, "the file is empty; take another copy of it")


def test_a_forecast_does_not_look_into_the_files():
    request = ask("a.jpg", "nowhere.jpg")

    forecast = forecast_unpack(plan_unpack(request), request)

    assert (forecast.network, forecast.device) == ("as each file says", "auto")


def test_files_to_check_are_found_as_inputs_are():
    Path("notes.txt").touch()

    assert [path.name for path in files_to_check(Selection((".",)))] == ["a.jpg", "b.jpg", "plain.jpg"]
    with pytest.raises(NoInputError):
        files_to_check(Selection(("*.jpeg",)))
