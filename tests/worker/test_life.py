"""Jobs through the real dispatcher and real Celery workers that share one machine, while it is broken under them."""

import os
import signal

import pytest
import redis

pytestmark = pytest.mark.usefixtures("running")


@pytest.fixture(scope="module")
def running(toyland):
    with toyland.dispatcher(FLOOR_WORKER_IDLE_S="60"):
        yield


def test_a_killed_child_costs_one_attempt_and_its_job_runs_again_at_once(toys, toy_org, tmp_path):
    job_id = toys.submit(toy_org, "sleep", seconds=2, witness=str(tmp_path / "w"))
    (pid,) = toys.until(lambda: toys.starts(tmp_path / "w"))
    os.kill(int(pid), signal.SIGKILL)
    again = toys.wait(toy_org, job_id, lambda job: job["attempt"] == 2, within_s=10)
    assert again["charged"] == 2
    assert toys.wait(toy_org, job_id)["state"] == "succeeded"
    assert len(toys.starts(tmp_path / "w")) == 2


def test_a_job_that_kills_its_worker_three_times_is_not_tried_again(toys, toy_org, tmp_path):
    poison = toys.submit(toy_org, "die", witness=str(tmp_path / "w"))
    job = toys.wait(toy_org, poison, within_s=60)
    assert (job["state"], job["error"]["type"], job["attempt"]) == ("failed", "/problems/worker-lost", 3)
    assert len(toys.starts(tmp_path / "w")) == 3
    assert toys.wait(toy_org, toys.submit(toy_org))["state"] == "succeeded"


def test_a_memory_error_costs_the_job_an_attempt_and_nobody_else_anything(toys, toy_org):
    job = toys.wait(toy_org, toys.submit(toy_org, "out_of_memory"))
    assert (job["state"], job["error"]["type"], job["attempt"]) == ("failed", "/problems/out-of-memory", 3)
    assert toys.node_of(toy_org, job["id"]) in toys.nodes()
    assert toys.wait(toy_org, toys.submit(toy_org))["state"] == "succeeded"


def test_a_job_over_its_memory_limit_is_ended(toys, toy_org):
    job = toys.wait(toy_org, toys.submit(toy_org, "hog"), within_s=60)
    assert (job["state"], job["error"]["type"]) == ("failed", "/problems/out-of-memory")


@pytest.mark.parametrize("deed", ["tell", "sleep", "deaf"])
def test_a_running_job_is_cancelled_within_five_seconds(toys, toy_org, tmp_path, deed):
    seconds = {"tell": 20, "sleep": 20, "deaf": 1.3}[deed]
    job_id = toys.submit(toy_org, deed, seconds=seconds, witness=str(tmp_path / "w"))
    toys.until(lambda: toys.starts(tmp_path / "w"))
    toys.cancel(toy_org, job_id)
    job = toys.wait(toy_org, job_id, within_s=5)
    assert (job["state"], job["error"]["type"]) == ("cancelled", "/problems/job-cancelled")
    assert toys.wait(toy_org, toys.submit(toy_org))["state"] == "succeeded"  # the slot is free again


def test_a_job_over_its_time_is_ended(toys, toy_org):
    job = toys.wait(toy_org, toys.submit(toy_org, "sleep", seconds=60), within_s=25)
    assert (job["state"], job["error"]["type"]) == ("failed", "/problems/job-timed-out")


def test_a_flushed_redis_loses_nothing(toys, toy_org):
    blocker = toys.submit(toy_org, "sleep", seconds=1)
    behind = [toys.submit(toy_org, nonce=n) for n in range(5)]
    toys.wait(toy_org, blocker, lambda job: job["state"] == "running")
    redis.Redis.from_url(toys.settings.redis_url).flushall()
    assert {toys.wait(toy_org, job_id)["state"] for job_id in behind} == {"succeeded"}


def test_what_a_job_waits_for_decides_what_becomes_of_it(toys, toy_org):
    good, bad = toys.submit(toy_org, "sleep", seconds=0.5), toys.submit(toy_org, "refuse")
    reader = toys.submit(toy_org, table={"job": good, "artifact": "numbers"}, nonce=5)
    doomed = toys.submit(toy_org, table={"job": bad, "artifact": "numbers"})
    beyond = toys.submit(toy_org, depends_on=[doomed])
    assert toys.job(toy_org, reader)["state"] == "waiting"
    assert toys.wait(toy_org, reader)["state"] == "succeeded"
    failed = toys.wait(toy_org, doomed)
    assert (failed["state"], failed["error"]["type"]) == ("failed", "/problems/dependency-failed")
    assert bad in failed["error"]["detail"]
    assert doomed in toys.wait(toy_org, beyond)["error"]["detail"]
