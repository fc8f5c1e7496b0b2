import dataclasses
import datetime as dt
import json
import threading

import pytest

from infra import deliveries, events, jobs, webhooks
from infra.deliveries import PER_LANE, PER_ORG, Attempt, Next
from infra.secrets import Vault
from tasks.errors import Conflict, Invalid, NotFound, QuotaExceeded

VAULT = Vault("a key for the tests " * 3)
NOW = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)  # later than whatever these tests enqueue
URL = "https://hooks.invalid/x"  # a name that no sender resolves, should one come upon it


def register(database, org, *types, url=URL):
    with database.org(org.org_id) as connection:
        made = webhooks.create(connection, VAULT, org.org_id, url=url, event_types=types or ["job.succeeded"])
    return made[0]["id"]


def enqueue(database, org, type_="job.succeeded", **rest):
    with database.org(org.org_id) as connection:
        return deliveries.enqueue(connection, org.org_id, type_, {"id": "job_1"}, **rest)


def claim(database, org, limit=1000, now=NOW):
    """Claim what is due and return this organisation's part; the database is shared with other tests."""
    with database.system() as connection:
        return [row for row in deliveries.claim_due(connection, now, limit) if row["org_id"] == org.org_id]


def settle(database, held, then, *, status=500, at=NOW):
    with database.org(held["org_id"]) as connection:
        return deliveries.settle(connection, held, Attempt(at, status, None, 12, "no\n" * 1000), then)


def test_an_event_goes_to_those_who_asked_and_to_the_callback(database, org):
    asked = register(database, org, "job.succeeded", "job.failed")
    register(database, org, "job.failed")
    assert enqueue(database, org, callback_url="https://jobs.invalid:8443/done") == 2
    held = claim(database, org)
    assert {(row["webhook_id"], row["url"]) for row in held} == {
        (asked, None),
        (None, "https://jobs.invalid:8443/done"),
    }
    body = json.loads(held[0]["body"])
    assert set(body) == {"type", "timestamp", "data"}
    assert body["data"] == {"id": "job_1"}
    assert all("." not in row["id"] for row in held)


def test_what_is_rolled_back_is_not_sent(database, org):
    register(database, org)
    with database.org(org.org_id) as connection, connection.transaction(force_rollback=True):
        assert deliveries.enqueue(connection, org.org_id, "job.succeeded", {}) == 1
    assert claim(database, org) == []


def test_another_organisations_events_are_not_sent_here(database, org):
    register(database, org)
    with database.system() as connection:  # the system sees every row: the function itself must keep them apart
        assert deliveries.enqueue(connection, "org_other", "job.succeeded", {}) == 0


def test_a_body_too_long_leaves_out_the_parameters():
    long = {"id": "job_1", "params": {"x": "a" * deliveries.BODY_MAX}}
    body = json.loads(deliveries.body_of("job.succeeded", long, NOW))
    assert body["data"] == {"id": "job_1", "params": None}
    assert body["timestamp"] == "2100-01-01T00:00:00.000000Z"


def test_two_senders_never_claim_the_same(database, org):
    for _ in range(3):
        register(database, org)
    enqueue(database, org)
    found, ready = [], threading.Barrier(4)

    def sender():
        ready.wait()
        found.extend(claim(database, org))

    threads = [threading.Thread(target=sender) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len({row["id"] for row in found}) == 3


def test_a_lane_and_an_organisation_have_so_many_under_way_and_no_more(database, org):
    slow = register(database, org)
    for _ in range(PER_LANE + 2):
        enqueue(database, org)
    assert [row["webhook_id"] for row in claim(database, org)] == [slow] * PER_LANE
    assert claim(database, org) == []
    for _ in range(PER_ORG):
        register(database, org)
    enqueue(database, org)
    assert len(claim(database, org)) == PER_ORG - PER_LANE
    assert claim(database, org) == []


def test_a_slow_lane_holds_up_no_other_organisation(database, org):
    from infra import orgs

    register(database, org)
    for _ in range(50):
        enqueue(database, org)
    other = orgs.create_org(database, "other")
    mine = register(database, other)
    enqueue(database, other)
    with database.system() as connection:
        held = deliveries.claim_due(connection, NOW, 1000)
    assert mine in {row["webhook_id"] for row in held}


def test_a_dead_senders_claim_runs_out_and_its_late_word_is_not_taken(database, org):
    register(database, org)
    enqueue(database, org)
    (first,) = claim(database, org)
    later = NOW + deliveries.CLAIMED_FOR + dt.timedelta(seconds=1)
    (second,) = claim(database, org, now=later)
    assert first["id"] == second["id"]
    assert not settle(database, first, Next("delivered"), status=200)
    assert settle(database, second, Next("delivered"), status=200)


def test_attempts_are_logged_and_the_delivery_comes_due_again(database, org):
    webhook = register(database, org)
    enqueue(database, org)
    (held,) = claim(database, org)
    again = NOW + dt.timedelta(minutes=5)
    settle(database, held, Next("pending", again))
    assert claim(database, org, now=again - dt.timedelta(seconds=1)) == []
    (held,) = claim(database, org, now=again)
    settle(database, held, Next("delivered"), status=204, at=again)
    with database.org(org.org_id) as connection:
        (row,) = deliveries.list_page(connection, webhook_id=webhook)
    assert row["state"] == "delivered"
    assert row["ended_at"] == again
    assert [(one["number"], one["status"], one["at"]) for one in row["log"]] == [(1, 500, NOW), (2, 204, again)]
    assert len(row["log"][0]["response"]) == 2048


def test_redelivery_keeps_the_id_and_begins_the_schedule_anew(database, org):
    webhook = register(database, org)
    enqueue(database, org)
    (held,) = claim(database, org)
    settle(database, held, Next("failed"))
    with database.org(org.org_id) as connection:
        again = deliveries.redeliver(connection, webhook, held["id"], NOW)
        with pytest.raises(NotFound):
            deliveries.redeliver(connection, "whk_other", held["id"], NOW)
    assert (again["id"], again["tries"], again["attempts"], again["state"]) == (held["id"], 0, 1, "pending")
    (once_more,) = claim(database, org)
    assert once_more["body"] == held["body"]


def test_a_disabled_webhook_is_owed_what_came_before_and_gets_it_when_enabled(database, org):
    webhook = register(database, org)
    enqueue(database, org)
    with database.org(org.org_id) as connection:
        assert deliveries.mark(connection, org.org_id, webhook, good=False, at=NOW, disable="failing")
        assert not deliveries.mark(connection, org.org_id, webhook, good=False, at=NOW, disable="gone")
        row = webhooks.get(connection, webhook)
        assert (row["disabled_reason"], row["failing_since"]) == ("failing", NOW)
    assert claim(database, org) == []
    assert enqueue(database, org) == 0
    with database.org(org.org_id) as connection:
        (owed,) = deliveries.list_page(connection, webhook_id=webhook)
        with pytest.raises(Conflict):
            deliveries.redeliver(connection, webhook, owed["id"], NOW)
        row = webhooks.change(connection, webhook, {"enabled": True}, NOW)
    assert (row["disabled_at"], row["disabled_reason"], row["failing_since"]) == (None, None, None)
    assert [row["id"] for row in claim(database, org)] == [owed["id"]]


def test_a_success_ends_a_row_of_failures(database, org):
    webhook = register(database, org)
    with database.org(org.org_id) as connection:
        for hours, good in enumerate([False, False, True, False]):
            at = NOW + dt.timedelta(hours=hours)
            deliveries.mark(connection, org.org_id, webhook, good=good, at=at, disable=None)
        assert webhooks.get(connection, webhook)["failing_since"] == NOW + dt.timedelta(hours=3)


def test_a_deleted_webhook_takes_its_secrets_and_deliveries_along(database, org):
    webhook = register(database, org)
    enqueue(database, org)
    (held,) = claim(database, org)
    settle(database, held, Next("pending", NOW))
    with database.org(org.org_id) as connection:
        webhooks.delete(connection, webhook)
        for table in ("webhooks", "deliveries", "delivery_attempts", "org_secrets"):
            assert connection.execute(f"SELECT * FROM {table}").fetchall() == []
        with pytest.raises(NotFound):
            webhooks.delete(connection, webhook)


def test_old_deliveries_are_pruned_and_pending_ones_stay(database, org):
    webhook = register(database, org)
    enqueue(database, org)
    (held,) = claim(database, org)
    settle(database, held, Next("failed"))
    enqueue(database, org)
    with database.system() as connection:
        assert deliveries.prune(connection, dt.datetime.now(dt.UTC)) == 0
        assert deliveries.prune(connection, NOW) >= 1
    with database.org(org.org_id) as connection:
        (left,) = deliveries.list_page(connection, webhook_id=webhook)
    assert left["state"] == "pending"


def test_a_rotation_lets_both_secrets_sign_for_a_day(database, org):
    with database.org(org.org_id) as connection:
        row, first = webhooks.create(connection, VAULT, org.org_id, url=URL, event_types=["job.failed"])
        second = webhooks.rotate(connection, VAULT, org.org_id, row["id"], NOW)

        def at(hours):
            found = webhooks.signing(connection, VAULT, org.org_id, row["id"], NOW + dt.timedelta(hours=hours))
            return [webhooks.text_of(secret) for secret in found]

        assert at(0) == at(23) == [second, first]
        assert at(24) == [second]


def test_an_organisation_gets_its_default_secret_when_it_first_needs_one(database, org):
    with database.org(org.org_id) as connection:
        first = webhooks.signing(connection, VAULT, org.org_id, org.org_id, NOW)
        assert webhooks.signing(connection, VAULT, org.org_id, org.org_id, NOW) == first


def test_the_hundred_and_first_webhook_is_refused(database, org):
    with database.org(org.org_id) as connection:
        for _ in range(webhooks.MAX_WEBHOOKS):
            webhooks.create(connection, VAULT, org.org_id, url=URL, event_types=["job.failed"])
        with pytest.raises(QuotaExceeded):
            webhooks.create(connection, VAULT, org.org_id, url=URL, event_types=["job.failed"])


def test_addresses_are_judged_at_registration(settings):
    closed = dataclasses.replace(settings, webhooks_allow_private=False, public_url="https://floor.example.com")
    webhooks.check_url(closed, "https://hooks.example.com/", "/url")
    for url in ("https://127.0.0.1/", "https://floor.example.com/v1/jobs", "http://hooks.example.com/"):
        with pytest.raises(Invalid) as refused:
            webhooks.check_url(closed, url, "/url")
        assert refused.value.violations[0].pointer == "/url"
    webhooks.check_url(dataclasses.replace(closed, webhooks_allow_private=True), "http://127.0.0.1:1/", "/url")


def job_in(connection, org, state="queued", callback=None):
    job_id = f"job_{org.org_id[4:]}"
    return connection.execute(
        "INSERT INTO jobs (org_id, id, kind, queue, state, params, tags, priority, cache, callback_url, timeout_s, "
        "memory_mb, queued_at) VALUES (%s, %s, 'toy', 'io', %s, '{\"a\": 1}', '{}', 'normal', 'off', %s, 1, 1, now()) "
        "RETURNING *",
        [org.org_id, job_id, state, callback],
    ).fetchone()


@pytest.mark.parametrize("as_system", [False, True])
def test_a_job_that_ends_tells_of_itself_in_the_same_transaction(database, org, as_system):
    register(database, org, "job.cancelled")
    with database.org(org.org_id) as connection:
        row = job_in(connection, org, callback="https://jobs.invalid/done")
    with database.system() if as_system else database.org(org.org_id) as connection:
        assert jobs.end_unstarted(connection, row, "cancelled", {"type": "/problems/job-cancelled"})
    held = claim(database, org)
    assert [row["type"] for row in held] == ["job.cancelled"] * 2
    data = json.loads(held[0]["body"])["data"]
    assert (data["id"], data["state"], data["params"]) == (row["id"], "cancelled", {"a": 1})
    assert data["error"] == {"type": "/problems/job-cancelled"}
    assert data["artifacts"] == []


def test_a_jobs_artifacts_are_told_of_without_signed_addresses(database, org):
    register(database, org)
    with database.org(org.org_id) as connection:
        row = job_in(connection, org, callback="https://jobs.invalid/done")
        connection.execute(
            "INSERT INTO artifacts (org_id, job_id, name, attempt, media_type, bytes, sha256, key, filename) "
            "VALUES (%s, %s, 'scores', 1, 'x/y', 1, 'abc', 'orgs/x', 'scores.parquet')",
            [org.org_id, row["id"]],
        )
        events.job_over(connection, org.org_id, row["id"], "succeeded")
    body = claim(database, org)[0]["body"]
    (artifact,) = json.loads(body)["data"]["artifacts"]
    assert (artifact["name"], artifact["sha256"], artifact["url"]) == ("scores", "abc", None)
    assert "orgs/x" not in body


def test_a_job_nobody_asked_about_enqueues_nothing(database, org):
    register(database, org, "job.failed")
    with database.org(org.org_id) as connection:
        row = job_in(connection, org)
        jobs.end_unstarted(connection, row, "cancelled", {})
        assert connection.execute("SELECT * FROM deliveries").fetchall() == []


def test_a_pipeline_is_finished_once_when_its_last_step_is_over(database, org):
    from infra.pipeline_ends import finish_pipelines

    register(database, org, "pipeline.finished")
    with database.org(org.org_id) as connection:
        connection.execute(
            "INSERT INTO pipelines (org_id, id, steps) VALUES (%s, 'pipe_1', %s)", [org.org_id, '{"a": "job_x"}']
        )
        row = job_in(connection, org)
        connection.execute("UPDATE jobs SET pipeline_id = 'pipe_1', step = 'a' WHERE id = %s", [row["id"]])
    finish_pipelines(database)
    assert claim(database, org) == []
    with database.org(org.org_id) as connection:
        jobs.end_unstarted(connection, row, "failed", {"detail": "no"})
    assert finish_pipelines(database) >= 1
    finish_pipelines(database)
    (held,) = claim(database, org)
    data = json.loads(held["body"])["data"]
    assert (data["id"], data["state"], data["steps"]["a"]["state"]) == ("pipe_1", "failed", "failed")


def test_two_dispatchers_that_notice_the_same_pipeline_tell_of_it_once(database, org):
    from infra import pipeline_ends

    register(database, org, "pipeline.finished")
    with database.org(org.org_id) as connection:
        connection.execute(
            "INSERT INTO pipelines (org_id, id, steps) VALUES (%s, 'pipe_1', '{\"a\": \"b\"}')", [org.org_id]
        )
    assert [pipeline_ends._finish(database, org.org_id, "pipe_1") for _ in range(2)] == [1, 0]
    assert len(claim(database, org)) == 1
