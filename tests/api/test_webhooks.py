import dataclasses
import datetime as dt

import pytest

from api.app import create_app
from infra import deliveries
from infra.deliveries import Attempt, Next
from tests.api.conftest import Client

URL = "https://hooks.example.com/floor"
NOWHERE = "http://127.0.0.1:9/hook"  # what is really sent goes to loopback, where nobody listens
BODY = {"url": URL, "event_types": ["job.succeeded", "job.failed"]}


@pytest.fixture(scope="session")
def lenient_app(settings, files):
    app = create_app(
        dataclasses.replace(settings, rate_burst=100_000, rate_minute=1_000_000, webhooks_allow_private=True)
    )
    yield app
    app.extensions["floor"].bell.close()
    app.extensions["floor"].database.close()


@pytest.fixture
def lenient(lenient_app, org):
    return Client(lenient_app, org.key_text, org.org_id)


def patch(client, path, body, **rest):
    import json

    return client.send("PATCH", path, data=json.dumps(body), content_type="application/json", **rest)


def test_a_webhook_is_made_and_its_secret_shown_this_once(client):
    made = client.post("/v1/webhooks", BODY | {"description": "the desk"})
    assert made.status_code == 201
    assert made.headers["Location"] == f"/v1/webhooks/{made.json['id']}"
    assert made.json["secret"].startswith("whsec_")
    assert made.json["enabled"] is True
    shown = client.get(made.headers["Location"]).json
    assert shown == {name: value for name, value in made.json.items() if name != "secret"}
    assert client.get("/v1/webhooks").json["data"] == [shown]


def test_a_replayed_creation_shows_the_same_secret_and_makes_one_webhook(client, database):
    first, second = (client.post("/v1/webhooks", BODY, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.json == second.json
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(client.get("/v1/webhooks").json["data"]) == 1
    with database.org(client.org_id) as connection:
        kept = repr(connection.execute("SELECT * FROM idempotency_keys").fetchall())
    assert first.json["secret"] not in kept


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"url": "http://hooks.example.com/"}, "/url"),
        ({"url": "https://127.0.0.1/"}, "/url"),
        ({"url": "https://169.254.169.254/"}, "/url"),
        ({"url": "https://user:pw@hooks.example.com/"}, "/url"),
        ({"url": "https://hooks.example.com:22/"}, "/url"),
        ({"url": "https://" + "a" * 2049}, "/url"),
        ({"event_types": []}, "/event_types"),
        ({"event_types": ["job.failed", "job.failed"]}, "/event_types"),
        ({"event_types": ["job.finished"]}, "/event_types/0"),
        ({"secret": "whsec_x"}, "/secret"),
    ],
)
def test_what_can_not_be_registered_is_named(client, change, pointer):
    refused = client.post("/v1/webhooks", BODY | change)
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json["errors"]] == [pointer]
    made = client.post("/v1/webhooks", BODY).json["id"]
    again = patch(client, f"/v1/webhooks/{made}", change)
    assert [one["pointer"] for one in again.json["errors"]] == [pointer]


def test_a_webhook_is_changed_disabled_and_enabled(client):
    path = client.post("/v1/webhooks", BODY).headers["Location"]
    changed = patch(client, path, {"event_types": ["dataset.ready"], "description": "new"}).json
    assert (changed["event_types"], changed["description"], changed["url"]) == (["dataset.ready"], "new", URL)
    off = patch(client, path, {"enabled": False}).json
    assert (off["enabled"], off["disabled_reason"]) == (False, "asked")
    assert client.post(f"{path}/test").status_code == 409
    on = patch(client, path, {"enabled": True}).json
    assert (on["enabled"], on["disabled_at"], on["disabled_reason"]) == (True, None, None)


def test_a_deleted_webhook_is_gone(client):
    path = client.post("/v1/webhooks", BODY).headers["Location"]
    assert client.delete(path).status_code == 204
    for answer in (client.get(path), client.delete(path), client.post(f"{path}/test"), client.post(f"{path}/rotate")):
        assert answer.status_code == 404


def test_a_rotation_shows_another_secret_and_how_long_both_sign(client):
    made = client.post("/v1/webhooks", BODY)
    turned = client.post(f"{made.headers['Location']}/rotate").json
    assert turned["secret"] not in {made.json["secret"], ""}
    until = dt.datetime.fromisoformat(turned["both_sign_until"]) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(hours=23, minutes=59) < until < dt.timedelta(hours=24, minutes=1)


def test_the_default_secret_is_shown_by_its_rotation(client):
    first, second = (client.post("/v1/webhooks/default/rotate").json["secret"] for _ in range(2))
    assert first != second


def test_a_test_is_delivered_to_the_log_and_can_be_sent_again(lenient, database):
    path = lenient.post("/v1/webhooks", BODY | {"url": NOWHERE}).headers["Location"]
    sent = lenient.post(f"{path}/test")
    assert sent.status_code == 202
    assert (sent.json["type"], sent.json["state"], sent.json["attempts"]) == ("webhook.test", "pending", [])
    at = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
    with database.system() as connection:
        held = next(row for row in deliveries.claim_due(connection, at, 1000) if row["id"] == sent.json["id"])
    with database.org(lenient.org_id) as connection:
        deliveries.settle(connection, held, Attempt(at, None, "connect", 3, ""), Next("failed"))
    (logged,) = lenient.get(f"{path}/deliveries").json["data"]
    assert (logged["id"], logged["state"], logged["next_attempt_at"]) == (sent.json["id"], "failed", None)
    assert logged["attempts"] == [
        {
            "number": 1,
            "at": "2100-01-01T00:00:00.000000Z",
            "status": None,
            "error": "connect",
            "latency_ms": 3,
            "response": "",
        }
    ]
    again = lenient.post(logged["links"]["redeliver"])
    assert (again.status_code, again.json["id"], again.json["state"]) == (202, sent.json["id"], "pending")


def test_deliveries_come_newest_first_page_by_page(lenient):
    path = lenient.post("/v1/webhooks", BODY | {"url": NOWHERE}).headers["Location"]
    sent = [lenient.post(f"{path}/test").json["id"] for _ in range(5)]
    first = lenient.get(f"{path}/deliveries?limit=3").json
    second = lenient.get(f"{path}/deliveries?limit=3&cursor={first['next_cursor']}").json
    assert [one["id"] for one in first["data"] + second["data"]] == sent[::-1]
    assert second["next_cursor"] is None


def test_development_may_register_loopback(lenient):
    assert lenient.post("/v1/webhooks", BODY | {"url": NOWHERE}).status_code == 201


@pytest.mark.parametrize("role", ["quant", "strategist", "risk", "compliance", "viewer"])
def test_only_owners_and_admins_see_webhooks(client, key_of, role):
    key = key_of(role)
    path = client.post("/v1/webhooks", BODY).headers["Location"]
    for answer in (client.get("/v1/webhooks", key=key), client.get(path, key=key), client.delete(path, key=key)):
        assert answer.status_code == 403


def test_another_organisations_webhook_is_not_there(client, app, database):
    from infra import orgs

    other = orgs.create_org(database, "other")
    path = client.post("/v1/webhooks", BODY).headers["Location"]
    stranger = Client(app, other.key_text, other.org_id)
    for answer in (
        stranger.get(path),
        stranger.delete(path),
        patch(stranger, path, {"enabled": False}),
        stranger.post(f"{path}/rotate"),
        stranger.post(f"{path}/test"),
        stranger.get(f"{path}/deliveries"),
    ):
        assert answer.status_code == 404
    assert client.get(path).json["enabled"] is True


@pytest.mark.parametrize("url", ["https://127.0.0.1/x", "http://hooks.example.com/", "https://a.internal/"])
def test_a_callback_is_judged_when_the_job_is_submitted(client, dataset, url):
    job = {"kind": "factors", "params": {"prices": dataset, "recipe": {"factors": [{"name": "momentum"}]}}}
    for path, body, pointer in [
        ("/v1/jobs", job | {"callback_url": url}, "/callback_url"),
        ("/v1/jobs/validate", job | {"callback_url": url}, "/callback_url"),
        ("/v1/pipelines", {"steps": {"a": job | {"callback_url": url}}}, "/steps/a/callback_url"),
        ("/v1/schedules", {"cron": "0 9 * * *", "job": job | {"callback_url": url}}, "/job/callback_url"),
    ]:
        refused = client.post(path, body)
        assert (refused.status_code, [one["pointer"] for one in refused.json["errors"]]) == (422, [pointer]), path
    assert client.post("/v1/jobs", job | {"callback_url": URL}).status_code == 202
    assert client.get("/v1/jobs").json["data"][0]["state"] == "queued"


def test_every_change_is_audited(client):
    path = client.post("/v1/webhooks", BODY).headers["Location"]
    patch(client, path, {"description": "x"})
    client.post(f"{path}/rotate")
    client.delete(path)
    actions = [one["action"] for one in client.get("/v1/audit").json["data"]]
    assert actions[:4] == ["webhook.deleted", "webhook.secret_rotated", "webhook.changed", "webhook.created"]
    assert client.get("/v1/audit/verify").status_code == 200
