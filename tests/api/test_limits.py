from __future__ import annotations

import dataclasses
import re
import uuid

import pytest
import redis

from api.app import create_app
from api.limits import SPEND
from infra import keys, orgs


@pytest.fixture
def slow_app(settings, files):
    """A Floor that takes three requests a second of one key."""
    app = create_app(dataclasses.replace(settings, rate_burst=3, rate_minute=10))
    yield app
    app.extensions["floor"].database.close()


def flood(app, key, times):
    client = app.test_client()
    return [client.get("/v1/kinds", headers={"Authorization": f"Bearer {key}"}) for _ in range(times)]


def test_a_flood_is_refused_with_a_time_to_come_back(slow_app, org):
    answers = flood(slow_app, org.key_text, 12)
    refused = [one for one in answers if one.status_code == 429]
    assert answers[0].status_code == 200
    assert refused
    assert refused[-1].json["type"] == "/problems/rate-limited"
    assert refused[-1].json["violated_policies"]
    assert 1 <= int(refused[-1].headers["Retry-After"]) <= 60
    assert "retry_after_s" not in refused[-1].json


def test_every_answer_says_what_is_left(slow_app, org):
    first, second = flood(slow_app, org.key_text, 2)
    assert first.headers["RateLimit-Policy"].startswith('"burst";q=3;w=1, "minute";q=10;w=60')
    left = [int(re.search(r'"minute";r=(\d+);t=\d+', one.headers["RateLimit"])[1]) for one in (first, second)]
    assert left == [9, 8]


@pytest.mark.parametrize(("windows_ago", "within"), [(0, False), (1, False), (2, True)])
def test_the_window_before_still_counts_and_the_one_before_that_does_not(settings, windows_ago, within):
    """A hash as an earlier request left it: so many hits that any part of them is too many."""
    client = redis.Redis.from_url(settings.redis_url)
    key, window_s = f"floor:rate:test:{uuid.uuid4()}", 1000
    number = client.time()[0] // window_s - windows_ago
    client.hset(key, mapping={"number": number, "here": 10**15, "before": 0})
    (found,) = client.register_script(SPEND)([key], [5, window_s])
    client.close()
    assert (found[0], found[1]) == ((1, 4) if within else (0, 0))
    assert 0 < found[2] <= window_s * 1000


def test_one_keys_flood_is_not_anothers(slow_app, org, database):
    flood(slow_app, org.key_text, 12)
    with database.org(org.org_id) as connection:
        other = keys.create(connection, org.org_id, "other", "viewer").text
    assert flood(slow_app, other, 1)[0].status_code == 200
    assert flood(slow_app, orgs.create_org(database, "other").key_text, 1)[0].status_code == 200


def test_an_organisation_may_have_rates_of_its_own(slow_app, org, database):
    with database.org(org.org_id) as connection:
        connection.execute('UPDATE orgs SET settings = \'{"rate_burst": 1000, "rate_minute": 5000}\'')
    assert {one.status_code for one in flood(slow_app, org.key_text, 30)} == {200}


def test_requests_go_on_uncounted_while_redis_is_away(settings, org):
    app = create_app(dataclasses.replace(settings, redis_url="unix:///nowhere/redis.sock", rate_burst=1))
    answers = flood(app, org.key_text, 4)
    app.extensions["floor"].database.close()
    assert {one.status_code for one in answers} == {200}
    assert "RateLimit" not in answers[-1].headers


def test_health_is_never_limited(slow_app):
    client = slow_app.test_client()
    assert {client.get("/healthz").status_code for _ in range(20)} == {200}


def test_an_address_that_tries_key_after_key_is_slowed_down_and_good_keys_are_not(app, client, monkeypatch):
    monkeypatch.setattr("api.limits.FAILURES_MINUTE", 5)
    guesser = {"environ_base": {"REMOTE_ADDR": "192.0.2.77"}}
    bad = {"Authorization": f"Bearer {client.key[:-1]}{'0' if client.key[-1] != '0' else '1'}"}
    tries = [app.test_client().get("/v1/kinds", headers=bad, **guesser).status_code for _ in range(10)]
    assert (tries[0], tries[-1]) == (401, 429)
    good = {"Authorization": f"Bearer {client.key}"}
    assert app.test_client().get("/v1/kinds", headers=good, **guesser).status_code == 200
    assert (
        app.test_client().get("/v1/kinds", headers=bad, environ_base={"REMOTE_ADDR": "192.0.2.78"}).status_code == 401
    )
