"""How every verb goes from its words to its exit status."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from rawtool.batch.choices import Forecast, NetworkChoice
from rawtool.batch.inputs import Selection
from rawtool.batch.outputs import Naming
from rawtool.batch.plan import Plan
from rawtool.cli import pipes
from rawtool.cli.options import RunningWords, TakenWords
from rawtool.vocabulary import ExitCode

if TYPE_CHECKING:
    from rawtool.batch.journey import Request
    from rawtool.batch.report import Summary
    from rawtool.batch.run import Listener

Settings = TypeVar("Settings")


@dataclass(frozen=True, slots=True)
class Told:
    """What all verbs are told: which files, to where, by which networks, and how the run goes on."""

    selection: Selection
    naming: Naming
    taken: TakenWords
    networks: NetworkChoice
    running: RunningWords


def run_verb(
    told: Told,
    settings: Settings,
    plan: "Callable[[Request[Settings]], Plan]",
    forecast: "Callable[[Plan, Request[Settings]], Forecast]",
    run: "Callable[[Plan, Request[Settings], Listener], Summary]",
) -> int:
    """Plan a run, then say what it would do or do it; returns the exit status.

    Raises:
        RawtoolError: the run cannot begin.
    """
    from rawtool.batch.journey import Request
    from rawtool.cli.report import reporting, say_plan

    policies, running = told.taken.policies(), told.running
    with pipes.opened(told.selection, told.naming, is_json=running.talk.is_json) as ready:
        limits = (running.n_jobs, running.most_failures)
        request = Request(ready.selection, ready.naming, policies, told.networks, settings, *limits)
        planned = plan(request)
        ready.check(planned)
        if running.is_dry:
            return say_plan(planned, forecast(planned, request), running.talk, ready.called)
        with reporting(running.talk, len(planned.jobs), ready.called) as reporter:
            code = run(planned, request, reporter).code
        if code is ExitCode.OK:
            ready.deliver()
        return int(code)
