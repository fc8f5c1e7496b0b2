from __future__ import annotations

import datetime as dt
import time

import pytest

from api.endpoint import declared
from infra import keys
from tasks.permissions import PERMISSIONS, ROLES

# What answers without a key, and why: it shows nothing of any organisation.
PUBLIC = {
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/internal/autoscale/<pool>",  # asks for a token of its own
    "/openapi.json",
    "/docs",
    "/docs/<name>",
    "/problems",
    "/problems/<slug>",
}
SOME_ID = "01970000-0000-7000-8000-00000000ffff"
IDS = {
    "job_id": f"job_{SOME_ID}",
    "dataset_id": f"ds_{SOME_ID}",
    "upload_id": f"upl_{SOME_ID}",
    "pipeline_id": f"pipe_{SOME_ID}",
    "key_id": f"key_{SOME_ID}",
    "name": "scores",
    "kind": "factors",
}


def test_every_route_but_the_public_ones_asks_for_a_key(app):
    client = app.test_client()
    asked = 0
    for rule in app.url_map.iter_rules():
        if rule.rule in PUBLIC:
            continue
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<{name}>", IDS.get(name, "x"))
        for method in rule.methods - {"OPTIONS", "HEAD"}:
            response = client.open(path, method=method)
            assert response.status_code == 401, f"{method} {rule.rule} answered {response.status_code} without a key"
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert response.mimetype == "application/problem+json"
            asked += 1
    assert asked >= len(declared())


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("", 401),
        ("Basic YTpi", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Bearer " + "x" * 10_000, 401),
        ("Bearer floor_x_y", 401),
        ("Bearer sk_live_1234", 401),
        ("Token {key}", 401),
        ("Bearer {key}x", 401),
        ("Bearer {mistyped}", 401),
        ("Bearer {key}, Bearer {key}", 400),
        ("bearer {key}", 200),
        ("Bearer  {key}", 200),
    ],
)
def test_only_one_whole_key_in_a_bearer_header_is_taken(client, given, status):
    last = "0" if client.key[-1] != "0" else "1"
    text = given.format(key=client.key, mistyped=client.key[:-1] + last)
    response = client.flask.get("/v1/kinds", headers={"Authorization": text})
    assert response.status_code == status, response.data
    if status == 401 and text:
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
    assert client.key.encode() not in response.data


def test_a_mistyped_key_is_told_so_without_asking_the_database(client):
    mistyped = client.key[:-1] + ("0" if client.key[-1] != "0" else "1")
    response = client.flask.get("/v1/kinds", headers={"Authorization": f"Bearer {mistyped}"})
    assert "mistyped" in response.json["detail"]


@pytest.mark.parametrize("place", ["api_key", "key", "access_token"])
def test_a_key_in_the_query_or_a_cookie_is_never_taken(client, place):
    assert client.flask.get("/v1/kinds", query_string={place: client.key}).status_code == 401
    client.flask.set_cookie(place, client.key)
    assert client.flask.get("/v1/kinds").status_code == 401


@pytest.mark.parametrize(
    "header", ["X-Org-Id", "X-HTTP-Method-Override", "X-Original-URL", "X-Forwarded-For", "X-Forwarded-User"]
)
def test_headers_that_claim_an_identity_change_nothing(client, header):
    before = client.get("/v1/org").json
    assert client.get("/v1/org", headers={header: "org_other"}).json == before


@pytest.mark.parametrize("endpoint", declared(), ids=lambda endpoint: endpoint.name)
def test_every_role_may_what_the_table_says_and_nothing_else(endpoint, client, key_of):
    path = endpoint.path
    for name, one in IDS.items():
        path = path.replace(f"{{{name}}}", one)
    for role in ROLES:
        key = client.key if role == "owner" else key_of(role)
        rest = {"data": "{}", "content_type": "application/json"} if endpoint.takes_body else {}
        response = client.send(endpoint.method, path, key=key, **rest)
        forbidden = role not in PERMISSIONS[endpoint.permission]
        assert (response.status_code == 403) == forbidden, f"{role} {endpoint.name}: {response.status_code}"
        if forbidden:
            assert response.json["permission"] == endpoint.permission
            assert endpoint.permission in response.json["detail"]


def test_a_revoked_key_is_refused_by_a_process_that_has_just_used_it(client, key_of, monkeypatch):
    monkeypatch.setattr(keys, "CACHE_S", 0.2)
    text = key_of("viewer")
    assert client.get("/v1/kinds", key=text).status_code == 200
    key_id = next(one["id"] for one in client.get("/v1/keys").json["data"] if one["role"] == "viewer")
    assert client.delete(f"/v1/keys/{key_id}").status_code == 200
    until = time.monotonic() + 5
    while client.get("/v1/kinds", key=text).status_code == 200:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert client.get("/v1/kinds", key=text).status_code == 401


def test_an_expired_key_is_refused(client, key_of):
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    assert client.get("/v1/kinds", key=key_of("viewer", expires_at=past)).status_code == 401
