"""Submissions per second beside a bare Flask route under the same server with the same processes and threads."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from houses import floor_with_noop
from loads import load

REQUESTS = int(os.environ.get("BENCH_REQUESTS", "1200"))
CONNECTIONS = 8


def main():
    with floor_with_noop(FLOOR_MAX_WORKERS="1") as floor:
        body = json.dumps({"kind": "noop", "params": {"n": 1}, "cache": "off"})
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {floor.api_key}"}
        load(floor.url, "/v1/jobs/validate", body, headers, requests=80, connections=CONNECTIONS, expect=200)
        bare = bare_flask(floor.settings, body, headers)
        checked = load(
            floor.url, "/v1/jobs/validate", body, headers, requests=REQUESTS, connections=CONNECTIONS, expect=200
        )
        submitted = load(floor.url, "/v1/jobs", body, headers, requests=REQUESTS, connections=CONNECTIONS, expect=202)
    print(f"{REQUESTS} requests over {CONNECTIONS} connections, gunicorn gthread\n")
    print("| route | requests/s | of bare Flask | p50 ms | p99 ms |\n|---|--:|--:|--:|--:|")
    for name, got in (
        ("bare Flask", bare),
        ("POST /v1/jobs/validate", checked),
        ("POST /v1/jobs (committed)", submitted),
    ):
        print(f"| {name} | {got.rate:.0f} | {got.rate / bare.rate:.2f} | {got.p50_ms:.1f} | {got.p99_ms:.1f} |")


def bare_flask(settings, body, headers):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--worker-class=gthread", f"--workers={settings.api_workers}",
         f"--threads={settings.api_threads}", f"--bind=127.0.0.1:{port}", "--no-control-socket", "--log-level=warning",
         "bare_flask_app:app"],
        cwd=Path(__file__).parent,
    )  # fmt: skip
    try:
        answers(port)
        return load(
            f"http://127.0.0.1:{port}",
            "/v1/jobs",
            body,
            headers,
            requests=REQUESTS,
            connections=CONNECTIONS,
            expect=202,
        )
    finally:
        server.terminate()
        server.wait(timeout=30)


def answers(port):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit("the bare Flask server did not start")


if __name__ == "__main__":
    main()
