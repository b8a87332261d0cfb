"""From words to exit status, the same way for every verb."""

import pytest

from rawtool.batch.choices import Forecast, NetworkChoice
from rawtool.batch.inputs import Selection
from rawtool.batch.outputs import Naming
from rawtool.batch.plan import Job, OnCollision, Plan
from rawtool.batch.report import FileReport, Status, Summary
from rawtool.cli.options import RunningWords, TakenWords, Talk
from rawtool.cli.runs import Told, run_verb
from rawtool.errors import UsageError
from rawtool.vocabulary import ExistsPolicy, ExitCode, Format


def told(*, is_dry=False, is_forced=False):
    running = RunningWords(3, True, None, is_dry, Talk(False, "none"))
    taken = TakenWords(ExistsPolicy.SKIP if is_forced else None, is_forced, False, OnCollision.ERROR)
    return Told(
        Selection(("a.dng",)), Naming("x.jpg"), taken, NetworkChoice("m", "cpu", "auto", None), running
    )


class Steps:
    """Notes what it is asked, and ends as it was told to."""

    def __init__(self, tmp_path, code=ExitCode.OK):
        self.job, self.code, self.asked = Job(tmp_path / "a.dng", tmp_path / "x.jpg"), code, []

    def plan(self, request):
        self.asked.append(("plan", request))
        return Plan((self.job,), Format.JPEG)

    def forecast(self, plan, request):
        self.asked.append(("forecast", plan))
        return Forecast("m@1", "cpu", 1, 10**9)

    def run(self, plan, request, listener):
        self.asked.append(("run", plan))
        status = Status.FAILED if self.code else Status.DONE
        report = FileReport(self.job.source, self.job.target, status, self.code, "why" if self.code else None)
        listener.finished(report)
        return Summary((report,))


@pytest.mark.parametrize("code", [ExitCode.OK, ExitCode.INPUT])
def test_a_run_is_planned_done_and_told(code, tmp_path, capsys):
    steps = Steps(tmp_path, code)

    assert run_verb(told(), "settings", steps.plan, steps.forecast, steps.run) == code

    assert [what for what, _ in steps.asked] == ["plan", "run"]
    request = steps.asked[0][1]
    assert (request.settings, request.n_jobs, request.max_failures) == ("settings", 3, 1)
    assert request.selection.inputs == ("a.dng",)
    assert ("1 failed" if code else "1 done") in capsys.readouterr().err


def test_a_dry_run_says_its_plan_and_does_nothing(tmp_path, capsys):
    steps = Steps(tmp_path)

    assert run_verb(told(is_dry=True), None, steps.plan, steps.forecast, steps.run) == 0

    assert [what for what, _ in steps.asked] == ["plan", "forecast"]
    assert "nothing was written" in capsys.readouterr().out


def test_words_that_contradict_are_refused_before_the_plan(tmp_path):
    steps = Steps(tmp_path)

    with pytest.raises(UsageError, match="ask for different things"):
        run_verb(told(is_forced=True), None, steps.plan, steps.forecast, steps.run)
    assert not steps.asked
