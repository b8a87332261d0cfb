from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rawtool.batch.choices import NetworkChoice
from rawtool.batch.inputs import Selection
from rawtool.batch.journey import (
    Request,
    Steps,
    Verb,
    check_source,
    forecast,
    may_replace,
    plan_run,
    walk,
)
from rawtool.batch.outputs import HDR_OF_SUFFIX, Naming
from rawtool.batch.plan import Policies
from rawtool.batch.report import Status
from rawtool.errors import CorruptFileError, DeviceError, InputError, ModelNotFoundError, UsageError
from rawtool.pipelines.clock import JourneyReport
from rawtool.vocabulary import ExistsPolicy, Format, Task
from tests.listeners import Silent

VERB = Verb("paint", "_new", Task.HDR, frozenset({".txt"}), Format.EXR, HDR_OF_SUFFIX)


FIGURES = (("psnr_db", 40.0), ("is_verified", True), ("bpp", None))
TOLD = JourneyReport((("paint", 0.5),), 3, ("pale",), "net@1", "ab", "cpu", "CPU", FIGURES, "painted well")


@dataclass(frozen=True, slots=True)
class Painter:
    """Writes the content of a source into all its outputs, and keeps what it was asked."""

    entered: list[NetworkChoice] = field(default_factory=list)

    def steps(self):
        return Steps(Path.read_text, self.enter, self.make)

    def enter(self, choice):
        self.entered.append(choice)
        return "a room"

    def make(self, take, job, room, advance):
        content = take()
        if content == "bad":
            raise CorruptFileError("bad; it is; mend it")
        advance(0.5)
        for target in job.targets:
            target.write_text(f"{content} in {room}")
        return TOLD


@pytest.fixture(autouse=True)
def _two_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("one")
    Path("b.txt").write_text("two")


def ask(*inputs, exists=ExistsPolicy.ERROR, networks=NetworkChoice(), **said):
    return Request(Selection(inputs), Naming(**said), Policies(exists), networks, "plain")


def planned(request, check=lambda kind: None):
    return plan_run(request, VERB, check)


def go(request, painter):
    return walk(planned(request), request, painter.steps(), Silent())


def test_a_verb_gives_its_tag_its_format_and_what_it_reads():
    Path("c.jpg").touch()

    plan = planned(ask(".", name="{stem}{tag}-{task}.{ext}"))

    assert [job.target.name for job in plan.jobs] == ["a_new-paint.exr", "b_new-paint.exr"]


def test_what_a_format_cannot_do_is_refused_before_inputs_are_looked_for():
    def check(kind):
        raise UsageError(f"no {kind.value}")

    with pytest.raises(UsageError, match="no avif"):
        planned(ask("missing/*.txt", format=Format.AVIF), check)


def test_previews_are_pngs():
    with pytest.raises(UsageError, match=r"s.jpg ends in .jpg; use one of .png"):
        planned(ask("a.txt", sheet="s.jpg"))
    assert planned(ask("a.txt", sheet="s.png")).jobs[0].sheet == Path("s.png")


def test_the_room_is_entered_once_and_only_when_a_file_needs_it():
    painter, choice = Painter(), NetworkChoice("net")

    first = go(ask("a.txt", "b.txt", networks=choice), painter)
    again = go(ask("a.txt", "b.txt", exists=ExistsPolicy.SKIP), painter)

    assert painter.entered == [choice]
    assert [report.status for report in (*first.reports, *again.reports)] == [Status.DONE] * 2 + [
        Status.SKIPPED
    ] * 2
    assert Path("b_new.exr").read_text() == "two in a room"


def test_what_the_journey_says_reaches_the_report_of_the_file():
    report = go(ask("a.txt", also=(Format.PNG,)), Painter()).reports[0]

    outcome = report.outcome
    assert (outcome.seconds, outcome.tiles, outcome.warnings) == ((("paint", 0.5),), 3, ("pale",))
    assert (outcome.metrics, outcome.said) == (FIGURES, "painted well")
    assert (outcome.network, outcome.sha256, outcome.device, outcome.provider) == (
        "net@1",
        "ab",
        "cpu",
        "CPU",
    )
    assert (report.output, report.also) == (Path("a_new.exr"), (Path("a_new.png"),))


def test_folders_of_all_outputs_are_made_and_not_left_empty_by_a_failure():
    Path("b.txt").write_text("bad")

    go(ask("a.txt", output="made/", sheet="seen/here/"), Painter())
    go(ask("b.txt", output="empty/", sheet="also/empty/"), Painter())

    assert Path("made/a_new.exr").is_file()
    assert Path("seen/here/a_sheet.png").is_file()
    assert not Path("empty").exists()
    assert not Path("also").exists()


def test_a_forecast_loads_no_network_but_needs_a_model_and_a_known_device(monkeypatch, tmp_path):
    monkeypatch.setattr("rawtool.runtime.catalog.model_folders", lambda: (tmp_path / "none",))
    request = ask("a.txt")

    with pytest.raises(ModelNotFoundError, match="hdr"):
        forecast(planned(request), request, Task.HDR)
    asked = []
    monkeypatch.setattr(
        "rawtool.batch.journey.find_model",
        lambda *words: asked.append(words) or type("M", (), {"label": "n@1"}),
    )
    wrong = ask("a.txt", networks=NetworkChoice(device="toaster"))
    with pytest.raises(DeviceError):
        forecast(planned(wrong), wrong, Task.HDR)
    found = forecast(planned(request), request, Task.HDR)

    assert (found.network, found.device, found.n_jobs) == ("n@1", "auto", 1)
    assert asked == [(None, None, Task.HDR)] * 2


@pytest.mark.parametrize("said", [{"name": "{stem}-{model}.exr"}, {"sheet": "{stem}-{model}.png"}])
def test_the_name_of_the_model_can_stand_in_an_output_name(said, monkeypatch):
    monkeypatch.setattr(
        "rawtool.batch.journey.find_model", lambda name, *words: type("M", (), {"name": f"best-{name}"})
    )

    job = planned(ask("a.txt", networks=NetworkChoice("s"), **said)).jobs[0]

    assert f"a-best-s{job.targets[-1].suffix}" == job.targets[-1].name


def test_only_policies_that_say_so_replace_files():
    assert {policy for policy in ExistsPolicy if may_replace(Policies(policy))} == {
        ExistsPolicy.OVERWRITE,
        ExistsPolicy.NEWER,
    }


def test_sources_that_are_missing_empty_or_no_files_are_told_apart():
    Path("empty.txt").touch()
    Path("folder.txt").mkdir()

    check_source(Path("a.txt"), "text", "write it")
    for name, kind, why in (
        ("missing.txt", InputError, "no such file"),
        ("folder.txt", InputError, "not a regular file; name a text"),
        ("empty.txt", CorruptFileError, "the file is empty; write it"),
    ):
        with pytest.raises(kind, match=why):
            check_source(Path(name), "text", "write it")
