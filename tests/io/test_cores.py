import os

import pytest

from rawtool.io.cores import n_cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system cannot bind a process to cores")
def test_cores_that_were_taken_away_do_not_count():
    had = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(had)})
        assert n_cores() == 1
    finally:
        os.sched_setaffinity(0, had)
    assert n_cores() == len(had)


def test_where_nothing_is_bound_all_cores_count(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)

    assert n_cores() == (os.cpu_count() or 1)
