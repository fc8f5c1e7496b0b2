"""A waiting job's dependencies are settled: its inputs are resolved now, and it is queued, repeated or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from infra import jobs, memo
from infra.references import resolve
from tasks.errors import DependencyFailed, Ended, Invalid, JobCancelled
from tasks.registry import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.database import Connection


def release(connection: Connection, job_id: str) -> str | None:
    """Move one waiting job on and return its new state; None if it no longer waits. Works as its organisation."""
    row = connection.execute(
        "SELECT * FROM jobs WHERE id = %s AND state = 'waiting' FOR UPDATE SKIP LOCKED", [job_id]
    ).fetchone()
    if row is None:
        return None
    try:
        found = resolve(connection, kinds()[row["kind"]], row["params"], row["inputs"] or {})
    except Invalid as error:
        jobs.end_unstarted(connection, row, "failed", error.as_problem())
        return "failed"
    known = memo.input_digest(row["kind"], row["params"], found.inputs, row["code_version"])
    cached = memo.lookup(connection, known) if row["cache"] == "use" else None
    _move(connection, row, found.inputs, known, cached)
    return "succeeded" if cached else "queued"


def settle_badly(connection: Connection, waiting: Mapping[str, Any]) -> bool:
    """End a waiting job whose dependency failed or was cancelled, in the same way, naming the dependency."""
    name = f"step {waiting['step']!r} ({waiting['dependency']})" if waiting["step"] else waiting["dependency"]
    if waiting["state"] == "cancelled":
        problem: Ended = JobCancelled(f"It depends on {name}, which was cancelled.", dependency=waiting["dependency"])
    else:
        problem = DependencyFailed(
            f"It depends on {name}, a {waiting['kind']} job that failed.", dependency=waiting["dependency"]
        )
    return jobs.end_unstarted(connection, waiting, waiting["state"], problem.as_problem())


def _move(
    connection: Connection,
    row: Mapping[str, Any],
    inputs: Mapping[str, Any],
    known: str,
    cached: Mapping[str, Any] | None,
) -> None:
    state = "succeeded" if cached else "queued"
    connection.execute(
        """
        UPDATE jobs SET state = %(state)s, inputs = %(inputs)s, input_digest = %(known)s, run_at = now(),
               rank = job_rank(now(), priority), cached_from = %(cached_from)s, result = %(result)s,
               queued_at = CASE WHEN %(state)s = 'queued' THEN now() END,
               finished_at = CASE WHEN %(state)s = 'succeeded' THEN now() END
        WHERE org_id = %(org_id)s AND id = %(id)s
        """,
        {
            "state": state,
            "inputs": Jsonb(dict(inputs)),
            "known": known,
            "cached_from": cached["id"] if cached else None,
            "result": Jsonb(cached["result"]) if cached else None,
            "org_id": row["org_id"],
            "id": row["id"],
        },
    )
    if cached:
        memo.copy_artifacts(connection, cached, row["id"])
        jobs.wake_dependants(connection, row)
    jobs.announce(connection, row, state, {"cached_from": cached["id"]} if cached else {})
    jobs.wake_dispatcher(connection, row["queue"])
