from __future__ import annotations

import pytest


@pytest.fixture
def body(dataset):
    return {"kind": "factors", "params": {"prices": dataset, "recipe": {"factors": [{"name": "momentum"}]}}}


def made(client):
    return client.get("/v1/jobs?kind=factors").json["data"]


def test_each_job_of_a_batch_stands_alone(client, body):
    response = client.post("/v1/jobs/batch", {"jobs": [body, {"kind": "nope", "params": {}}, body]})
    assert [one["status"] for one in response.json["data"]] == [202, 422, 202]
    assert response.json["data"][1]["problem"]["errors"][0]["pointer"] == "/kind"
    assert {one["job"]["id"] for one in response.json["data"] if one["job"]} == {job["id"] for job in made(client)}


def test_an_atomic_batch_is_all_or_none(client, body):
    response = client.post("/v1/jobs/batch", {"jobs": [body, body | {"priority": "x"}], "atomic": True})
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == "/jobs/1/priority"
    assert made(client) == []
    assert client.post("/v1/jobs/batch", {"jobs": [body, body], "atomic": True}).status_code == 200
    assert len(made(client)) == 2


@pytest.mark.parametrize("jobs", [[], [{}] * 1001, {}, None])
def test_a_batch_holds_one_to_a_thousand_jobs(client, jobs):
    response = client.post("/v1/jobs/batch", {"jobs": jobs})
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/jobs")


def test_a_batch_under_a_key_is_made_once(client, body):
    headers = {"Idempotency-Key": "batch"}
    first = client.post("/v1/jobs/batch", {"jobs": [body]}, headers=headers)
    assert client.post("/v1/jobs/batch", {"jobs": [body]}, headers=headers).data == first.data
    assert len(made(client)) == 1


def test_what_a_role_may_not_run_is_refused_job_by_job(client, body, key_of):
    response = client.post("/v1/jobs/batch", {"jobs": [body]}, key=key_of("viewer"))
    assert [one["status"] for one in response.json["data"]] == [403]
