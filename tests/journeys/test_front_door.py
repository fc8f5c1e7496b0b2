"""A file over HTTP and back, through the real server with its threads: what the API's own tests can't see."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

pytestmark = pytest.mark.journey

DAYS = [f"2024-01-{day:02d}" for day in (2, 3, 4, 5, 8, 9, 10, 11, 12, 16)]
CSV = "date,symbol,close\n" + "".join(
    f"{day},{symbol},{100 + number + place}\n"
    for place, symbol in enumerate(("AAA", "BBB"))
    for number, day in enumerate(DAYS)
)


@pytest.fixture(scope="module")
def upload(floor):
    body = {"filename": "prices.csv", "bytes": len(CSV), "sha256": hashlib.sha256(CSV.encode()).hexdigest()}
    asked = floor.client.post("/v1/uploads", json=body).json()
    sent = httpx.request(asked["method"], asked["url"], content=CSV.encode(), headers=asked["headers"], trust_env=False)
    assert sent.status_code == 200
    done = floor.client.post(f"/v1/uploads/{asked['id']}/complete")
    assert done.json()["state"] == "completed"
    return asked["id"]


@pytest.fixture(scope="module")
def job(floor, upload):
    body = {"kind": "ingest", "params": {"upload": upload, "as": "prices", "dataset": "front-door"}}
    made = floor.client.post("/v1/jobs", json=body)
    assert made.status_code == 202, made.text
    finished = floor.client.get(made.headers["Location"], headers={"Prefer": "wait=60"})
    assert finished.json()["state"] == "succeeded", finished.text
    return finished.json()


def test_a_finished_job_tells_its_story_over_a_stream_and_as_a_list(floor, job):
    with floor.client.stream("GET", f"/v1/jobs/{job['id']}/events") as answer:
        lines = list(answer.iter_lines())
    told = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert (told[0], told[-1]) == ("queued", "succeeded")
    listed = floor.client.get(f"/v1/jobs/{job['id']}/events", headers={"Accept": "application/json"}).json()["data"]
    assert [event["type"] for event in listed] == told


def test_an_artifact_comes_down_as_the_bytes_that_were_announced(floor, job):
    manifest = next(one for one in job["artifacts"] if one["name"] == "manifest.json")
    direct = httpx.get(manifest["url"], trust_env=False)
    assert hashlib.sha256(direct.content).hexdigest() == manifest["sha256"]
    redirected = floor.client.get(manifest["links"]["download"])
    assert redirected.status_code == 307
    assert httpx.get(redirected.headers["Location"], trust_env=False).content == direct.content


def test_the_dataset_is_described_and_shown(floor, job):
    (dataset,) = floor.client.get("/v1/datasets", params={"name": "front-door"}).json()["data"]
    assert (dataset["rows"], dataset["symbols"], dataset["start"], dataset["end"]) == (20, 2, DAYS[0], DAYS[-1])
    shown = floor.client.get(
        f"/v1/datasets/{dataset['id']}/preview", params={"symbol": "BBB", "start": DAYS[-2]}
    ).json()
    place = shown["columns"].index("close")
    assert [row[place] for row in shown["rows"]] == [109.0, 110.0]


def test_the_same_request_again_is_answered_from_what_is_there(floor, upload, job):
    body = {"kind": "ingest", "params": {"upload": upload, "as": "prices", "dataset": "front-door"}}
    assert floor.client.post("/v1/jobs/validate", json=body).json()["would_hit_cache"] is True
    again = floor.client.post("/v1/jobs", json=body).json()
    assert (again["state"], again["cached_from"]) == ("succeeded", job["id"])
    digests = {one["name"]: one["sha256"] for one in job["artifacts"]}
    assert {one["name"]: one["sha256"] for one in again["artifacts"]} == digests


def test_requests_are_answered_while_many_wait(floor, upload):
    body = {"kind": "ingest", "params": {"upload": upload, "as": "prices", "dataset": "held"}, "cache": "off"}
    held = floor.client.post("/v1/jobs", json=body | {"priority": "low"}).json()["id"]

    def wait(_):
        headers = {"Authorization": f"Bearer {floor.key}", "Prefer": "wait=30"}
        return httpx.get(f"{floor.url}/v1/jobs/{held}", headers=headers, timeout=60, trust_env=False).status_code

    with ThreadPoolExecutor(40) as pool:
        waiting = [pool.submit(wait, number) for number in range(40)]
        for _ in range(10):
            assert httpx.get(f"{floor.url}/healthz", timeout=5, trust_env=False).status_code == 200
        assert {one.result() for one in waiting} == {200}
