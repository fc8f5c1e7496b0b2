from __future__ import annotations

import dataclasses

import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from api.app import create_app

TOKEN = "t" * 40
POOL = "/internal/autoscale/io"


@pytest.fixture
def tokened(settings):
    app = create_app(dataclasses.replace(settings, internal_token=TOKEN, max_workers=1000))
    yield app.test_client()
    app.extensions["floor"].database.close()


def ask(client, path=POOL, token=TOKEN):
    return client.get(path, headers={"Authorization": f"Bearer {token}"} if token else {})


def test_without_a_token_in_the_settings_the_page_is_not_there(app):
    assert ask(app.test_client()).status_code == 404


@pytest.mark.parametrize("token", [None, "", "x", TOKEN + "x", "tät"])
def test_only_the_token_opens_it(tokened, client, token):
    response = ask(tokened, token=token)
    assert (response.status_code, response.mimetype) == (401, "application/problem+json")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert ask(tokened, token=client.key).status_code == 401  # an organisation's key is no operator's token


def test_a_pool_that_is_none_is_not_found(tokened):
    assert ask(tokened, "/internal/autoscale/nowhere").status_code == 404


def test_the_advice_follows_the_work_and_is_the_same_in_the_metrics(tokened, put):
    before = ask(tokened).json
    assert set(before) == {"desired", "queued", "running", "work_seconds", "oldest_seconds", "reason"}
    for _ in range(3):
        put.job(queue="io", est_seconds=100.0)
    put.job(queue="io", state="running", est_seconds=5.0)
    after = ask(tokened).json
    assert (after["queued"] - before["queued"], after["running"] - before["running"]) == (3, 1)
    assert after["work_seconds"] >= before["work_seconds"] + 300 - 1e-6
    assert after["desired"] >= after["running"] + 3
    assert after["oldest_seconds"] > 3600
    text = tokened.get("/metrics").get_data(as_text=True)
    told = {
        sample.name: sample.value
        for family in families(text)
        for sample in family.samples
        if sample.labels.get("pool") == "io"
    }
    for name in ("desired", "queued", "running", "work_seconds"):
        assert told[f"floor_autoscale_{name}"] == after[name]


def test_what_a_cap_forbids_buys_no_worker(tokened, put, client):
    before = ask(tokened).json
    client.send("PATCH", "/v1/quotas", json={"max_running": {"io": 1}})
    for _ in range(5):
        put.job(queue="io", est_seconds=100.0)
    assert ask(tokened).json["queued"] == before["queued"] + 1
