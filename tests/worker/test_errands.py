import dataclasses
import datetime as dt
import json
import threading
import time

import psycopg
import pytest

from infra import jobs, webhooks
from infra.secrets import Vault
from tests.receiver import Receiver
from worker.errands import Errands


@pytest.fixture
def here(servers, settings):
    """Settings for loopback and a quick clock; what other tests left to be sent or fired is parked."""
    with psycopg.connect(servers.admin_url, autocommit=True) as connection:
        connection.execute("UPDATE deliveries SET state = 'failed', ended_at = now() WHERE state = 'pending'")
        connection.execute("UPDATE schedules SET next_at = NULL")
    return dataclasses.replace(settings, webhooks_allow_private=True, poll_s=0.1)


@pytest.fixture
def errands(here):
    running = Errands(here)
    running.start()
    yield running
    running.stop()


def until(condition, within_s=15):
    """Wait for a condition; the errands run in threads of their own."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def put_job(connection, org, **values):
    job_id = f"job_{org.org_id[4:]}"
    connection.execute(
        "INSERT INTO jobs (org_id, id, kind, queue, state, params, tags, priority, cache, timeout_s, memory_mb, "
        "queued_at, pipeline_id, step) "
        "VALUES (%s, %s, 'toy', 'io', 'queued', '{}', '{}', 'normal', 'off', 1, 1, now(), %s, %s)",
        [org.org_id, job_id, values.get("pipeline_id"), values.get("step")],
    )
    return jobs.get(connection, job_id)


@pytest.mark.usefixtures("errands")
def test_what_ends_is_told_of_by_itself(database, org, here):
    with Receiver() as receiver:
        with database.org(org.org_id) as connection:
            types = ["job.cancelled", "pipeline.finished"]
            webhooks.create(connection, Vault.of(here), org.org_id, url=receiver.url, event_types=types)
            steps = json.dumps({"one": "job_x"})
            connection.execute(
                "INSERT INTO pipelines (org_id, id, steps) VALUES (%s, 'pipe_1', %s)", [org.org_id, steps]
            )
            job = put_job(connection, org, pipeline_id="pipe_1", step="one")
        with database.org(org.org_id) as connection:
            jobs.request_cancel(connection, job["id"])
        until(lambda: len(receiver.received) >= 2)
    told = {json.loads(seen.body)["type"] for seen in receiver.received}
    assert told == {"job.cancelled", "pipeline.finished"}


def test_they_stop_at_once_even_while_a_receiver_hangs(database, org, here):
    def hang(_stream, over):
        over.wait(30)

    running = Errands(here)
    running.start()
    with Receiver([hang]) as receiver:
        with database.org(org.org_id) as connection:
            webhooks.create(connection, Vault.of(here), org.org_id, url=receiver.url, event_types=["job.cancelled"])
            job = put_job(connection, org)
            jobs.request_cancel(connection, job["id"])
        until(lambda: receiver.received)
        began = time.monotonic()
        running.stop()
        assert time.monotonic() - began < 5
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"webhooks", "schedules"}


def test_an_errand_that_fails_does_not_end_the_others(here, monkeypatch, database, org):
    from worker import errands

    monkeypatch.setattr(errands, "fire_due", lambda *_: 1 / 0)
    running = Errands(here)
    running.start()
    try:
        with database.org(org.org_id) as connection:
            connection.execute(
                "INSERT INTO pipelines (org_id, id, steps) VALUES (%s, 'pipe_1', '{\"a\": \"b\"}')", [org.org_id]
            )
            put_job(connection, org, pipeline_id="pipe_1", step="a")
            jobs.request_cancel(connection, f"job_{org.org_id[4:]}")

        def finished():
            with database.org(org.org_id) as connection:
                row = connection.execute("SELECT finished_at FROM pipelines").fetchone()
            return row["finished_at"] is not None

        until(finished)
    finally:
        running.stop()


def test_a_schedule_is_fired_by_the_clock(database, org, here, errands):
    from infra import keys, schedules
    from infra.keys import Caller
    from infra.schedules import Plan

    rows = [["2024-01-02", "AAA", 1.0], ["2024-01-03", "AAA", 2.0]]
    params = {
        "prices": {"columns": ["date", "symbol", "close"], "rows": rows},
        "recipe": {"factors": [{"name": "momentum"}]},
    }
    plan = Plan("", "* * * * *", "UTC", None, "last", "job", {"kind": "factors", "params": params, "tags": {}})
    with database.org(org.org_id) as connection:
        key = keys.create(connection, org.org_id, "k", "quant").row["id"]
        past = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=2)  # its next tick is already behind us
        made = schedules.create(connection, Caller(org.org_id, key, "quant", "k"), plan, past)

    def fired():
        with database.org(org.org_id) as connection:
            return schedules.fires(connection, made["id"])

    until(fired)
    assert fired()[0]["job_id"].startswith("job_")
