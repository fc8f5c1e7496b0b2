"""From no worker at all to a succeeded factor job, stage by stage, beside what its process must at least import.

Each repetition waits until the last worker has gone, then submits `factors` on the demo's market (150 symbols, five
years) with `cache: off`. Times come from the job's row, from the dispatcher's and the worker's logs and from the clock
of this process, all of one machine.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

sys.path.remove(str(Path(__file__).parent))  # the scripts beside this one share names with the packages
sys.path.insert(0, str(Path(__file__).parents[1]))

from infra import local
from infra.cli import plan, universe
from infra.client import Client

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "10"))
IDLE_S = "1.5"
IMPORTS = "import worker.celery_app, celery.worker, worker.keeper, worker.process, worker.execute, boto3, duckdb"
STAGES = ("submit", "dispatch", "worker boot", "load", "inputs", "run", "render", "upload", "commit", "tell the client")


def main():
    with tempfile.TemporaryDirectory(prefix="floor-bench-") as folder:
        given = {name: value for name, value in os.environ.items() if name.startswith("FLOOR_")}
        with local.start(Path(folder) / "data", given | {"FLOOR_WORKER_IDLE_S": IDLE_S}) as floor:
            report(floor, Path(folder))


def report(floor, folder):
    with (
        Client(floor.url, floor.api_key) as client,
        psycopg.connect(floor.servers.admin_url, autocommit=True, row_factory=dict_row) as admin,
    ):
        params = prepared(client, universe.write(folder / "universe"))
        rounds = [one(floor, client, admin, params) for _ in range(ROUNDS)]
    totals = sorted(sum(stages.values()) for stages in rounds)
    middle = statistics.median(totals)
    print(f"{ROUNDS} cold starts: median {middle:.2f} s, fastest {totals[0]:.2f} s, slowest {totals[-1]:.2f} s\n")
    print("| stage | median s | share |\n|---|--:|--:|")
    for stage in STAGES:
        took = statistics.median(stages[stage] for stages in rounds)
        print(f"| {stage} | {took:.3f} | {took / middle:.0%} |")
    print(f"\nThe imports of a worker alone, in one process: {imports_s():.2f} s")


def prepared(client, files):
    """Ingest the demo's market and return the parameters of its factor job."""
    uploads = {name: client.upload(getattr(files, name))["id"] for name in ("prices", "actions", "sectors")}
    steps = plan.reading(
        "demo", uploads["prices"], uploads["actions"], {"sectors": (uploads["sectors"], "classifications")}
    )
    pipeline = client.post("/v1/pipelines", {"steps": steps})
    while pipeline["state"] not in {"succeeded", "failed", "cancelled"}:
        time.sleep(0.2)
        pipeline = client.get(f"/v1/pipelines/{pipeline['id']}")
    assert pipeline["state"] == "succeeded", pipeline
    prices, sectors = (pipeline["steps"][name]["result"]["dataset"] for name in ("prices", "sectors"))
    return plan.research(prices, universe.STOCKS, sectors=sectors, title="")["signals"]["params"]


def one(floor, client, admin, params):
    """Wait for the workers to go, run one job, and return the seconds of each stage."""
    until = time.monotonic() + 60
    while admin.execute("SELECT count(*) AS n FROM workers").fetchone()["n"]:
        assert time.monotonic() < until, "the workers do not go"
        time.sleep(0.1)
    asked = time.time()
    job = client.submit("factors", params, cache="off")
    job = client.get(f"/v1/jobs/{job['id']}") if job["state"] == "succeeded" else waited(client, job["id"])
    known = time.time()
    assert job["state"] == "succeeded", job["error"]
    row = admin.execute("SELECT * FROM jobs WHERE id = %s", [job["id"]]).fetchone()
    assert row["attempt"] == 1, row
    done = last_line(floor.data_dir / "logs" / f"worker-{row['queue']}.log", job["id"])
    inside = {stage: done[f"{stage}_s"] for stage in ("load", "inputs", "run", "render", "upload", "commit")}
    begun = row["started_at"].timestamp()
    return {
        "submit": row["created_at"].timestamp() - asked,
        "dispatch": (row["dispatched_at"] - row["created_at"]).total_seconds(),
        "worker boot": (row["started_at"] - row["dispatched_at"]).total_seconds(),
        **inside,
        "tell the client": known - begun - sum(inside.values()),
    }


def waited(client, job_id):
    return client._send("GET", f"/v1/jobs/{job_id}", headers={"Prefer": "wait=30"}).json()


def last_line(log, job_id):
    """Return what the worker's log says of the job's end; the line may come a moment after the commit."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        for text in reversed(log.read_text(encoding="utf-8").splitlines()):
            line = json.loads(text) if text.startswith("{") else {}
            if line.get("job_id") == job_id and line.get("message") == "done":
                return line
        time.sleep(0.05)
    raise SystemExit(f"the log says nothing of {job_id}")


def imports_s():
    times = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", IMPORTS], check=True, cwd=Path(__file__).parents[1])
        times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    main()
