from __future__ import annotations

import pytest

from infra.ids import new_id
from infra.orgs import create_org


@pytest.fixture
def steps(dataset):
    return {
        "bt": {
            "kind": "backtest",
            "params": {
                "prices": dataset,
                "signal": {"step": "signals", "artifact": "scores"},
                "construction": {"type": "quantile_long_short"},
                "rebalance": "M",
            },
        },
        "signals": {"kind": "factors", "params": {"prices": dataset, "recipe": {"factors": [{"name": "momentum"}]}}},
    }


def test_a_pipelines_steps_wait_for_one_another(client, steps):
    made = client.post("/v1/pipelines", {"steps": steps, "tags": {"desk": "x"}})
    assert made.status_code == 202, made.json
    jobs = made.json["steps"]
    assert jobs["bt"]["depends_on"] == [jobs["signals"]["id"]]
    assert (jobs["bt"]["state"], jobs["signals"]["state"]) == ("waiting", "queued")
    assert jobs["bt"]["pipeline"] == made.json["id"]
    found = client.get(made.headers["Location"]).json
    assert {name: job["id"] for name, job in found["steps"].items()} == {n: j["id"] for n, j in jobs.items()}
    listed = client.get(f"/v1/jobs?pipeline={made.json['id']}").json["data"]
    assert {job["id"] for job in listed} == {job["id"] for job in jobs.values()}


def test_cancelling_a_pipeline_cancels_what_is_left(client, steps):
    place = client.post("/v1/pipelines", {"steps": steps}).headers["Location"]
    cancelled = client.post(f"{place}/cancel")
    assert (cancelled.status_code, cancelled.json["state"]) == (200, "cancelled")
    assert {job["state"] for job in cancelled.json["steps"].values()} == {"cancelled"}
    assert client.post(f"{place}/cancel").json == cancelled.json


def test_cycles_and_unknown_steps_are_refused_whole(client, steps):
    steps["signals"]["params"]["universe"] = {"step": "nope", "artifact": "x"}
    response = client.post("/v1/pipelines", {"steps": steps})
    assert response.status_code == 422
    assert any(one["pointer"].startswith("/steps/signals") for one in response.json["errors"])
    assert client.get("/v1/jobs?kind=factors").json["data"] == []


def test_every_steps_violations_come_at_once(client, steps):
    steps["signals"]["params"].pop("prices")
    steps["bt"]["priority"] = "now"
    steps["odd"] = {"kind": "nope", "params": {}}
    pointers = {one["pointer"] for one in client.post("/v1/pipelines", {"steps": steps}).json["errors"]}
    assert {"/steps/signals/params/prices", "/steps/bt/priority", "/steps/odd/kind"} <= pointers


@pytest.mark.parametrize("body", [{}, {"steps": {}}, {"steps": []}, {"steps": {"a": 1}}, {"steps": {"A b": {}}}])
def test_a_pipeline_that_is_none_is_refused(client, body):
    assert client.post("/v1/pipelines", body).status_code == 422


def test_who_may_not_run_a_step_may_not_submit_or_cancel(client, steps, key_of):
    viewer = key_of("viewer")
    assert client.post("/v1/pipelines", {"steps": steps}, key=viewer).status_code == 403
    place = client.post("/v1/pipelines", {"steps": steps}).headers["Location"]
    assert client.get(place, key=viewer).status_code == 200
    assert client.post(f"{place}/cancel", key=viewer).status_code == 403


def test_another_organisations_pipeline_is_not_found(client, steps, database):
    stranger = create_org(database, "stranger").key_text
    place = client.post("/v1/pipelines", {"steps": steps}).headers["Location"]
    for path in [place, f"/v1/pipelines/{new_id('pipe')}"]:
        assert client.get(path, key=stranger).status_code == 404
        assert client.post(f"{path}/cancel", key=stranger).status_code == 404
