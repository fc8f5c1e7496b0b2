import datetime as dt

import psycopg
import pytest

from infra import jobs
from infra.database import listen
from infra.ids import new_id
from tasks.errors import NotFound
from tasks.job import STATES, may_move


@pytest.fixture
def cancel(desk):
    def request(job_id):
        with desk.database.org(desk.org_id) as connection:
            return jobs.request_cancel(connection, job_id)

    return request


def test_a_queued_job_is_cancelled_at_once(desk, scored, cancel):
    job_id = desk.submit(scored)["id"]
    row = cancel(job_id)
    assert (row["state"], row["error"]["type"]) == ("cancelled", "/problems/job-cancelled")
    assert row["finished_at"] is not None
    assert [name for name, _ in desk.events(job_id)] == ["queued", "cancelled"]
    assert cancel(job_id)["version"] == row["version"]


def test_a_running_job_is_asked_to_stop_and_once_only(desk, cancel):
    job_id = desk.held()["id"]
    asked = cancel(job_id)
    assert (asked["state"], asked["cancel_requested_at"] is not None) == ("running", True)
    assert cancel(job_id)["cancel_requested_at"] == asked["cancel_requested_at"]
    assert [name for name, _ in desk.events(job_id)].count("cancel_requested") == 1


def test_a_finished_job_stays_as_it_is(desk, scored, cancel):
    job_id = desk.submit(scored)["id"]
    desk.move(job_id, "succeeded")
    assert cancel(job_id)["state"] == "succeeded"


def test_cancelling_what_is_not_there_or_not_ours_is_not_found(desk, other_desk, scored, cancel):
    for job_id in (new_id("job"), other_desk.submit(scored)["id"]):
        with pytest.raises(NotFound):
            cancel(job_id)


def test_every_change_wakes_those_who_follow_the_job(desk, settings, scored, cancel):
    job_id = desk.submit(scored)["id"]
    with listen(settings.database_url, "floor_jobs") as connection:
        cancel(job_id)
        assert {notice.payload for notice in connection.notifies(timeout=5, stop_after=1)} == {job_id + jobs.OVER}


def test_a_listing_is_narrowed_and_stable_while_jobs_come(desk):
    ids = desk.put(count=5)
    with desk.database.org(desk.org_id) as connection:
        first = jobs.list_page(connection, {"state": "queued"}, None, 2)
        desk.put(count=1)
        last = (first[-1]["created_at"], first[-1]["id"])
        second = jobs.list_page(connection, {"kind": "factors"}, last, 10)
    assert [row["id"] for row in first + second] == sorted(ids, reverse=True)


def test_the_filters_of_a_listing(desk, scored):
    tagged = desk.submit(scored, tags={"desk": "eq", "run": "1"})
    desk.submit(scored, cache="off")

    def found(**filters):
        with desk.database.org(desk.org_id) as connection:
            return [row["id"] for row in jobs.list_page(connection, filters)]

    assert found(tags={"desk": "eq"}) == [tagged["id"]]
    assert found(tags={"desk": "fx"}) == found(state="running") == found(kind="backtest") == []
    assert tagged["id"] not in found(created_after=tagged["created_at"])
    assert found(created_before=tagged["created_at"] + dt.timedelta(microseconds=1)) == [tagged["id"]]
    with pytest.raises(KeyError):
        found(org_id="x")


@pytest.mark.parametrize("start", STATES)
@pytest.mark.parametrize("to", STATES)
def test_the_database_holds_the_same_table_of_moves(desk, start, to):
    with desk.database.system() as connection:
        row = connection.execute(
            "SELECT 1 FROM job_transitions WHERE from_state = %s AND to_state = %s", [start, to]
        ).fetchone()
    assert (row is not None) == may_move(start, to)


def test_the_database_refuses_an_illegal_move(desk, scored):
    job_id = desk.submit(scored)["id"]
    desk.move(job_id, "cancelled")
    with pytest.raises(psycopg.errors.CheckViolation, match="cannot go from cancelled to queued"):
        desk.move_illegally(job_id)
