"""Jobs through the real dispatcher and real Celery workers, while the machine is broken under them."""

import os
import signal
import time

import pytest
import redis

from infra.dispatching import busy_workers
from worker.limits import resident_mb


def starts(witness):
    return witness.read_text().split() if witness.exists() else []


def wait_for(condition, within_s=20.0):
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def nodes(toys):
    with toys.database.system() as connection:
        return [row["pid"] for row in connection.execute("SELECT pid FROM workers").fetchall()]


def test_from_zero_workers_to_a_result_and_back_to_zero(toys, toy_org):
    with toys.dispatcher(FLOOR_WORKER_IDLE_S="1"):
        job = toys.wait(toy_org, toys.submit(toy_org, table={"columns": ["x"], "rows": [[1], [2.5]]}))
        assert (job["state"], job["result"], job["attempt"]) == ("succeeded", {"did": "nothing"}, 1)
        assert toys.events(toy_org, job["id"]) == ["queued", "running", "succeeded"]
        wait_for(lambda: not nodes(toys))


def test_a_killed_child_costs_one_attempt_and_its_job_runs_again_at_once(toys, toy_org, tmp_path):
    with toys.dispatcher():
        job_id = toys.submit(toy_org, "sleep", seconds=3, witness=str(tmp_path / "w"))
        (pid,) = wait_for(lambda: starts(tmp_path / "w"))
        os.kill(int(pid), signal.SIGKILL)
        again = toys.wait(toy_org, job_id, lambda job: job["attempt"] == 2, within_s=10)
        assert again["charged"] == 2
        assert toys.wait(toy_org, job_id)["state"] == "succeeded"
        assert len(starts(tmp_path / "w")) == 2


def test_a_killed_worker_is_found_by_its_lease(toys, toy_org, tmp_path):
    with toys.dispatcher():
        job_id = toys.submit(toy_org, "sleep", seconds=2, witness=str(tmp_path / "w"))
        (child,) = wait_for(lambda: starts(tmp_path / "w"))
        (node,) = nodes(toys)
        os.kill(node, signal.SIGKILL)
        wait_for(lambda: resident_mb(int(child)) is None)  # the kernel ends the children of a dead parent
        assert toys.wait(toy_org, job_id)["state"] == "succeeded"
        assert len(starts(tmp_path / "w")) == 2


def test_a_job_that_kills_its_worker_three_times_is_not_tried_again(toys, toy_org, tmp_path):
    with toys.dispatcher():
        poison = toys.submit(toy_org, "die", witness=str(tmp_path / "w"))
        job = toys.wait(toy_org, poison, within_s=60)
        assert (job["state"], job["error"]["type"], job["attempt"]) == ("failed", "/problems/worker-lost", 3)
        assert len(starts(tmp_path / "w")) == 3
        assert toys.wait(toy_org, toys.submit(toy_org))["state"] == "succeeded"


def test_a_memory_error_costs_the_job_an_attempt_and_nobody_else_anything(toys, toy_org):
    with toys.dispatcher():
        job = toys.wait(toy_org, toys.submit(toy_org, "out_of_memory"))
        assert (job["state"], job["error"]["type"], job["attempt"]) == ("failed", "/problems/out-of-memory", 3)
        (node,) = nodes(toys)
        assert toys.wait(toy_org, toys.submit(toy_org))["worker_id"].endswith(f":{node}")


def test_a_job_over_its_memory_limit_is_ended(toys, toy_org):
    with toys.dispatcher():
        job = toys.wait(toy_org, toys.submit(toy_org, "hog"), within_s=60)
        assert (job["state"], job["error"]["type"]) == ("failed", "/problems/out-of-memory")


@pytest.mark.parametrize("deed", ["tell", "sleep", "deaf"])
def test_a_running_job_is_cancelled_within_five_seconds(toys, toy_org, tmp_path, deed):
    seconds = {"tell": 20, "sleep": 20, "deaf": 1.3}[deed]
    with toys.dispatcher():
        job_id = toys.submit(toy_org, deed, seconds=seconds, witness=str(tmp_path / "w"))
        wait_for(lambda: starts(tmp_path / "w"))
        toys.cancel(toy_org, job_id)
        job = toys.wait(toy_org, job_id, within_s=5)
        assert (job["state"], job["error"]["type"]) == ("cancelled", "/problems/job-cancelled")
        assert toys.wait(toy_org, toys.submit(toy_org))["state"] == "succeeded"  # the slot is free again


def test_a_job_over_its_time_is_ended(toys, toy_org):
    with toys.dispatcher():
        job = toys.wait(toy_org, toys.submit(toy_org, "sleep", seconds=60), within_s=25)
        assert (job["state"], job["error"]["type"]) == ("failed", "/problems/job-timed-out")


def test_a_worker_taken_down_hands_its_job_back_uncharged(toys, toy_org, tmp_path):
    with toys.dispatcher(FLOOR_WORKER_GRACE_S="0.2"):
        job_id = toys.submit(toy_org, "sleep", seconds=4, witness=str(tmp_path / "w"))
        wait_for(lambda: starts(tmp_path / "w"))
        (node,) = nodes(toys)
        os.kill(node, signal.SIGTERM)
        job = toys.wait(toy_org, job_id)
        assert (job["state"], job["attempt"], job["charged"]) == ("succeeded", 2, 1)
        assert len(starts(tmp_path / "w")) == 2


def test_a_worker_taken_down_lets_a_job_finish_within_the_grace_period(toys, toy_org, tmp_path):
    with toys.dispatcher():
        job_id = toys.submit(toy_org, "sleep", seconds=1.5, witness=str(tmp_path / "w"))
        wait_for(lambda: starts(tmp_path / "w"))
        (node,) = nodes(toys)
        os.kill(node, signal.SIGTERM)
        assert toys.wait(toy_org, job_id)["attempt"] == 1


def test_a_flushed_redis_loses_nothing(toys, toy_org):
    with toys.dispatcher():
        blocker = toys.submit(toy_org, "sleep", seconds=1)
        behind = [toys.submit(toy_org, nonce=n) for n in range(5)]
        toys.wait(toy_org, blocker, lambda job: job["state"] == "running")
        redis.Redis.from_url(toys.settings.redis_url).flushall()
        assert {toys.wait(toy_org, job_id)["state"] for job_id in behind} == {"succeeded"}


def test_what_a_job_waits_for_decides_what_becomes_of_it(toys, toy_org):
    with toys.dispatcher():
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


def test_nobody_is_busy_when_all_is_done(toys, toy_org):
    with toys.dispatcher():
        toys.wait(toy_org, toys.submit(toy_org))
        with toys.database.system() as connection:
            assert not busy_workers(connection)
