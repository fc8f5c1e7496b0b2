from __future__ import annotations

import pytest

from infra.ids import new_id


def why(client, job_id):
    return client.get(f"/v1/jobs/{job_id}/why").json


def test_a_cap_holds_a_job_and_says_so(client, put, database):
    with database.org(client.org_id) as connection:
        connection.execute('UPDATE orgs SET settings = \'{"max_running": {"compute": 1}}\'')
    put.job(state="running", est_seconds=12.0)
    put.job()
    found = why(client, put.job())
    assert (found["reason"], found["position"], found["starts_in_s"]) == ("organisation_cap", 2, 12.0)


def test_a_job_that_waits_names_what_it_waits_for(client, put):
    first, second = put.job(state="running"), put.job(state="waiting", queued_at=None)
    put.row("job_dependencies", job_id=second, depends_on=first)
    found = why(client, second)
    assert found["reason"] == "dependencies"
    assert first in found["detail"]


def test_a_queue_without_workers_is_a_cold_start(client, put):
    assert why(client, put.job(queue="trading"))["reason"] == "cold_start"


@pytest.mark.parametrize(("state", "reason"), [("running", "running"), ("failed", "over"), ("succeeded", "over")])
def test_what_runs_or_is_over_is_not_held(client, put, state, reason):
    assert why(client, put.job(state=state))["reason"] == reason


def test_a_job_that_is_not_there_is_not_found(client):
    assert client.get(f"/v1/jobs/{new_id('job')}/why").status_code == 404
