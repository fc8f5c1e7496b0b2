from __future__ import annotations

import json
import re

import pytest
from openapi_spec_validator import validate

from api import examples
from api.endpoint import declared
from api.openapi import document
from tasks.registry import kinds

UPLOADED = b"date,symbol,close\n2024-01-02,AAA,1\n"
SCORED = {
    "prices": {"columns": ["date", "symbol", "close"], "rows": [["2024-01-02", "AAA", 1.0], ["2024-01-03", "AAA", 2]]},
    "recipe": {"factors": [{"name": "low_volatility"}]},
}
ID = re.compile(r"\b((?:job|ds|upl|pipe|key|usr|whk|del|sch)_[0-9a-f]{8}-[0-9a-f-]{27})\b")


def test_the_document_is_valid_openapi_3_1():
    assert document()["openapi"].startswith("3.1.")
    validate(document())


def test_the_document_and_the_application_have_the_same_routes(app):
    routes = {
        (method.lower(), re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/v1/")
    }
    assert routes == {(method, path) for path, operations in document()["paths"].items() for method in operations}


def test_the_served_document_is_the_one_that_was_made(client):
    served = client.flask.get("/openapi.json")
    assert json.loads(served.data) == document()


def test_every_kind_is_in_the_document_with_its_parameters():
    schemas = document()["components"]["schemas"]
    mapping = schemas["JobRequest"]["discriminator"]["mapping"]
    assert set(mapping) == set(kinds())
    for name, kind in kinds().items():
        job = schemas[mapping[name].rsplit("/", 1)[1]]
        params = schemas[job["properties"]["params"]["$ref"].rsplit("/", 1)[1]]
        assert set(params["properties"]) == {field.data_key or n for n, field in kind.params().fields.items()}


def test_no_two_operations_share_an_id():
    ids = [endpoint.name for endpoint in declared()]
    assert len(ids) == len(set(ids))


@pytest.fixture
def world(client, put, database, files, tmp_path):
    """Everything the examples' ids stand for."""

    def make_for(text):
        for one in sorted(set(ID.findall(text))):
            MAKERS[one.partition("_")[0]](client, put, one, files, tmp_path)

    return make_for


def make_job(client, put, job_id, *_):
    states = {
        examples.RUNNING_JOB: "running",
        examples.FAILED_JOB: "failed",
        examples.QUEUED_JOB: "queued",
    }
    if job_id == examples.FAILED_JOB:
        upload = client.upload(UPLOADED).json["id"]
        params = {"upload": upload, "as": "prices", "dataset": "again"}
        put.job(job_id, state="failed", kind="ingest", params=params, error={"type": "/problems/internal"})
        return
    state = states.get(job_id, "succeeded")
    names = ["manifest.json", "scores"] if state == "succeeded" else []
    put.job(job_id, state=state, params=SCORED, inputs={}, tags={"desk": "equities"}, artifacts=names)


def make_dataset(_client, put, dataset_id, *_):
    put.dataset(dataset_id)


def make_upload(client, put, upload_id, files, tmp_path):
    done = upload_id != examples.PENDING_UPLOAD
    put.row(
        "uploads",
        id=upload_id,
        filename="prices.csv",
        bytes=3,
        sha256="0" * 64,
        state="completed" if done else "pending",
        key=f"orgs/{client.org_id}/uploads/{upload_id}/prices.csv",
        expires_at="2099-01-01T00:00:00Z",
    )


def make_pipeline(_client, put, pipeline_id, *_):
    put.row("pipelines", id=pipeline_id, steps={})
    put.job(pipeline_id=pipeline_id, step="one")


def make_key(_client, put, key_id, *_):
    put.row("api_keys", id=key_id, public_id=key_id, secret_hash=b"0", name="k", role="quant")


def make_member(_client, put, member_id, *_):
    put.row("members", id=member_id, name="m", role="quant")


def make_webhook(_client, put, webhook_id, *_):
    put.row("webhooks", id=webhook_id, url="https://hooks.invalid/x", event_types="{job.failed}")
    sent = {
        "lane": webhook_id,
        "type": "job.failed",
        "body": "{}",
        "state": "failed",
        "ended_at": "2026-01-02T03:04:05Z",
    }
    put.row("deliveries", id=examples.DELIVERY, webhook_id=webhook_id, **sent)


def make_delivery(*_):
    """It comes with its webhook."""


def make_schedule(client, put, schedule_id, *_):
    make_key(client, put, examples.KEY)
    job = {"kind": "factors", "params": {}, "callback_url": None}
    what = {"catch_up": "skip", "what": "job", "body": job, "created_by": examples.KEY}
    when = {"name": "", "cron": "0 9 * * *", "timezone": "UTC", "looked_until": "2099-01-01T00:00:00Z"}
    put.row("schedules", id=schedule_id, **what, **when)


MAKERS = {
    "job": make_job,
    "ds": make_dataset,
    "upl": make_upload,
    "pipe": make_pipeline,
    "key": make_key,
    "usr": make_member,
    "whk": make_webhook,
    "del": make_delivery,
    "sch": make_schedule,
}


@pytest.mark.parametrize("endpoint", declared(), ids=lambda endpoint: endpoint.name)
def test_every_example_works(endpoint, client, world):
    operation = document()["paths"][endpoint.path][endpoint.method.lower()]
    parameters = [one for one in operation["parameters"] if "example" in one]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    world(json.dumps([parameters, body]))
    path = endpoint.path
    query, headers = {}, dict(endpoint.example.headers)
    for one in parameters:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(one["example"]))
        elif one["in"] == "query":
            query |= one["example"] if isinstance(one["example"], dict) else {one["name"]: str(one["example"])}
    assert "{" not in path, "an example must name every part of the path"
    rest = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
    response = client.send(endpoint.method, path, query_string=query, headers=headers, **rest)
    assert response.status_code in endpoint.answers, response.get_data(as_text=True)


@pytest.mark.parametrize("kind", kinds())
def test_the_example_of_every_kind_is_a_job_that_would_be_accepted(kind, client, put, files, tmp_path):
    body = client.get(f"/v1/kinds/{kind}").json["example"]
    for one in sorted(set(ID.findall(json.dumps(body)))):
        if one.startswith("job_"):
            source = "backtest" if kind == "export" else "factors"
            put.job(one, kind=source, state="succeeded", artifacts=["manifest.json", "scores"])
        else:
            MAKERS[one.partition("_")[0]](client, put, one, files, tmp_path)
    response = client.post("/v1/jobs/validate", body)
    assert (response.status_code, response.json.get("valid")) == (200, True), response.json
