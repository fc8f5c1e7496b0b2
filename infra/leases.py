"""A running job in a worker's hands: claimed by compare-and-set, renewed, and given up by one fenced statement.

Whoever holds a job proves it with its lease token. A write with a token that is no longer the row's changes nothing
and raises LeaseLost: somebody else has the job, or it is over, and the late writer stops without a word.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from infra import audit
from infra.jobs import announce, wake_dependants, wake_dispatcher

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from infra.database import Connection


class LeaseLost(Exception):
    """The job is no longer this holder's; whatever it was about to write must not be written."""


@dataclass(frozen=True)
class StoredArtifact:
    """One artifact as it lies in the object store, under a key that includes the attempt."""

    name: str
    media_type: str
    bytes: int
    sha256: str
    rows: int | None
    key: str
    filename: str


@dataclass(frozen=True)
class Finish:
    """What a successful attempt leaves in its job's row."""

    result: Mapping[str, Any]
    artifacts: Sequence[StoredArtifact]
    run_s: float
    cpu_s: float
    code_version: str
    input_digest: str | None


@dataclass(frozen=True)
class Requeue:
    """Why and when a job goes back to its queue."""

    reason: str
    after_s: float = 0.0
    charge: bool = True
    problem: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] | None = None  # pinned anew; None leaves them as they are


def claim(
    connection: Connection, job_id: str, token: str, *, worker_id: str, child_pid: int, lease_s: float
) -> dict[str, Any] | None:
    """Take a dispatched job; None means that somebody else has it, or that it is over.

    The attempt is counted, and charged, before any of its code runs: a job that kills its worker can't loop.
    """
    if not _is_uuid(token):
        return None
    return connection.execute(
        """
        WITH taken AS (
            UPDATE jobs SET state = 'running', attempt = attempt + 1, charged = charged + 1,
                   lease_token = gen_random_uuid(),
                   lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s),
                   worker_id = %(worker_id)s, child_pid = %(child_pid)s, started_at = clock_timestamp(),
                   progress = '{"fraction": 0, "stage": "starting", "message": ""}'
            WHERE id = %(job_id)s AND state = 'queued' AND dispatch_token = %(token)s
            RETURNING *
        ), told AS (
            INSERT INTO job_events (org_id, job_id, type, data)
            SELECT org_id, id, 'running', jsonb_build_object('attempt', attempt) FROM taken
        )
        SELECT *, pg_notify('floor_jobs', id) FROM taken
        """,
        {"job_id": job_id, "token": token, "worker_id": worker_id, "child_pid": child_pid, "lease_s": lease_s},
    ).fetchone()


def renew(connection: Connection, worker_id: str, tokens: Iterable[str], lease_s: float) -> list[dict[str, Any]]:
    """Extend the leases of a worker's jobs that its live children run (by dispatch token), and return those jobs."""
    return connection.execute(
        """
        UPDATE jobs SET lease_until = clock_timestamp() + make_interval(secs => %s)
        WHERE state = 'running' AND worker_id = %s AND dispatch_token = ANY (%s::uuid[])
        RETURNING *, extract(epoch FROM clock_timestamp() - started_at)::float8 AS running_s,
                  extract(epoch FROM clock_timestamp() - cancel_requested_at)::float8 AS cancelling_s,
                  extract(epoch FROM clock_timestamp() - deadline_at)::float8 AS late_s
        """,
        [lease_s, worker_id, list(tokens)],
    ).fetchall()


def unattended(connection: Connection, worker_id: str, tokens: Iterable[str]) -> list[dict[str, Any]]:
    """Return, locked, a worker's running jobs that no live child of it runs any more."""
    return connection.execute(
        "SELECT * FROM jobs WHERE state = 'running' AND worker_id = %s AND NOT dispatch_token = ANY (%s::uuid[]) "
        "FOR UPDATE SKIP LOCKED",
        [worker_id, list(tokens)],
    ).fetchall()


def expired(connection: Connection, limit: int = 100) -> list[dict[str, Any]]:
    """Return, locked, running jobs whose lease has run out: their worker is gone or cut off."""
    return connection.execute(
        "SELECT * FROM jobs WHERE state = 'running' AND lease_until < clock_timestamp() "
        "ORDER BY lease_until LIMIT %s FOR UPDATE SKIP LOCKED",
        [limit],
    ).fetchall()


def progress(connection: Connection, held: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """Write how far a job is, and return whether it is asked to stop; raises LeaseLost."""
    row = connection.execute(
        "UPDATE jobs SET progress = %s WHERE org_id = %s AND id = %s AND lease_token = %s AND state = 'running' "
        "RETURNING cancel_requested_at IS NOT NULL AS cancelled, coalesce(deadline_at < now(), false) AS too_late",
        [Jsonb(dict(value)), held["org_id"], held["id"], held["lease_token"]],
    ).fetchone()
    if row is None:
        raise LeaseLost(held["id"])
    announce(connection, held, "progress", value)
    return row


def finish(connection: Connection, held: Mapping[str, Any], done: Finish) -> None:
    """Make a job succeeded and its artifacts visible; raises LeaseLost, and the caller's transaction leaves nothing."""
    row = connection.execute(
        """
        UPDATE jobs SET state = 'succeeded', finished_at = clock_timestamp(), result = %(result)s, error = NULL,
               run_s = %(run_s)s, cpu_s = %(cpu_s)s, code_version = %(code_version)s, input_digest = %(input_digest)s,
               progress = '{"fraction": 1, "stage": "done", "message": ""}', dispatch_token = NULL
        WHERE org_id = %(org_id)s AND id = %(id)s AND lease_token = %(lease_token)s AND state = 'running'
        RETURNING id
        """,
        {
            "result": Jsonb(dict(done.result)),
            "run_s": done.run_s,
            "cpu_s": done.cpu_s,
            "code_version": done.code_version,
            "input_digest": done.input_digest,
            **_holder(held),
        },
    ).fetchone()
    if row is None:
        raise LeaseLost(held["id"])
    with connection.pipeline(), connection.cursor() as cursor:  # what follows waits for the server as seldom as it can
        cursor.executemany(
            "INSERT INTO artifacts (org_id, job_id, attempt, name, media_type, bytes, sha256, rows, key, filename) "
            "VALUES (%(org_id)s, %(job_id)s, %(attempt)s, %(name)s, %(media_type)s, %(bytes)s, %(sha256)s, %(rows)s, "
            "%(key)s, %(filename)s)",
            [
                {"org_id": held["org_id"], "job_id": held["id"], "attempt": held["attempt"], **asdict(artifact)}
                for artifact in done.artifacts
            ],
        )
        _over(connection, held, "succeeded", {"result": dict(done.result)})


def end(
    connection: Connection, held: Mapping[str, Any], state: str, problem: Mapping[str, Any], cpu_s: float | None = None
) -> None:
    """Make a running job failed or cancelled, with the problem that says why; raises LeaseLost."""
    row = connection.execute(
        "UPDATE jobs SET state = %(state)s, error = %(problem)s, finished_at = clock_timestamp(), cpu_s = %(cpu_s)s, "
        "run_s = extract(epoch FROM clock_timestamp() - started_at), dispatch_token = NULL "
        "WHERE org_id = %(org_id)s AND id = %(id)s AND lease_token = %(lease_token)s AND state = 'running' "
        "RETURNING id",
        {"state": state, "problem": Jsonb(dict(problem)), "cpu_s": cpu_s, **_holder(held)},
    ).fetchone()
    if row is None:
        raise LeaseLost(held["id"])
    _over(connection, held, state, {"error": dict(problem)})


def requeue(connection: Connection, held: Mapping[str, Any], why: Requeue) -> None:
    """Put a running job back into its queue, not before `after_s`; raises LeaseLost."""
    row = connection.execute(
        """
        UPDATE jobs SET state = 'queued', run_at = clock_timestamp() + make_interval(secs => %(after_s)s),
               charged = charged - CASE WHEN %(charge)s THEN 0 ELSE 1 END, inputs = coalesce(%(inputs)s, inputs),
               lease_token = NULL, lease_until = NULL, worker_id = NULL,
               child_pid = NULL, dispatch_token = NULL, dispatched_at = NULL,
               progress = '{"fraction": 0, "stage": "", "message": ""}'
        WHERE org_id = %(org_id)s AND id = %(id)s AND lease_token = %(lease_token)s AND state = 'running'
        RETURNING id
        """,
        # It keeps its place in the line: what came meanwhile does not go first, once its backoff is over.
        {
            "after_s": why.after_s,
            "charge": why.charge,
            "inputs": None if why.inputs is None else Jsonb(dict(why.inputs)),
            **_holder(held),
        },
    ).fetchone()
    if row is None:
        raise LeaseLost(held["id"])
    data = {"reason": why.reason, "after_s": round(why.after_s, 3), "charged": why.charge}
    announce(connection, held, "queued", data | ({"error": dict(why.problem)} if why.problem else {}))
    wake_dispatcher(connection, held["queue"])


def write_logs(connection: Connection, held: Mapping[str, Any], lines: Sequence[tuple[Any, str, str]]) -> None:
    """Append log lines (when, level, message) to a job's log."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO job_logs (org_id, job_id, attempt, at, level, message) VALUES (%s, %s, %s, %s, %s, %s)",
            [[held["org_id"], held["id"], held["attempt"], *line] for line in lines],
        )


def _over(connection: Connection, held: Mapping[str, Any], state: str, data: Mapping[str, Any]) -> None:
    wake_dispatcher(connection, held["queue"])
    wake_dependants(connection, held)
    announce(connection, held, state, data)
    audit.record(
        connection, org_id=held["org_id"], actor=None, request_id=None, action=f"job.{state}", target=held["id"]
    )


def _holder(held: Mapping[str, Any]) -> dict[str, Any]:
    return {"org_id": held["org_id"], "id": held["id"], "lease_token": held["lease_token"]}


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except (ValueError, AttributeError, TypeError):
        return False
    return True
