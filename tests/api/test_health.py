from __future__ import annotations

import dataclasses
import time

import redis
from prometheus_client.parser import text_string_to_metric_families as families

from api.app import create_app


def test_a_process_that_is_up_says_so_without_touching_anything(settings):
    away = dataclasses.replace(settings, database_url="postgresql:///x?host=/nowhere", redis_url="unix:///nowhere")
    response = create_app(away).test_client().get("/healthz")
    assert (response.status_code, response.data) == (200, b"ok\n")


def test_readiness_has_one_line_for_each_part(client):
    response = client.flask.get("/readyz")
    assert (response.status_code, response.data) == (200, b"database: ok\nbroker: ok\nobject store: ok\n")


def test_a_part_that_is_away_is_named(settings):
    away = dataclasses.replace(settings, redis_url="unix:///nowhere", s3_endpoint="http://127.0.0.1:9")
    app = create_app(away)
    started = time.monotonic()
    response = app.test_client().get("/readyz")
    app.extensions["floor"].database.close()
    assert response.status_code == 503
    lines = response.get_data(as_text=True).splitlines()
    assert lines[0] == "database: ok"
    assert lines[1].startswith("broker: ")
    assert lines[1] != "broker: ok"
    assert lines[2].startswith("object store: ")
    assert lines[2] != "object store: ok"
    assert time.monotonic() - started < 15


def value(text, name, **labels):
    for family in families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return 0.0


def test_requests_are_counted_by_route_and_never_by_id(client, put):
    job_id = put.job()

    def count():
        text = client.flask.get("/metrics").get_data(as_text=True)
        assert job_id not in text
        return value(text, "floor_http_requests_total", route="/v1/jobs/{job_id}", method="GET", status="200")

    before = count()
    client.get(f"/v1/jobs/{job_id}")
    client.get(f"/v1/jobs/{job_id}")
    assert count() == before + 2


def test_unfinished_jobs_are_counted_when_asked(client, put, database):
    def read():
        text = client.flask.get("/metrics").get_data(as_text=True)
        return value(text, "floor_jobs", queue="bulk", state="queued"), value(
            text, "floor_queue_oldest_seconds", queue="bulk"
        )

    put.job(queue="bulk", queued_at="2026-01-02T03:04:05Z")
    jobs, oldest = read()
    assert jobs >= 1
    assert oldest > 3600
    put.job(queue="bulk")
    assert read()[0] == jobs + 1


def test_an_unknown_path_does_not_grow_the_metrics(client):
    client.flask.get("/never-heard-of")
    client.flask.open("/v1/jobs", method="BREW")
    text = client.flask.get("/metrics").get_data(as_text=True)
    assert "never-heard-of" not in text
    assert "BREW" not in text


def test_a_redis_that_evicts_turns_readiness_red(client, servers):
    with redis.Redis.from_url(servers.environment["FLOOR_REDIS_URL"]) as connection:
        connection.config_set("maxmemory-policy", "volatile-lru")
        try:
            response = client.flask.get("/readyz")
        finally:
            connection.config_set("maxmemory-policy", "noeviction")
    assert response.status_code == 503
    assert "broker: Redis's maxmemory-policy is volatile-lru" in response.get_data(as_text=True)
