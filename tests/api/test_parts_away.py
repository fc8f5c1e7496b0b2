"""While a part is away: what does not need it works, what does is refused with 503 and a time to ask again."""

from __future__ import annotations

import dataclasses

import pytest

from api.app import create_app
from infra import database as database_module

NOWHERE = {
    "database": {"database_url": "postgresql://floor:hidden@127.0.0.1:9/floor"},
    "redis": {"redis_url": "redis://127.0.0.1:9"},
    "store": {"s3_endpoint": "http://127.0.0.1:9"},
}
JOB = {
    "kind": "factors",
    "params": {
        "prices": {"columns": ["date", "symbol", "close"], "rows": [["2024-01-02", "AAA", 1.0]]},
        "recipe": {"factors": [{"name": "low_volatility"}]},
    },
}


@pytest.fixture
def without(settings, client, monkeypatch):
    """A client like the usual one, of an application that can't reach one of its parts."""
    monkeypatch.setattr(database_module, "CHECKOUT_S", 0.3)
    made = []

    def make(part):
        app = create_app(dataclasses.replace(settings, **NOWHERE[part]))
        made.append(app)
        return type(client)(app, client.key, client.org_id)

    yield make
    for app in made:
        app.extensions["floor"].database.close()


def require_503(response):
    assert (response.status_code, response.json["type"]) == (503, "/problems/unavailable")
    assert int(response.headers["Retry-After"]) >= 1
    assert "hidden" not in response.get_data(as_text=True)


def test_without_redis_a_job_is_accepted_all_the_same(without, client):
    response = without("redis").post("/v1/jobs", JOB)
    assert response.status_code == 202
    assert client.get(response.headers["Location"]).json["state"] == "queued"


def test_without_the_database_every_question_waits(without, put):
    job_id = put.job()
    away = without("database")
    require_503(away.get(f"/v1/jobs/{job_id}"))
    require_503(away.post("/v1/jobs", JOB))
    require_503(away.get("/v1/quotas"))
    assert away.flask.get("/metrics").status_code == 503
    assert away.flask.get("/healthz").status_code == 200


def test_without_the_object_store_jobs_are_accepted_and_files_wait(without, put):
    away = without("store")
    assert away.post("/v1/jobs", JOB).status_code == 202
    job_id = put.job(state="succeeded", artifacts=["scores"])
    assert away.get(f"/v1/jobs/{job_id}").json["artifacts"][0]["url"]  # an address is signed without asking the store
    require_503(away.upload())
    pending = away.post("/v1/uploads", {"filename": "p.csv", "bytes": 3}).json["id"]
    require_503(away.post(f"/v1/uploads/{pending}/complete"))
