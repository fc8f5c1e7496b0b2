"""The claim at 200,000 queued jobs over 51 organisations: the SQL that the dispatcher runs, under EXPLAIN ANALYZE.

One organisation floods its queue and fifty have a little work; the same statement with a hundredth of the jobs stands
beside it, for its cost should not grow with the queue. Each execution is rolled back, so that each finds the same.
"""

import os
import statistics
import sys
import tempfile
from pathlib import Path

import psycopg

sys.path.remove(str(Path(__file__).parent))  # the scripts beside this one share names with the packages
sys.path.insert(0, str(Path(__file__).parents[1]))

from infra import embedded
from infra.dispatching import CLAIM, COUNTED, DEMAND
from infra.scaling import GUESS_S

JOBS = int(os.environ.get("BENCH_JOBS", "200000"))
ORGS = 51
RUNS = int(os.environ.get("BENCH_RUNS", "40"))
ROOMS = (1, 4, 64)
FILL = """
INSERT INTO jobs (org_id, id, kind, queue, state, params, priority, cache, timeout_s, memory_mb, queued_at, rank)
SELECT 'org_' || lpad((CASE WHEN n %% 4 = 0 THEN n / 4 %% (%(orgs)s - 1) + 1 ELSE 0 END)::text, 3, '0'),
       'job_' || lpad(n::text, 12, '0'), 'factors', 'compute', 'queued', '{}', 'normal', 'off', 60, 100, now(),
       job_rank(now() - make_interval(secs => (%(jobs)s - n) * 0.001), (ARRAY['low', 'normal', 'high'])[n %% 3 + 1])
FROM generate_series(1, %(jobs)s) n
"""


def main():
    with (
        tempfile.TemporaryDirectory(prefix="floor-bench-") as folder,
        embedded.start(Path(folder) / "data", {}) as servers,
        psycopg.connect(servers.environment["FLOOR_DATABASE_URL"], autocommit=True) as connection,
    ):
        connection.execute("SET ROLE floor_system")
        found = [measured(connection, servers.admin_url, jobs) for jobs in (JOBS // 100, JOBS)]
    print(f"{RUNS} executions each over {ORGS} organisations; times are PostgreSQL's own, planning and execution\n")
    print("| statement | queued jobs | p50 ms | p95 ms |\n|---|--:|--:|--:|")
    for rows in zip(*found, strict=True):
        for name, jobs, times in rows:
            print(f"| {name} | {jobs:,} | {statistics.median(times):.2f} | {sorted(times)[int(0.95 * RUNS)]:.2f} |")


def measured(connection, admin_url, jobs):
    """Fill the queue with so many jobs and time every statement on it."""
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("TRUNCATE jobs CASCADE")
        for number in range(ORGS):
            admin.execute(
                "INSERT INTO orgs (id, name, settings) VALUES (%s, 'bench', '{\"max_running\": 1000}') "
                "ON CONFLICT DO NOTHING",
                [f"org_{number:03}"],
            )
        admin.execute(FILL, {"orgs": ORGS, "jobs": jobs})
        admin.execute("VACUUM ANALYZE jobs")
        assert admin.execute("SELECT count(*), count(DISTINCT org_id) FROM jobs").fetchone() == (jobs, ORGS)
    claims = [
        (f"claim of {room}", jobs, timed(connection, CLAIM, {"queue": "compute", "room": room})) for room in ROOMS
    ]
    return [
        *claims,
        ("demand, for the autoscaler", jobs, timed(connection, DEMAND, {"counted": COUNTED, "guess_s": GUESS_S})),
    ]


def timed(connection, statement, values):
    """Return the milliseconds of each execution as the server counts them."""
    times = []
    for _ in range(RUNS):
        with connection.transaction(force_rollback=True):
            (plan,) = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values).fetchone()
        times.append(plan[0]["Planning Time"] + plan[0]["Execution Time"])
    return times


if __name__ == "__main__":
    main()
