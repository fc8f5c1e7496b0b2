from __future__ import annotations

import datetime as dt

import pytest

from infra.why import Line, decide

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
QUEUED = {"state": "queued", "queue": "compute", "run_at": NOW}


def line(**values):
    return Line(
        **{"ahead": 0, "running": 0, "dispatched": 0, "work_s": None, "slots": 2, "cap": None, "now": NOW} | values
    )


@pytest.mark.parametrize(
    ("job", "values", "reason", "starts_in_s"),
    [
        ({"state": "succeeded"}, {}, "over", None),
        ({"state": "running"}, {}, "running", None),
        (QUEUED | {"run_at": NOW + dt.timedelta(seconds=30)}, {}, "backoff", 30),
        (QUEUED, {"cap": 1, "running": 1, "work_s": 40.0}, "organisation_cap", 40),
        (QUEUED, {"cap": 2, "running": 1, "dispatched": 1, "slots": 0}, "organisation_cap", None),
        (QUEUED, {"cap": 0, "work_s": 4.0, "slots": 0}, "organisation_cap", None),
        (QUEUED, {"slots": 0}, "cold_start", 2.5),
        (QUEUED, {"running": 2, "work_s": 60.0}, "workers_busy", 30),
        (QUEUED, {"running": 2}, "workers_busy", None),
        (QUEUED, {"running": 1}, "next", 0),
    ],
)
def test_the_first_thing_that_holds_a_job_is_named(job, values, reason, starts_in_s):
    found = decide(job, [], line(**values))
    assert (found.reason, found.starts_in_s) == (reason, starts_in_s)
    assert (found.basis is None) == (reason in {"over", "running"})


def test_the_place_counts_from_one():
    assert decide(QUEUED, [], line(ahead=4)).position == 5


def test_unfinished_dependencies_are_named_up_to_five():
    unfinished = [{"id": f"job_{n}", "state": "running"} for n in range(7)]
    detail = decide({"state": "waiting"}, unfinished, line()).detail
    assert "job_0 (running)" in detail
    assert "job_5" not in detail
    assert "2 more" in detail
