from pathlib import Path

import pytest

from rawtool.batch.report import FileReport, Status, Summary, shared_code
from rawtool.vocabulary import ExitCode


def report(status, code=ExitCode.OK):
    return FileReport(Path("a.dng"), Path("a.jpg"), status, code)


@pytest.mark.parametrize(
    ("codes", "shared"),
    [
        ([], ExitCode.OK),
        ([ExitCode.INPUT], ExitCode.INPUT),
        ([ExitCode.INPUT, ExitCode.INPUT], ExitCode.INPUT),
        ([ExitCode.INPUT, ExitCode.EXISTS], ExitCode.MIXED),
    ],
)
def test_failures_of_one_cause_share_its_code_and_others_are_mixed(codes, shared):
    assert shared_code(codes) is shared


def test_the_summary_counts_what_happened():
    reports = (
        report(Status.DONE),
        report(Status.SKIPPED),
        report(Status.FAILED, ExitCode.WRITE),
        report(Status.DONE),
    )

    summary = Summary(reports, n_left=3)

    assert summary.text == "2 done, 1 skipped, 1 failed, 3 not finished"
    assert summary.code is ExitCode.WRITE
    assert summary.failures == (reports[2],)


def test_the_summary_leaves_out_what_did_not_happen_but_always_says_what_is_done():
    assert Summary((report(Status.DONE), report(Status.DONE))).text == "2 done"
    assert Summary((report(Status.FAILED),)).text == "0 done, 1 failed"
