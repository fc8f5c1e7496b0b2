from __future__ import annotations

import json
import threading

import pytest

from api.waiting import Bell
from infra import jobs, leases
from infra.ids import new_id


def frames(text):
    """Return the events of a stream as (id, event, data)."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in lines:
            found.append((int(lines["id"]), lines["event"], json.loads(lines["data"])))
    return found


@pytest.fixture
def cancelled(client, put):
    job_id = put.job()
    client.post(f"/v1/jobs/{job_id}/cancel")
    return job_id


def test_a_final_jobs_stream_tells_all_and_ends(client, cancelled):
    response = client.get(f"/v1/jobs/{cancelled}/events", headers={"Accept": "text/event-stream"})
    assert response.mimetype == "text/event-stream"
    assert response.headers["X-Accel-Buffering"] == "no"
    events = frames(response.get_data(as_text=True))
    assert [event for _, event, _ in events] == ["queued", "cancelled"]
    assert all(data["seq"] == seq for seq, _, data in events)


def test_a_stream_is_resumed_after_the_last_event_that_was_seen(client, cancelled):
    path = f"/v1/jobs/{cancelled}/events"
    first, *rest = frames(client.get(path).get_data(as_text=True))
    resumed = client.get(path, headers={"Last-Event-ID": str(first[0])}).get_data(as_text=True)
    assert frames(resumed) == rest
    listed = client.get(f"{path}?after={first[0]}", headers={"Accept": "application/json"}).json["data"]
    assert [one["seq"] for one in listed] == [one[0] for one in rest]


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 30, ""])
def test_a_last_event_that_is_none_is_refused(client, cancelled, last):
    assert client.get(f"/v1/jobs/{cancelled}/events", headers={"Last-Event-ID": last}).status_code == 400


def test_events_come_in_no_other_form(client, cancelled):
    assert client.get(f"/v1/jobs/{cancelled}/events", headers={"Accept": "text/html"}).status_code == 406


def test_a_stream_brings_what_happens_while_it_is_open(client, put, database):
    job_id = put.job(state="running")
    stream = client.flask.get(f"/v1/jobs/{job_id}/events", headers=bearer(client))
    lines = (line.decode() for line in stream.response)
    assert "retry" in next(lines)
    assert "event: queued" in next(lines)
    with database.org(client.org_id) as connection:
        held = jobs.get(connection, job_id)
        leases.progress(connection, held, {"fraction": 0.5, "stage": "half", "message": ""})
    told = next(lines)
    assert "event: progress" in told
    assert "half" in told
    with database.org(client.org_id) as connection:
        leases.end(connection, held, "failed", {"type": "/problems/internal"})
    assert "event: failed" in next(lines)
    assert list(lines) == []


def test_open_streams_are_capped_and_requests_still_answered(client, put):
    job_id = put.job(state="running")
    path, streams = f"/v1/jobs/{job_id}/events", client.app.extensions["floor"].streams
    opened = []
    while (response := client.flask.get(path, headers=bearer(client))).status_code == 200:
        opened.append(response)
        assert len(opened) <= client.app.extensions["floor"].settings.api_threads // 2
    assert response.json["type"] == "/problems/rate-limited"
    assert int(response.headers["Retry-After"]) > 0
    assert client.get(path, headers={"Accept": "application/json"}).status_code == 200
    assert "Preference-Applied" not in client.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=30"}).headers
    for one in opened:
        one.close()
    assert streams.take(client.org_id)
    streams.give_back(client.org_id)


def test_a_stream_that_was_never_read_gives_its_place_back(client, put):
    path = f"/v1/jobs/{put.job(state='running')}/events"
    for _ in range(client.app.extensions["floor"].settings.api_threads):
        response = client.flask.get(path, headers=bearer(client))
        assert response.status_code == 200
        response.close()


def test_a_stream_ends_when_the_process_goes_down(settings):
    bell = Bell(settings)
    with bell.follow(new_id("job")) as changed:
        waiter = threading.Thread(target=bell.wait, args=(changed, 60))
        waiter.start()
        bell.close()
        waiter.join(10)
        assert not waiter.is_alive()
    assert bell.closing.is_set()


def bearer(client):
    return {"Authorization": f"Bearer {client.key}"}
