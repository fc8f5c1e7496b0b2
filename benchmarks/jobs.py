"""Jobs per second and latency through the whole platform, beside bare Celery on the same Redis in the same run.

The platform's job is more than Celery's: an authenticated HTTP request, a committed row with audit and idempotency, a
fair dispatch, a fenced claim, a manifest in S3, a committed result. The ratio says what those promises cost.
"""

import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parent))
from houses import floor_with_noop
from loads import percentile

JOBS = int(os.environ.get("BENCH_JOBS", "400"))
BARE = int(os.environ.get("BENCH_BARE", "3000"))
SINGLES = 60
WORKERS = 2


def main():
    with floor_with_noop(FLOOR_MAX_WORKERS="2", FLOOR_WORKER_IDLE_S="60") as floor:
        print(f"{WORKERS} worker processes; {JOBS} jobs; single jobs one after another: {SINGLES}\n")
        rows = [("bare Celery, tuned", *bare_celery(floor.settings.redis_url))]
        with httpx.Client(
            base_url=floor.url, headers={"Authorization": f"Bearer {floor.api_key}"}, timeout=120
        ) as client:
            warm(client)
            rows.append(("Floor, one request a job", *singles(client)))
            rows.append(("Floor, batches of 200", batches(client), None, None))
        table(rows)


def bare_celery(redis_url):
    with tempfile.NamedTemporaryFile() as stamps:
        stamps.write(bytes(8 * (BARE + SINGLES + 1)))
        stamps.flush()
        os.environ["BARE_REDIS_URL"] = redis_url
        from bare_celery_app import noop

        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "bare_celery_app", "worker", f"-c{WORKERS}", "-l", "error",
             "--without-gossip", "--without-mingle", "--without-heartbeat"],
            cwd=Path(__file__).parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            noop.delay(stamps.name, BARE + SINGLES)
            wait_for(stamps.name, BARE + SINGLES, BARE + SINGLES + 1)
            started = time.time_ns()
            for slot in range(BARE):
                noop.delay(stamps.name, slot)
            rate = BARE / ((wait_for(stamps.name, 0, BARE) - started) / 1e9)
            latencies = []
            for slot in range(BARE, BARE + SINGLES):
                started = time.time_ns()
                noop.delay(stamps.name, slot)
                latencies.append((wait_for(stamps.name, slot, slot + 1) - started) / 1e6)
        finally:
            worker.terminate()
            worker.wait(timeout=30)
    return rate, statistics.median(latencies), percentile(latencies, 0.99)


def wait_for(path, first, last, seconds=120):
    """Return when the last of the slots was stamped, in nanoseconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        data = Path(path).read_bytes()[first * 8 : last * 8]
        stamps = [int.from_bytes(data[i : i + 8], "little") for i in range(0, len(data), 8)]
        if all(stamps):
            return max(stamps)
        time.sleep(0.0005)
    raise SystemExit("bare Celery did not finish: nothing was measured")


def body(n):
    return {"kind": "noop", "params": {"n": n}, "cache": "off"}


def warm(client):
    for n in range(4):
        job = client.post("/v1/jobs", json=body(n)).raise_for_status().json()
        finished(client, job["id"])


def finished(client, job_id):
    while True:
        job = client.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=30"}).raise_for_status().json()
        if job["state"] in {"succeeded", "failed", "cancelled"}:
            if job["state"] != "succeeded":
                raise SystemExit(f"a job did not succeed: {json.dumps(job['error'])}")
            return job


def singles(client):
    latencies = []
    for n in range(SINGLES):
        started = time.perf_counter()
        job = client.post("/v1/jobs", json=body(n)).raise_for_status().json()
        finished(client, job["id"])
        latencies.append((time.perf_counter() - started) * 1e3)
    started = time.time()
    ids = [client.post("/v1/jobs", json=body(n)).raise_for_status().json()["id"] for n in range(JOBS)]
    return JOBS / (drained(client, ids) - started), statistics.median(latencies), percentile(latencies, 0.99)


def batches(client):
    started = time.time()
    ids = []
    for first in range(0, JOBS, 200):
        jobs = [body(n) for n in range(first, min(first + 200, JOBS))]
        answer = client.post("/v1/jobs/batch", json={"jobs": jobs, "atomic": True}).raise_for_status().json()
        ids += [entry["job"]["id"] for entry in answer["data"]]
    return JOBS / (drained(client, ids) - started)


def drained(client, ids):
    """Return when the last of the jobs was committed, as the database stamped it; every one must have succeeded.

    Bare Celery's tasks stamp their end as well: in neither case does asking for the end take part in the race.
    """
    for job_id in ids[-3:]:
        finished(client, job_id)
    ended = {}
    while len(ended) < len(ids):
        ended, cursor = {}, None
        while len(ended) < len(ids):
            page = client.get(
                "/v1/jobs", params={"limit": 200, "kind": "noop", **({"cursor": cursor} if cursor else {})}
            )
            found, cursor = page.raise_for_status().json()["data"], page.json()["next_cursor"]
            ended |= {job["id"]: job["finished_at"] for job in found if job["state"] == "succeeded"}
            if set(ids) <= set(ended) or cursor is None:
                break
        ended = {job_id: ended[job_id] for job_id in ids if job_id in ended}
    return max(dt.datetime.fromisoformat(at).timestamp() for at in ended.values())


def table(rows):
    base = rows[0][1]
    print("| system | jobs/s | of bare Celery | p50 ms | p99 ms |\n|---|--:|--:|--:|--:|")
    for name, rate, p50, p99 in rows:
        shown = ["–" if value is None else f"{value:.1f}" for value in (p50, p99)]
        print(f"| {name} | {rate:.0f} | {rate / base:.2f} | {shown[0]} | {shown[1]} |")


if __name__ == "__main__":
    main()
