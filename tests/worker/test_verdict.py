import pytest

from tasks.errors import DataUnusable, IntegrityFault, JobCancelled, JobTimedOut, Unavailable
from worker.verdict import backoff_s, judge, judge_lost


def verdict(error, charged=1):
    return judge(error, charged, jitter=1.0, backoff_max_s=60.0)


@pytest.mark.parametrize("error", [Unavailable(), MemoryError(), RuntimeError("x")])
def test_a_fault_of_the_platform_is_tried_again_up_to_three_attempts(error):
    assert [verdict(error, charged).state for charged in (1, 2, 3)] == ["queued", "queued", "failed"]


@pytest.mark.parametrize("error", [DataUnusable("bad"), IntegrityFault(), JobTimedOut()])
def test_what_another_attempt_can_not_mend_is_not_tried_again(error):
    assert verdict(error).state == "failed"


def test_a_cancelled_job_is_cancelled_and_not_failed():
    assert verdict(JobCancelled()).state == "cancelled"


def test_an_error_we_do_not_know_shows_its_owner_nothing_of_itself():
    problem = verdict(RuntimeError("password=hunter2"), charged=3).problem
    assert problem["type"] == "/problems/internal"
    assert "hunter2" not in str(problem)


def test_backoff_grows_is_bounded_and_spread():
    assert [backoff_s(n, 1.0, 60.0) for n in (1, 2, 3, 9)] == [2.0, 8.0, 32.0, 60.0]
    assert backoff_s(2, 0.0, 60.0) == 4.0


def test_a_lost_worker_is_forgiven_twice_and_the_first_time_at_once():
    first, second, third = (judge_lost(charged, jitter=1.0, backoff_max_s=60.0) for charged in (1, 2, 3))
    assert (first.state, first.after_s) == ("queued", 0.0)
    assert (second.state, second.after_s) == ("queued", 2.0)
    assert (third.state, third.problem["type"]) == ("failed", "/problems/worker-lost")
