from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from infra import dispatching

NOTHING = dict.fromkeys(["max_running", "rate_burst", "rate_minute", "compute_s_month", "stored_bytes"])
JOB = {
    "kind": "factors",
    "params": {
        "prices": {"columns": ["date", "symbol", "close"], "rows": [["2024-01-02", "AAA", 1.0]]},
        "recipe": {"factors": [{"name": "low_volatility"}]},
    },
}


def patch(client, body, path="/v1/quotas", **rest):
    return client.send("PATCH", path, json=body, **rest)


def test_quotas_are_set_taken_back_and_shown_with_the_use(client):
    assert client.get("/v1/quotas").json == NOTHING | {"max_queued": 10_000, "weight": 1, "ceilings": {"weight": 1}}
    assert patch(client, {"max_running": {"bulk": 2}, "max_queued": 5, "weight": 0.5}).json["max_queued"] == 5
    found = client.get("/v1/quotas").json
    assert (found["max_running"], found["weight"]) == ({"bulk": 2}, 0.5)
    assert client.get("/v1/usage").json["jobs_queued"]["quota"] == 5
    assert patch(client, {"max_queued": None, "max_running": None}).json["max_queued"] == 10_000
    assert client.get("/v1/audit").json["data"][0]["action"] == "quotas.changed"


@pytest.mark.parametrize(
    "body",
    [
        {"weight": 1.5},
        {"weight": 0},
        {"weight": None},
        {"max_queued": 0},
        {"max_queued": 2.5},
        {"max_running": -1},
        {"max_running": True},
        {"max_running": "2"},
        {"max_running": {"nowhere": 1}},
        {"max_running": {"bulk": None}},
        {"compute_s_month": -1},
        {"stored_bytes": 1 << 61},
        {"ceilings": {}},
    ],
)
def test_what_can_not_be_a_quota_is_refused(client, body):
    assert patch(client, body).status_code == 422


def test_nobody_raises_a_limit_above_the_operators_ceiling(client, database):
    with database.system() as connection:
        ceilings = Jsonb({"ceilings": {"max_running": 4, "weight": 3}})
        connection.execute("UPDATE orgs SET settings = settings || %s WHERE id = %s", [ceilings, client.org_id])
    assert patch(client, {"max_running": {"bulk": 4}, "weight": 3}).status_code == 200
    for above in ({"bulk": 5}, 5, None):
        response = patch(client, {"max_running": above})
        assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/max_running")


def test_a_spent_month_refuses_new_jobs_and_holds_the_queued_ones(client, put, database):
    waiting = put.job(queue="spent-quota")
    put.job(state="succeeded", run_s=60.0, finished_at="now()")
    put.job(state="failed", run_s=30.0, finished_at="now()")
    put.job(state="succeeded", run_s=500.0, finished_at="2026-01-02T03:05:05Z")  # of an earlier month
    assert patch(client, {"compute_s_month": 90.5}).status_code == 200
    assert client.post("/v1/jobs", JOB).status_code == 202
    assert patch(client, {"compute_s_month": 90}).status_code == 200
    refused = client.post("/v1/jobs", JOB)
    assert (refused.status_code, refused.json["type"]) == (429, "/problems/quota-exceeded")
    assert (refused.json["measure"], refused.json["used"], refused.json["limit"]) == ("compute_s_month", 90, 90)
    with database.system() as connection:
        assert dispatching.claim_next(connection, "spent-quota", 10) == []
        assert dispatching.demand(connection)["spent-quota"]["ready"] == 0
    why = client.get(f"/v1/jobs/{waiting}/why").json
    assert (why["reason"], why["basis"]) == ("compute_quota", "the end of the month")
    assert patch(client, {"compute_s_month": 1000}).status_code == 200
    with database.system() as connection:
        assert [row["id"] for row in dispatching.claim_next(connection, "spent-quota", 10)] == [waiting]


def test_a_full_queue_is_refused_with_use_and_limit(client, put):
    put.job()
    patch(client, {"max_queued": 1})
    refused = client.post("/v1/jobs", JOB).json
    assert (refused["status"], refused["measure"], refused["used"], refused["limit"]) == (429, "jobs_queued", 1, 1)


def test_an_organisation_is_changed(client):
    body = {"name": "Example Capital", "url_ttl_cap_s": 60, "retention_days": 30}
    found = patch(client, body, "/v1/org").json
    assert (found["name"], found["settings"]["url_ttl_cap_s"], found["settings"]["retention_days"]) == (*body.values(),)
    assert patch(client, {"retention_days": None, "url_ttl_cap_s": None}, "/v1/org").json["name"] == body["name"]
    settings = client.get("/v1/org").json["settings"]
    assert (settings["retention_days"], settings["url_ttl_cap_s"]) == (None, 604_800)


@pytest.mark.parametrize(
    "body",
    [{"name": ""}, {"name": None}, {"retention_days": 0}, {"url_ttl_cap_s": 604_801}, {"weight": 2}, {"id": "x"}],
)
def test_a_bad_change_of_the_organisation_is_refused(client, body):
    assert patch(client, body, "/v1/org").status_code == 422
