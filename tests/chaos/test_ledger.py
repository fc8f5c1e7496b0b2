"""The judge itself: each kind of harm, written into a ledger by hand, is seen, and nothing else is."""

from __future__ import annotations

import pytest

from tests.chaos.ledger import Ledger, judge


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for n in range(3):
        ledger.write("ask", n=n, key=f"request-{n}")
        ledger.write("answer", n=n, status=202, job=f"job_{n}", type=None)
    return ledger


def job(n, id_=None, **changes):
    artifacts = [{"name": "run.json"}, {"name": "manifest.json"}]
    plain = {"id": id_ or f"job_{n}", "state": "succeeded", "params": {"n": n}, "result": {"n": n, "run": f"run_{n}"}}
    return plain | {"artifacts": artifacts} | changes


STARTS = {n: [f"run_{n}"] for n in range(3)}
TOLD = [(f"event_{n}", f"job_{n}") for n in range(3)]


def test_all_is_well(ledger):
    verdict = judge(ledger, [job(n) for n in range(3)], TOLD, STARTS)
    assert verdict.clean
    assert (verdict.jobs, verdict.reruns) == (3, 0)


@pytest.mark.parametrize(
    ("seen", "harm", "whom"),
    [
        ([job(0), job(1)], "lost", {2}),
        ([job(0), job(1), job(2, state="running")], "lost", {2}),
        ([job(0), job(1), job(2), job(2, "job_x")], "doubled", {2}),
        ([job(0), job(1), job(2), job(9)], "unexpected", {9}),
        ([job(0), job(1), job(2, state="failed", result=None)], "failed", {2}),
        ([job(0), job(1), job(2, result={"n": 2, "run": "another"})], "astray", {2}),
        ([job(0), job(1), job(2, artifacts=[{"name": "run.json"}] * 2)], "astray", {2}),
    ],
)
def test_each_harm_is_seen(ledger, seen, harm, whom):
    verdict = judge(ledger, seen, TOLD, STARTS)
    assert getattr(verdict, harm) == whom
    assert not verdict.clean


def test_one_request_answered_with_two_jobs_is_doubled(ledger):
    ledger.write("answer", n=1, status=202, job="job_x", type=None)
    assert judge(ledger, [job(0), job(1), job(2), job(1, "job_x")], TOLD, STARTS).doubled == {1}


def test_one_end_told_under_two_ids_is_doubled(ledger):
    assert judge(ledger, [job(n) for n in range(3)], [*TOLD, ("event_x", "job_1")], STARTS).doubled == {1}
    assert judge(ledger, [job(n) for n in range(3)], [*TOLD, TOLD[1]], STARTS).clean  # the same message again is fine


def test_an_unanswered_request_may_have_made_a_job_or_not_but_may_not_leave_it_lying(ledger):
    ledger.write("ask", n=3, key="request-3")
    seen, starts = [job(n) for n in range(3)], STARTS | {3: ["run_3"]}
    assert judge(ledger, seen, TOLD, starts).clean
    assert judge(ledger, [*seen, job(3)], TOLD, starts).clean
    assert judge(ledger, [*seen, job(3, state="queued")], TOLD, starts).lost == {3}


def test_what_was_meant_to_fail_must(ledger):
    seen = [job(0), job(1), job(2)]
    assert judge(ledger, seen, TOLD, STARTS, may_fail={2}).failed == {2}
