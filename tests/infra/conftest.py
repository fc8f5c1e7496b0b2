"""An organisation's desk: submits real kinds, and puts jobs into a queue of the test's own, which nobody else reads."""

import uuid
from dataclasses import dataclass, field

import pytest
from psycopg.types.json import Jsonb

from infra import dispatching, jobs, leases, orgs, submission
from infra.database import Database
from infra.ids import new_id
from infra.keys import Caller
from infra.submission import JobRequest

PRICES = {
    "columns": ["date", "symbol", "close"],
    "rows": [[f"2024-01-{day:02d}", name, 10.0 + day] for day in range(2, 30) for name in ("AAA", "BBB", "CCC")],
}
SCORED = {"prices": PRICES, "recipe": {"factors": [{"name": "low_volatility"}]}}


@dataclass
class Desk:
    database: Database
    org_id: str
    role: str = "owner"
    queue: str = field(default_factory=lambda: f"q-{uuid.uuid4().hex[:12]}")

    @property
    def caller(self):
        return Caller(self.org_id, "key_test", self.role, "test")

    def submit(self, params=SCORED, kind="factors", **given):
        with self.database.org(self.org_id) as connection:
            return submission.submit(connection, self.caller, JobRequest(kind, params, **given), request_id="req_1")

    def job(self, job_id):
        with self.database.org(self.org_id) as connection:
            return jobs.get(connection, job_id)

    def events(self, job_id):
        with self.database.org(self.org_id) as connection:
            return [(event["type"], event["data"]) for event in jobs.events_after(connection, job_id)]

    def artifact(self, job_id, name, *, rows=3):
        """Give a job an artifact's row, as a worker would."""
        with self.database.org(self.org_id) as connection:
            connection.execute(
                "INSERT INTO artifacts (org_id, job_id, name, attempt, media_type, bytes, sha256, rows, key, filename) "
                "VALUES (%s, %s, %s, 1, 'x/y', 3, %s, %s, %s, 'f')",
                [self.org_id, job_id, name, "ab" * 32, rows, f"orgs/{self.org_id}/jobs/{job_id}/1/f"],
            )

    def move(self, job_id, state, **columns):
        """Put a job into another state by the shortest legal way."""
        with self.database.org(self.org_id) as connection:
            if state in {"succeeded", "running"}:
                connection.execute(
                    "UPDATE jobs SET state = 'running', lease_token = gen_random_uuid(), attempt = 1, charged = 1, "
                    "lease_until = now() + interval '1 hour', started_at = now() WHERE id = %s",
                    [job_id],
                )
            if state != "running":
                connection.execute(
                    "UPDATE jobs SET state = %s, finished_at = now(), result = %s, run_s = %s WHERE id = %s",
                    [state, Jsonb(columns.get("result", {})), columns.get("run_s"), job_id],
                )

    def move_illegally(self, job_id):
        with self.database.org(self.org_id) as connection:
            connection.execute("UPDATE jobs SET state = 'queued', finished_at = NULL WHERE id = %s", [job_id])

    def put(self, *, priority="normal", queue=None, due_in_s=0, count=1):
        """Put queued jobs straight into a queue; returns their ids in order."""
        ids = sorted(new_id("job") for _ in range(count))  # within a millisecond they come in any order
        with self.database.org(self.org_id) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO jobs (org_id, id, kind, queue, state, params, priority, cache, timeout_s, memory_mb, "
                "queued_at, run_at, rank) VALUES (%s, %s, 'factors', %s, 'queued', '{}', %s, 'off', 60, 100, now(), "
                "now() + make_interval(secs => %s), job_rank(now() + make_interval(secs => %s), %s))",
                [[self.org_id, i, queue or self.queue, priority, due_in_s, due_in_s, priority] for i in ids],
            )
        return ids

    def admit(self, room=10, queue=None):
        with self.database.system() as connection:
            return dispatching.claim_next(connection, queue or self.queue, room)

    def claim(self, job_id, token, worker_id="host:1", pid=1, lease_s=60):
        with self.database.system() as connection:
            return leases.claim(connection, job_id, token, worker_id=worker_id, child_pid=pid, lease_s=lease_s)

    def held(self, **given):
        """Put one job and take it as a worker would."""
        (job_id,) = self.put()
        (row,) = self.admit(1)
        assert row["id"] == job_id
        return self.claim(job_id, row["token"], **given)


@pytest.fixture
def desk(database, org):
    return Desk(database, org.org_id)


@pytest.fixture
def other_desk(database):
    return Desk(database, orgs.create_org(database, "other").org_id)


@pytest.fixture
def scored():
    """The parameters of a small factors job."""
    return dict(SCORED)


@pytest.fixture
def empty_dataset(desk):
    with desk.database.org(desk.org_id) as connection:
        row = connection.execute(
            "INSERT INTO datasets (org_id, id, name, type) VALUES (%s, %s, %s, 'prices') RETURNING id",
            [desk.org_id, new_id("ds"), uuid.uuid4().hex],
        ).fetchone()
    return row["id"]


@pytest.fixture
def dataset(desk, empty_dataset):
    """A dataset of two versions."""
    job_id = desk.submit()["id"]
    with desk.database.org(desk.org_id) as connection:
        for version in (1, 2):
            connection.execute(
                "INSERT INTO dataset_versions (org_id, dataset_id, version, job_id, artifact, sha256, bytes, key, "
                "rows, symbols, schema, health) VALUES (%s, %s, %s, %s, 'data', %s, 1, 'k', 1, 1, '[]', '{}')",
                [desk.org_id, empty_dataset, version, job_id, f"{version}" * 64],
            )
        connection.execute("UPDATE datasets SET current_version = 2 WHERE id = %s", [empty_dataset])
    return empty_dataset
