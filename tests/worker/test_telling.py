import pytest

from infra import dispatching, jobs, leases
from tasks.errors import JobCancelled, JobTimedOut
from worker.joblog import JobLog
from worker.telling import Telling


@pytest.fixture
def held(toys, toy_org):
    job_id = toys.submit(toy_org)
    with toys.database.system() as connection:
        token = next(row["token"] for row in dispatching.claim_next(connection, "compute", 50) if row["id"] == job_id)
        return leases.claim(connection, job_id, token, worker_id="h:1", child_pid=1, lease_s=60)


@pytest.fixture
def told(toys, held):
    """A tell on a clock that the test sets."""
    now = [100.0]
    log = JobLog()
    tell = Telling(toys.database, held, log, lambda: now[0])
    tell.at = lambda seconds: now.__setitem__(0, 100.0 + seconds)
    tell.log = log
    return tell


def test_progress_is_written_at_most_four_times_a_second(toys, toy_org, held, told):
    for seconds, fraction in ((0.1, 0.1), (0.3, 0.3), (0.4, 0.4), (0.6, 7.0)):
        told.at(seconds)
        told(fraction, "counting", "x" * 1000)
    with toys.database.org(toy_org.org_id) as connection:
        written = [e["data"] for e in jobs.events_after(connection, held["id"]) if e["type"] == "progress"]
    assert [one["fraction"] for one in written] == [0.3, 1.0]
    assert toys.job(toy_org, held["id"])["progress"] == {"fraction": 1.0, "stage": "counting", "message": "x" * 500}


def test_a_wish_to_cancel_arrives_with_the_next_write(toys, toy_org, held, told):
    toys.cancel(toy_org, held["id"])
    told.at(0.1)
    told(0.1, "too early to ask")
    told.at(1.0)
    with pytest.raises(JobCancelled):
        told(0.2, "asked")


def test_the_time_limit_arrives_without_a_write(told, held):
    told.at(held["timeout_s"] + 1)
    with pytest.raises(JobTimedOut, match="limit of 4 s"):
        told(0.1, "slow")


def test_a_missed_deadline_arrives(toys, toy_org, held, told):
    with toys.database.org(toy_org.org_id) as connection:
        connection.execute("UPDATE jobs SET deadline_at = now() - interval '1 s' WHERE id = %s", [held["id"]])
    told.at(1.0)
    with pytest.raises(JobTimedOut, match="deadline"):
        told(0.1, "late")


def test_log_lines_go_with_it(toys, toy_org, held, told):
    import logging

    with told.log:
        logging.getLogger("tasks.toy").info("counted to ten")
        told.at(1.0)
        told(0.1, "counting")
    with toys.database.org(toy_org.org_id) as connection:
        assert [line["message"] for line in jobs.logs(connection, held["id"])] == ["counted to ten"]
