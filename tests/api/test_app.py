from __future__ import annotations

import dataclasses
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from api.app import create_app
from tasks.errors import Internal

HEAVY = [
    "numpy",
    "pandas",
    "scipy",
    "cvxpy",
    "reportlab",
    "duckdb",
    "sqlalchemy",
    "boto3",
    "celery",
    "exchange_calendars",
]
BODY = {"kind": "factors", "params": {}}


@pytest.mark.parametrize(
    ("content_type", "data", "status", "slug"),
    [
        ("application/json", "{", 400, "malformed"),
        ("application/json", "", 400, "malformed"),
        ("application/json", "[]", 422, "validation-failed"),
        ("application/json", '"x"', 422, "validation-failed"),
        ("application/json", "null", 422, "validation-failed"),
        ("application/json", '{"kind": "factors", "kind": "factors", "params": {}}', 422, "validation-failed"),
        ("application/json", '{"kind": "factors", "params": {"x": NaN}}', 422, "validation-failed"),
        ("application/json", '{"kind": "factors\\u0000", "params": {}}', 422, "validation-failed"),
        ("application/json", json.dumps(BODY).encode("utf-16"), 400, "malformed"),
        ("application/json; charset=latin-1", json.dumps(BODY), 415, "unsupported-media-type"),
        ("application/json; charset=utf-8", json.dumps(BODY), 422, "validation-failed"),
        ("text/plain", json.dumps(BODY), 415, "unsupported-media-type"),
        ("application/x-www-form-urlencoded", "kind=factors", 415, "unsupported-media-type"),
        (None, json.dumps(BODY), 415, "unsupported-media-type"),
        ("multipart/form-data; boundary=x", "--x--", 415, "unsupported-media-type"),
        ("application/json", '{"kind": "' + "x" * (1 << 20) + '"}', 413, "payload-too-large"),
    ],
)
def test_a_bad_body_is_refused_with_its_problem(client, content_type, data, status, slug):
    response = client.send("POST", "/v1/jobs", data=data, content_type=content_type)
    assert (response.status_code, response.json["type"]) == (status, f"/problems/{slug}"), response.json
    assert client.get("/v1/jobs").json["data"] == []


def test_a_compressed_body_is_refused_before_it_is_inflated(client):
    bomb = gzip.compress(b" " * 50_000_000)
    response = client.send(
        "POST", "/v1/jobs", data=bomb, content_type="application/json", headers={"Content-Encoding": "gzip"}
    )
    assert response.status_code == 415


def test_a_large_body_without_a_length_is_refused_while_it_is_read(client):
    response = client.send(
        "POST",
        "/v1/jobs",
        input_stream=io.BytesIO(b" " * 4_000_000),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nope", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/jobs/", 404),
        ("PUT", "/v1/jobs", 405),
        ("DELETE", "/v1/kinds", 405),
        ("OPTIONS", "/v1/jobs", 405),
        ("POST", "/healthz", 405),
    ],
)
def test_what_is_not_there_is_a_problem_too(client, method, path, status):
    response = client.flask.open(path, method=method)
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert response.json["instance"] == path
    assert response.json["request_id"] == response.headers["X-Request-Id"]
    if status == 405:
        assert response.headers["Allow"]


@pytest.mark.parametrize(
    "path", ["/healthz", "/docs", "/openapi.json", "/problems/forbidden", "/nope", "/v1/jobs", "/metrics"]
)
def test_every_answer_carries_the_security_headers(client, path):
    headers = client.flask.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert "max-age" in headers["Strict-Transport-Security"]
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "Server" not in headers
    assert "Access-Control-Allow-Origin" not in headers


def test_what_is_a_tenants_is_never_stored_by_a_cache(client):
    for path in ["/v1/jobs", "/v1/kinds", "/v1/nope"]:
        assert client.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("req-1", True), ("a" * 128, True), ("a" * 129, False), ("x y", False), ("", False), ("é", False), ("<b>", False)],
)
def test_a_sane_request_id_comes_back(client, given, kept):
    answered = client.get("/v1/kinds", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert (answered == given) == kept
    assert answered


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=abc", "limit=1e3", "limit=-1", "limit=" + "9" * 40,
                                   "nope=1", "state=done", "limit=1&limit=2", "created_after=2024-01-01",
                                   "created_after=2024-01-01T00:00:00", "created_before=2024-02-30T00:00:00Z",
                                   "created_after=2024-01-01T00:00:60Z", "created_after=2024-01-01T00:00:00%2B14:30",
                                   "cursor=x", "cursor=" + "x" * 600, "filter[__proto__]=1", "sort=secret", "tag.=x",
                                   "tag.%27=x", "state=%00"])  # fmt: skip
def test_a_bad_query_is_named_by_its_place(client, query):
    response = client.get(f"/v1/jobs?{query}")
    assert response.status_code == 422, response.json
    assert response.json["errors"][0]["pointer"].startswith("/query/")


def test_an_unforeseen_fault_shows_nothing_of_itself(settings, org, monkeypatch, caplog):
    app = create_app(settings)
    monkeypatch.setattr("api.admin.orgs.get", lambda _: 1 / 0)
    response = app.test_client().get("/v1/org", headers={"Authorization": f"Bearer {org.key_text}"})
    app.extensions["floor"].database.close()
    assert response.status_code == 500
    assert response.json["detail"] == Internal().detail
    assert "division" not in response.get_data(as_text=True)
    assert "ZeroDivisionError" in caplog.text


def test_a_database_that_is_away_is_503_with_a_time_to_come_back(settings, org):
    away = dataclasses.replace(settings, database_url="postgresql://floor@/floor?host=/nowhere&connect_timeout=1")
    app = create_app(away)
    response = app.test_client().get("/v1/jobs", headers={"Authorization": f"Bearer {org.key_text}"})
    ready = app.test_client().get("/readyz")
    alive = app.test_client().get("/healthz")
    app.extensions["floor"].database.close()
    assert (response.status_code, response.json["type"]) == (503, "/problems/unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert (ready.status_code, alive.status_code) == (503, 200)
    assert ready.get_data(as_text=True).splitlines()[0].startswith("database: ")
    assert "broker: ok" in ready.get_data(as_text=True)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from Linux' /proc")
def test_the_door_is_light():
    script = """
import json, re, sys, time
from pathlib import Path
start = time.perf_counter()
import api.app
from infra import settings
found = settings.read({"FLOOR_DATABASE_URL": "postgresql://a@/b", "FLOOR_REDIS_URL": "redis://h", "FLOOR_S3_ENDPOINT":
    "http://h", "FLOOR_S3_ACCESS_KEY": "a", "FLOOR_S3_SECRET_KEY": "b", "FLOOR_SECRET_KEY": "x" * 32})
api.app.create_app(found)
print(json.dumps({"s": time.perf_counter() - start, "modules": list(sys.modules),
                  "mb": int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert [name for name in HEAVY if name in found["modules"]] == []
    assert found["mb"] < 80
    assert found["s"] < 4  # a bar against a heavy import slipping in; benchmarks/ measures the 0.4 s on a quiet machine
