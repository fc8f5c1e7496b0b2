import datetime as dt
import uuid

import pytest

from infra import leases
from infra.leases import Finish, LeaseLost, Requeue, StoredArtifact

ARTIFACT = StoredArtifact("scores", "x/y", 3, "ab" * 32, 3, "orgs/o/jobs/j/1/scores", "scores.parquet")
DONE = Finish({"n": 1}, [ARTIFACT], run_s=1.5, cpu_s=1.0, code_version="v", input_digest="d")


@pytest.fixture
def within(desk):
    """Call one of the module's functions in the organisation's transaction."""

    def call(function, *args):
        with desk.database.org(desk.org_id) as connection:
            return function(connection, *args)

    return call


def test_a_job_is_claimed_once_and_only_with_its_token(desk):
    (job_id,) = desk.put()
    assert desk.claim(job_id, str(uuid.uuid4())) is None  # not dispatched yet
    (row,) = desk.admit()
    assert desk.claim(job_id, str(uuid.uuid4())) is None
    assert desk.claim(job_id, "not a token") is None
    held = desk.claim(job_id, row["token"])
    assert (held["state"], held["attempt"], held["charged"], held["worker_id"]) == ("running", 1, 1, "host:1")
    assert desk.claim(job_id, row["token"]) is None  # the message came twice


def test_a_cancelled_job_can_not_be_claimed(desk):
    (job_id,) = desk.put()
    (row,) = desk.admit()
    desk.move(job_id, "cancelled")
    assert desk.claim(job_id, row["token"]) is None


def test_a_finish_makes_result_and_artifacts_visible_together(desk, within):
    held = desk.held()
    within(leases.finish, held, DONE)
    job = desk.job(held["id"])
    assert (job["state"], job["result"], job["run_s"], job["progress"]["fraction"]) == ("succeeded", {"n": 1}, 1.5, 1)
    with desk.database.org(desk.org_id) as connection:
        assert [a["name"] for a in connection.execute("SELECT name FROM artifacts").fetchall()] == ["scores"]
        audited = connection.execute("SELECT action FROM audit WHERE target = %s", [held["id"]]).fetchall()
    assert audited == [{"action": "job.succeeded"}]


@pytest.mark.parametrize(
    "late",
    [
        lambda connection, held: leases.finish(connection, held, DONE),
        lambda connection, held: leases.end(connection, held, "failed", {"type": "/problems/internal"}),
        lambda connection, held: leases.requeue(connection, held, Requeue("fault")),
        lambda connection, held: leases.progress(connection, held, {"fraction": 0.5}),
    ],
    ids=["finish", "end", "requeue", "progress"],
)
def test_a_writer_whose_lease_is_lost_changes_nothing(desk, within, late):
    held = desk.held()
    within(leases.requeue, held, Requeue("worker-lost"))
    (row,) = desk.admit()
    second = desk.claim(held["id"], row["token"])
    before = desk.job(held["id"])
    with pytest.raises(LeaseLost):
        within(late, held)
    assert desk.job(held["id"]) == before
    within(leases.finish, second, DONE)
    assert desk.job(held["id"])["attempt"] == 2


def test_progress_brings_back_the_wish_to_stop(desk, within):
    held = desk.held()
    assert within(leases.progress, held, {"fraction": 0.5}) == {"cancelled": False, "too_late": False}
    with desk.database.org(desk.org_id) as connection:
        connection.execute("UPDATE jobs SET cancel_requested_at = now(), deadline_at = now() - interval '1 s'")
    assert within(leases.progress, held, {"fraction": 0.6}) == {"cancelled": True, "too_late": True}


def test_a_lease_is_renewed_for_the_jobs_that_live_children_run(desk):
    mine, lost, other = desk.held(lease_s=1), desk.held(lease_s=1), desk.held(worker_id="host:2", lease_s=1)
    tokens = [str(mine["dispatch_token"]), str(other["dispatch_token"])]
    with desk.database.system() as connection:
        renewed = leases.renew(connection, "host:1", tokens, 60)
        left = [row["id"] for row in leases.unattended(connection, "host:1", tokens) if row["org_id"] == desk.org_id]
    assert [row["id"] for row in renewed] == [mine["id"]]
    assert renewed[0]["lease_until"] - mine["lease_until"] > dt.timedelta(seconds=50)
    assert renewed[0]["running_s"] >= 0
    assert left == [lost["id"]]


def test_an_expired_lease_is_found(desk):
    gone, alive = desk.held(lease_s=-1), desk.held()
    with desk.database.system() as connection:
        found = {row["id"] for row in leases.expired(connection)}
    assert gone["id"] in found
    assert alive["id"] not in found


def test_a_job_handed_back_keeps_its_place_and_its_attempts(desk, within):
    held = desk.held()
    within(leases.requeue, held, Requeue("worker-stopped", charge=False))
    job = desk.job(held["id"])
    assert (job["state"], job["attempt"], job["charged"], job["rank"]) == ("queued", 1, 0, held["rank"])
    assert job["lease_token"] is job["dispatch_token"] is job["worker_id"] is None
    (row,) = desk.admit()
    assert row["id"] == held["id"]


def test_a_job_whose_worker_was_lost_does_not_go_behind_all_that_came_meanwhile(desk, within):
    held = desk.held()
    within(leases.requeue, held, Requeue("worker-lost"))
    job = desk.job(held["id"])
    assert (job["charged"], job["rank"]) == (1, held["rank"])


def test_a_job_that_failed_waits_for_its_backoff(desk, within):
    held = desk.held()
    within(leases.requeue, held, Requeue("fault", after_s=30))
    job = desk.job(held["id"])
    assert (job["charged"], job["rank"]) == (1, held["rank"])
    assert dt.timedelta(seconds=25) < job["run_at"] - held["started_at"] < dt.timedelta(seconds=35)
    assert not desk.admit()


def test_log_lines_are_kept_with_their_attempt(desk, within):
    held = desk.held()
    within(leases.write_logs, held, [(dt.datetime.now(dt.UTC), "info", "hello")])
    with desk.database.org(desk.org_id) as connection:
        rows = connection.execute("SELECT attempt, level, message FROM job_logs").fetchall()
    assert rows == [{"attempt": 1, "level": "info", "message": "hello"}]
