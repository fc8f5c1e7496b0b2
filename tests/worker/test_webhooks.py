import dataclasses
import datetime as dt
import json
import time

import pytest
import standardwebhooks

from infra import audit, deliveries, orgs, webhooks
from infra.deliveries import Attempt
from infra.outbound import Outbound
from infra.secrets import Secret, Vault
from tests.receiver import Receiver, answer
from worker.webhooks import DELAYS_S, Sender, decide, send_due, signature

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def here(settings, database):
    """Settings that let messages reach loopback; what other tests left is parked: nothing else is sent."""
    with database.system() as connection:
        connection.execute("UPDATE deliveries SET state = 'failed', ended_at = now() WHERE state = 'pending'")
    return dataclasses.replace(settings, webhooks_allow_private=True)


@pytest.fixture
def register(database, org, here):
    def make(url, *types):
        with database.org(org.org_id) as connection:
            row, secret = webhooks.create(
                connection, Vault.of(here), org.org_id, url=url, event_types=types or ["job.failed"]
            )
        return row["id"], secret

    return make


@pytest.fixture
def enqueue(database, org):
    def make(type_="job.failed", **rest):
        with database.org(org.org_id) as connection:
            deliveries.enqueue(connection, org.org_id, type_, {"id": "job_1"}, **rest)

    return make


def log_of(database, org, webhook):
    with database.org(org.org_id) as connection:
        return deliveries.list_page(connection, webhook_id=webhook)


def soon():
    """A time by which whatever was just enqueued is due."""
    return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)


def verify(secret, received):
    """Check a request as any receiver would, with the library and no help."""
    return standardwebhooks.Webhook(secret).verify(received.body, received.headers)


def test_what_arrives_verifies_with_the_standard_library(database, org, here, register, enqueue):
    with Receiver([answer(200, b"thanks")]) as receiver:
        webhook, secret = register(receiver.url)
        enqueue()
        send_due(database, here, soon())
    (seen,) = receiver.received
    body = verify(secret, seen)
    assert (body["type"], body["data"]) == ("job.failed", {"id": "job_1"})
    assert seen.headers["content-type"] == "application/json"
    (row,) = log_of(database, org, webhook)
    assert seen.headers["webhook-id"] == row["id"]
    (one,) = row["log"]
    assert (row["state"], one["status"], one["response"], one["error"]) == ("delivered", 200, "thanks", None)


def test_a_changed_body_or_another_secret_does_not_verify(database, here, register, enqueue):
    with Receiver() as receiver:
        _, secret = register(receiver.url)
        enqueue()
        send_due(database, here, soon())
    (seen,) = receiver.received
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verify(secret, dataclasses.replace(seen, body=seen.body.replace(b"job_1", b"job_2")))
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verify(webhooks.text_of(Secret("x", b"another" * 5)), seen)


def test_a_rotation_between_attempts_lets_both_secrets_verify_then_one(database, org, here, register, enqueue):
    with Receiver([answer(500), answer(500), answer(200)]) as receiver:
        webhook, first = register(receiver.url)
        enqueue()
        now = soon()
        send_due(database, here, now)
        with database.org(org.org_id) as connection:
            second = webhooks.rotate(connection, Vault.of(here), org.org_id, webhook, now)
        for later in (dt.timedelta(minutes=1), dt.timedelta(hours=25)):
            send_due(database, here, now + later)
    before, between, after = receiver.received
    assert verify(first, before)
    # The library holds a message five minutes fresh: the later ones are checked by signature alone.
    for secret, seen, good in [(first, between, 1), (second, between, 1), (first, after, 0), (second, after, 1)]:
        key = standardwebhooks.Webhook(secret)
        at = dt.datetime.fromtimestamp(int(seen.headers["webhook-timestamp"]), dt.UTC)
        mine = key.sign(seen.headers["webhook-id"], at, seen.body.decode())
        assert seen.headers["webhook-signature"].split().count(mine) == good
    assert len(between.headers["webhook-signature"].split()) == 2


def test_every_attempt_has_the_same_id_and_body_and_a_time_of_its_own(database, org, here, register, enqueue):
    with Receiver([answer(500, b"no"), answer(503), answer(200)]) as receiver:
        webhook, _ = register(receiver.url)
        enqueue()
        now = soon()
        for minutes in (0, 1, 60):
            send_due(database, here, now + dt.timedelta(minutes=minutes))
    assert len({seen.headers["webhook-id"] for seen in receiver.received}) == 1
    assert len({seen.body for seen in receiver.received}) == 1
    assert len({seen.headers["webhook-timestamp"] for seen in receiver.received}) == 3
    (row,) = log_of(database, org, webhook)
    assert [one["status"] for one in row["log"]] == [500, 503, 200]
    assert row["state"] == "delivered"


def test_a_receiver_that_is_down_is_tried_for_three_days_and_ten_times_in_all(database, org, here, register, enqueue):
    with Receiver([answer(500)]) as receiver:
        webhook, _ = register(receiver.url)
        enqueue()
        now = soon()
        for _ in range(20):
            send_due(database, here, now)
            (row,) = log_of(database, org, webhook)
            if row["state"] != "pending":
                break
            now = row["due_at"]
    assert row["state"] == "failed"
    assert len(receiver.received) == len(row["log"]) == 10
    waits = [
        (b["at"] - a["at"]).total_seconds() / wait
        for a, b, wait in zip(row["log"], row["log"][1:], DELAYS_S, strict=False)
    ]
    assert all(0.8 <= wait <= 1.2 for wait in waits)
    assert len({round(wait, 6) for wait in waits}) > 1


def test_gone_disables_at_once_and_says_so_in_the_audit_log(database, org, here, register, enqueue):
    with Receiver([answer(410)]) as receiver:
        webhook, _ = register(receiver.url)
        enqueue()
        enqueue("job.failed")
        send_due(database, here, soon())
        send_due(database, here, soon() + dt.timedelta(days=1))
    with database.org(org.org_id) as connection:
        row = webhooks.get(connection, webhook)
        actions = [one["action"] for one in audit.list_page(connection)]
    assert (row["disabled_reason"], len(receiver.received) <= 2) == ("gone", True)
    assert actions.count("webhook.disabled") == 1
    assert {one["state"] for one in log_of(database, org, webhook)} <= {"failed", "pending"}


def test_redirects_count_as_failures_and_nothing_follows_them(database, org, here, register, enqueue):
    with Receiver() as private, Receiver([answer(302, b"", Location=private.url)]) as receiver:
        webhook, _ = register(receiver.url)
        enqueue()
        send_due(database, here, soon())
    assert private.received == []
    (row,) = log_of(database, org, webhook)
    assert (row["state"], row["log"][0]["status"]) == ("pending", 302)


def test_a_private_address_is_refused_again_when_it_is_called(database, org, here, register, enqueue):
    with Receiver() as receiver:
        webhook, _ = register(receiver.url)
        enqueue()
        send_due(database, dataclasses.replace(here, webhooks_allow_private=False), soon())
        named, _ = register(f"https://hooks.example.com:8443/{receiver.port}")
        enqueue()
        strict = Outbound(resolver=lambda *_: ["127.0.0.1"])
        sender = Sender(database, here, outbound=strict)
        sender.send_due(soon())
        assert sender.wait(10)
    assert receiver.received == []
    assert next(one["error"] for row in log_of(database, org, webhook) for one in row["log"]) == "refused"
    assert [one["error"] for row in log_of(database, org, named) for one in row["log"]] == ["refused"]


def test_a_callback_is_signed_with_the_organisations_default_secret(database, org, here, enqueue):
    with Receiver([answer(500), answer(200)]) as receiver:
        enqueue("job.cancelled", callback_url=receiver.url)
        send_due(database, here, soon())
        with database.org(org.org_id) as connection:
            (secret,) = webhooks.signing(connection, Vault.of(here), org.org_id, org.org_id, soon())
        assert verify(webhooks.text_of(secret), receiver.received[0])["type"] == "job.cancelled"


def test_a_slow_receiver_holds_up_no_other(database, org, here, register, enqueue):
    def hang(_stream, over):
        over.wait(30)

    with Receiver([hang]) as slow, Receiver() as quick:
        register(slow.url)
        for _ in range(5):
            enqueue()
        other = orgs.create_org(database, "other")
        with database.org(other.org_id) as connection:
            webhooks.create(connection, Vault.of(here), other.org_id, url=quick.url, event_types=["job.failed"])
            deliveries.enqueue(connection, other.org_id, "job.failed", {})
        sender = Sender(database, here, outbound=Outbound(allow_private=True, total_s=8))
        began = time.monotonic()
        sender.send_due(soon())
        while not quick.received and time.monotonic() - began < 5:
            time.sleep(0.02)
        assert quick.received
        assert len(slow.received) <= deliveries.PER_LANE
        slow.over.set()
        assert sender.wait(15)


def test_a_binary_answer_is_kept_as_text(database, org, here, register, enqueue):
    with Receiver([answer(200, b"\x00\xff<script>" + b"a" * 5000)]) as receiver:
        webhook, _ = register(receiver.url)
        enqueue()
        send_due(database, here, soon())
    response = log_of(database, org, webhook)[0]["log"][0]["response"]
    assert response.startswith("\ufffd\ufffd<script>")
    assert len(response) <= 2048


def test_no_secret_is_in_what_postgres_holds_or_what_is_logged(database, org, here, register, caplog):
    caplog.set_level("DEBUG")
    with Receiver([answer(500)]) as receiver:
        webhook, secret = register(receiver.url)
        with database.org(org.org_id) as connection:
            deliveries.enqueue_test(connection, org.org_id, webhook)
        send_due(database, here, soon())
    with database.org(org.org_id) as connection:
        text = ""
        for table in ("webhooks", "org_secrets", "deliveries", "delivery_attempts", "audit"):
            text += json.dumps(connection.execute(f"SELECT * FROM {table}").fetchall(), default=repr)
    raw = secret.removeprefix("whsec_")
    assert raw not in text + caplog.text


# What becomes of a delivery, as values.


def attempt(status=500, error=None, at=NOW):
    return Attempt(at, status, error, 1, "")


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_success(status):
    assert decide(attempt(status), 3, None, None, 0).state == "delivered"


@pytest.mark.parametrize("status", [None, 199, 300, 301, 400, 404, 429, 500, 503])
def test_anything_else_is_tried_again(status):
    assert decide(attempt(status), 0, None, None, 0).state == "pending"


@pytest.mark.parametrize("tries", range(9))
def test_the_schedule_is_the_contracts_within_a_fifth(tries):
    waits = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    for jitter, factor in [(-1, 0.8), (0, 1), (1, 1.2)]:
        then = decide(attempt(), tries, None, None, jitter)
        assert (then.due_at - NOW).total_seconds() == pytest.approx(waits[tries] * factor)


def test_after_the_tenth_attempt_it_has_failed():
    assert decide(attempt(), 9, None, None, 0).state == "failed"


@pytest.mark.parametrize(("asked", "waits"), [(1, 5), (60, 60), (10**9, 86400), (-5, 5)])
def test_retry_after_is_kept_where_it_is_longer_and_for_a_day_at_most(asked, waits):
    then = decide(attempt(429), 0, None, asked, 0)
    assert (then.due_at - NOW).total_seconds() == waits


def test_gone_ends_it_and_disables():
    then = decide(attempt(410), 0, None, None, 0)
    assert (then.state, then.disable) == ("failed", "gone")


@pytest.mark.parametrize(("days", "disable"), [(4.99, None), (5, "failing"), (9, "failing")])
def test_five_days_of_nothing_but_failures_disable(days, disable):
    then = decide(attempt(), 2, NOW - dt.timedelta(days=days), None, 0)
    assert (then.state, then.disable) == ("pending", disable)


def test_a_success_after_five_days_of_failures_disables_nothing():
    assert decide(attempt(200), 2, NOW - dt.timedelta(days=9), None, 0).disable is None


def test_retry_after_is_read_as_seconds_and_as_a_date(database, org, here, register, enqueue):
    now = soon().replace(microsecond=0)
    later = (now + dt.timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    with Receiver([answer(429, Retry_After="120"), answer(503, Retry_After=later), answer(200)]) as receiver:
        webhook, _ = register(receiver.url)
        enqueue()
        send_due(database, here, now)
        assert log_of(database, org, webhook)[0]["due_at"] == now + dt.timedelta(seconds=120)
        again = now + dt.timedelta(seconds=120)
        send_due(database, here, again)
        assert log_of(database, org, webhook)[0]["due_at"] == now + dt.timedelta(hours=1)


def test_the_example_of_the_specification_is_signed_as_it_says():
    key = standardwebhooks.Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = dt.datetime(2021, 8, 7, tzinfo=dt.UTC)
    import base64

    raw = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert signature([raw], "msg_1", int(at.timestamp()), b'{"a": 1}') == key.sign("msg_1", at, '{"a": 1}')
