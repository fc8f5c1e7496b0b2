"""Workers that come, go and are taken away, under real jobs."""

import os
import signal

from worker.limits import resident_mb


def test_from_zero_workers_to_a_result_and_back_to_zero(toys, toy_org):
    with toys.dispatcher(FLOOR_WORKER_IDLE_S="1"):
        job = toys.wait(toy_org, toys.submit(toy_org, table={"columns": ["x"], "rows": [[1], [2.5]]}))
        assert (job["state"], job["result"], job["attempt"]) == ("succeeded", {"did": "nothing"}, 1)
        assert [e for e in toys.events(toy_org, job["id"]) if e != "progress"] == ["queued", "running", "succeeded"]
        toys.until(lambda: not toys.nodes())


def test_a_killed_worker_is_found_by_its_lease(toys, toy_org, tmp_path):
    with toys.dispatcher():
        job_id = toys.submit(toy_org, "sleep", seconds=2, witness=str(tmp_path / "w"))
        (child,) = toys.until(lambda: toys.starts(tmp_path / "w"))
        node = toys.node_of(toy_org, job_id)
        os.kill(node, signal.SIGKILL)
        toys.until(lambda: resident_mb(int(child)) is None)  # the kernel ends the children of a dead parent
        assert toys.wait(toy_org, job_id)["state"] == "succeeded"
        assert len(toys.starts(tmp_path / "w")) == 2


def test_a_worker_taken_down_hands_its_job_back_uncharged(toys, toy_org, tmp_path):
    with toys.dispatcher(FLOOR_WORKER_GRACE_S="0.2"):
        job_id = toys.submit(toy_org, "sleep", seconds=3, witness=str(tmp_path / "w"))
        toys.until(lambda: toys.starts(tmp_path / "w"))
        node = toys.node_of(toy_org, job_id)
        os.kill(node, signal.SIGTERM)
        job = toys.wait(toy_org, job_id)
        assert (job["state"], job["attempt"], job["charged"]) == ("succeeded", 2, 1)
        assert len(toys.starts(tmp_path / "w")) == 2


def test_a_worker_taken_down_lets_a_job_finish_within_the_grace_period(toys, toy_org, tmp_path):
    with toys.dispatcher():
        job_id = toys.submit(toy_org, "sleep", seconds=1.5, witness=str(tmp_path / "w"))
        toys.until(lambda: toys.starts(tmp_path / "w"))
        node = toys.node_of(toy_org, job_id)
        os.kill(node, signal.SIGTERM)
        assert toys.wait(toy_org, job_id)["attempt"] == 1


def test_a_dispatcher_that_stands_by_takes_over_from_a_killed_one(toys, toy_org, tmp_path):
    with toys.dispatcher() as first, toys.dispatcher():
        job_id = toys.submit(toy_org, "sleep", seconds=1, witness=str(tmp_path / "w"))
        toys.until(lambda: toys.starts(tmp_path / "w"))
        first.kill()
        assert toys.wait(toy_org, job_id)["state"] == "succeeded"
        assert toys.wait(toy_org, toys.submit(toy_org))["state"] == "succeeded"


def test_a_stopped_dispatcher_leaves_no_worker_behind(toys, toy_org, tmp_path):
    with toys.dispatcher():
        job_id = toys.submit(toy_org, "sleep", seconds=3.5, witness=str(tmp_path / "w"))
        (child,) = toys.until(lambda: toys.starts(tmp_path / "w"))
        node = toys.node_of(toy_org, job_id)
    assert resident_mb(int(child)) is resident_mb(node) is None
    job = toys.job(toy_org, job_id)
    assert (job["state"], job["charged"]) == ("queued", 0)
