import threading
import time
from pathlib import Path

import pytest

from rawtool.batch.plan import Job, Plan, Policies
from rawtool.batch.report import Outcome, Status
from rawtool.batch.run import BYTES_A_JOB, Limits, choose_jobs, free_memory, run
from rawtool.errors import CorruptFileError, OutputExistsError
from rawtool.vocabulary import ExistsPolicy, ExitCode, Format


class Watcher:
    def __init__(self):
        self.begun, self.steps, self.ended = [], [], []

    def started(self, job):
        self.begun.append(job.source.name)

    def advanced(self, job, fraction):
        self.steps.append((job.source.name, fraction))

    def finished(self, report):
        self.ended.append(report.input.name)


def make(tmp_path, n_files=4, policy=ExistsPolicy.ERROR):
    jobs = tuple(Job(tmp_path / f"{i}.dng", tmp_path / f"{i}.jpg") for i in range(n_files))
    return Plan(jobs, Format.JPEG, Policies(policy))


def write(job, advance):
    advance(0.5)
    job.target.write_bytes(b"picture")
    return Outcome(tiles=2)


def test_every_job_is_done_in_order_and_told(tmp_path):
    watcher = Watcher()

    summary = run(make(tmp_path), write, Limits(), watcher)

    assert [report.status for report in summary.reports] == [Status.DONE] * 4
    assert watcher.begun == watcher.ended == ["0.dng", "1.dng", "2.dng", "3.dng"]
    assert watcher.steps[0] == ("0.dng", 0.5)
    assert summary.reports[0].outcome.tiles == 2


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_one_failure_does_not_stop_the_others(tmp_path, n_jobs):
    def work(job, advance):
        if job.source.name == "1.dng":
            raise CorruptFileError("cut short; ends in tile 3; copy it again")
        return write(job, advance)

    summary = run(make(tmp_path), work, Limits(n_jobs), Watcher())
    failed = {report.input.name: report for report in summary.failures}

    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.jpg", "2.jpg", "3.jpg"]
    assert failed["1.dng"].code is ExitCode.INPUT
    assert failed["1.dng"].cause == "cut short; ends in tile 3; copy it again"
    assert summary.code is ExitCode.INPUT


def test_a_bug_met_in_one_file_is_reported_with_its_error(tmp_path):
    def work(job, advance):
        raise TypeError("oops") if job.source.name == "0.dng" else MemoryError

    summary = run(make(tmp_path, 2), work, Limits(), Watcher())

    assert [report.code for report in summary.reports] == [ExitCode.INTERNAL, ExitCode.MEMORY]
    assert isinstance(summary.reports[0].error, TypeError)
    assert summary.reports[1].error is None
    assert summary.code is ExitCode.MIXED


def test_no_more_files_are_started_after_so_many_failures(tmp_path):
    def work(job, advance):
        raise CorruptFileError("bad")

    watcher = Watcher()
    summary = run(make(tmp_path), work, Limits(max_failures=2), watcher)

    assert watcher.begun == ["0.dng", "1.dng"]
    assert summary.n_left == 2


def test_an_output_that_exists_is_refused_or_skipped_without_work(tmp_path):
    (tmp_path / "0.jpg").touch()
    refusing, skipping = Watcher(), Watcher()

    refused = run(make(tmp_path, 1), write, Limits(), refusing)
    skipped = run(make(tmp_path, 1, ExistsPolicy.SKIP), write, Limits(), skipping)

    assert refused.code is ExitCode.EXISTS
    assert skipped.reports[0].status is Status.SKIPPED
    assert refusing.begun == skipping.begun == []
    assert (tmp_path / "0.jpg").read_bytes() == b""


def test_an_output_that_another_program_wrote_meanwhile_is_skipped_by_that_policy(tmp_path):
    def work(job, advance):
        raise OutputExistsError("exists")

    assert (
        run(make(tmp_path, 1, ExistsPolicy.SKIP), work, Limits(), Watcher()).reports[0].status
        is Status.SKIPPED
    )
    assert run(make(tmp_path, 1), work, Limits(), Watcher()).code is ExitCode.EXISTS


def test_no_more_files_are_under_way_than_asked(tmp_path):
    lock, busy, most = threading.Lock(), 0, 0

    def work(job, advance):
        nonlocal busy, most
        with lock:
            busy, most = busy + 1, max(most, busy + 1)
        time.sleep(0.02)
        with lock:
            busy -= 1
        return Outcome()

    run(make(tmp_path, 8), work, Limits(3), Watcher())

    assert most == 3


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_gives_up_what_is_under_way_and_goes_on_to_the_caller(tmp_path, interrupt):
    cleaned, is_under_way = [], threading.Event()

    class Interrupting(Watcher):
        def finished(self, report):
            raise interrupt

    def work(job, advance):
        if job.source.name == "0.dng":
            assert is_under_way.wait(10)
            return Outcome()
        try:
            while True:
                is_under_way.set()
                advance(0.1)
                time.sleep(0.005)
        finally:
            cleaned.append(job.source.name)

    with pytest.raises(interrupt):
        run(make(tmp_path), work, Limits(2), Interrupting())

    assert cleaned == ["1.dng"]


def test_as_many_files_at_once_as_cores_and_memory_allow_but_two_at_most():
    assert choose_jobs(None, 50, n_cores=2, free_bytes=None) == 1
    assert choose_jobs(None, 50, n_cores=8, free_bytes=None) == 2
    assert choose_jobs(None, 50, n_cores=64, free_bytes=64 * BYTES_A_JOB) == 2
    assert choose_jobs(None, 50, n_cores=64, free_bytes=BYTES_A_JOB // 2) == 1
    assert choose_jobs(None, 1, n_cores=64, free_bytes=None) == 1
    assert choose_jobs(7, 50, n_cores=2, free_bytes=0) == 7
    assert choose_jobs(7, 3, n_cores=2, free_bytes=0) == 3


def test_free_memory_is_what_the_system_says():
    found = free_memory()

    assert (found is None) != Path("/proc/meminfo").exists()
    assert found is None or found > 1_000_000
