"""Jobs as their owners see them: found, listed, followed, cancelled. What workers do with them is in `infra.leases`.

Every function works inside the caller's transaction of one organisation; row-level security draws the line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg.types.json import Jsonb

from infra import events
from tasks.errors import JobCancelled, NotFound
from tasks.job import FINAL

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from infra.database import Connection

ROW: Final[LiteralString] = """
    SELECT j.*, ARRAY(SELECT d.depends_on FROM job_dependencies d
                      WHERE d.org_id = j.org_id AND d.job_id = j.id ORDER BY d.depends_on) AS depends_on
    FROM jobs j
"""
LOG_LINES_SHOWN: Final = 1000
OVER: Final = " over"  # follows the job's id in a notification that it is final

# What a listing may be narrowed by; each clause takes one parameter of its own name.
FILTERS: Final[dict[str, LiteralString]] = {
    "kind": "j.kind = %(kind)s",
    "state": "j.state = %(state)s",
    "pipeline": "j.pipeline_id = %(pipeline)s",
    "tags": "j.tags @> %(tags)s",
    "created_after": "j.created_at > %(created_after)s",
    "created_before": "j.created_at < %(created_before)s",
}


def get(connection: Connection, job_id: str) -> dict[str, Any] | None:
    """Return one job's row with the ids it depends on, or None."""
    return connection.execute(ROW + "WHERE j.id = %s", [job_id]).fetchone()


def list_page(
    connection: Connection,
    filters: Mapping[str, Any],
    before: tuple[dt.datetime, str] | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Return jobs newest first, older than `before` (created_at, id), narrowed by `FILTERS`; KeyError for others."""
    given = {name: value for name, value in filters.items() if value is not None and value != {}}
    clauses: list[LiteralString] = ["TRUE", *(FILTERS[name] for name in given)]
    values = given | {"limit": limit}
    if "tags" in given:
        values["tags"] = Jsonb(dict(given["tags"]))
    if before:
        clauses.append("(j.created_at, j.id) < (%(before_at)s, %(before_id)s)")
        values |= {"before_at": before[0], "before_id": before[1]}
    order: LiteralString = " ORDER BY j.created_at DESC, j.id DESC LIMIT %(limit)s"
    return connection.execute(ROW + "WHERE " + " AND ".join(clauses) + order, values).fetchall()


def events_after(connection: Connection, job_id: str, seq: int = 0, limit: int = 500) -> list[dict[str, Any]]:
    """Return a job's events with a sequence number above `seq`, oldest first."""
    return connection.execute(
        "SELECT seq, at, type, data FROM job_events WHERE job_id = %s AND seq > %s ORDER BY seq LIMIT %s",
        [job_id, seq, limit],
    ).fetchall()


def logs(connection: Connection, job_id: str, after: int = 0, limit: int = LOG_LINES_SHOWN) -> list[dict[str, Any]]:
    """Return a job's log lines with a sequence number above `after`, oldest first, of all attempts."""
    return connection.execute(
        "SELECT seq, attempt, at, level, message FROM job_logs WHERE job_id = %s AND seq > %s ORDER BY seq LIMIT %s",
        [job_id, after, limit],
    ).fetchall()


def artifacts(connection: Connection, job_id: str) -> list[dict[str, Any]]:
    """Return a job's artifacts by name, the deleted ones too (their `deleted_at` is set)."""
    return connection.execute(
        "SELECT name, attempt, media_type, bytes, sha256, rows, key, filename, deleted_at "
        "FROM artifacts WHERE job_id = %s ORDER BY name",
        [job_id],
    ).fetchall()


def artifacts_of(connection: Connection, job_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the artifacts of many jobs by their ids, in one statement; a job without any is left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(
        "SELECT job_id, name, attempt, media_type, bytes, sha256, rows, key, filename, deleted_at "
        "FROM artifacts WHERE job_id = ANY (%s) ORDER BY job_id, name",
        [list(job_ids)],
    ):
        found.setdefault(row["job_id"], []).append(row)
    return found


def request_cancel(connection: Connection, job_id: str) -> dict[str, Any]:
    """Cancel a job: at once if it does not run, else its worker's parent ends it within 5 s; safe to ask again.

    A final job is returned as it is. Raises NotFound.
    """
    row = connection.execute("SELECT * FROM jobs WHERE id = %s FOR UPDATE", [job_id]).fetchone()
    if row is None:
        raise NotFound("There is no such job.")
    if row["state"] == "running" and row["cancel_requested_at"] is None:
        connection.execute("UPDATE jobs SET cancel_requested_at = now() WHERE id = %s", [job_id])
        announce(connection, row, "cancel_requested", {})
    elif row["state"] not in FINAL and row["state"] != "running":
        end_unstarted(connection, row, "cancelled", JobCancelled().as_problem())
    found = get(connection, job_id)
    assert found is not None
    return found


def end_unstarted(connection: Connection, row: Mapping[str, Any], state: str, problem: dict[str, Any]) -> bool:
    """End a job that no worker holds; returns whether it was this call that did."""
    ended = connection.execute(
        "UPDATE jobs SET state = %s, error = %s, finished_at = clock_timestamp(), dispatch_token = NULL "
        "WHERE org_id = %s AND id = %s AND state IN ('waiting', 'queued') RETURNING id",
        [state, Jsonb(problem), row["org_id"], row["id"]],
    ).fetchone()
    if ended is not None:
        announce(connection, row, state, {"error": problem})
        wake_dependants(connection, row)
    return ended is not None


def announce(connection: Connection, row: Mapping[str, Any], event: str, data: Mapping[str, Any]) -> None:
    """Append an event to a job's history and wake whoever follows the job, both when the transaction commits.

    What ends the job is told to webhooks as well; its row and artifacts are written by then.
    """
    connection.execute(
        "WITH appended AS (INSERT INTO job_events (org_id, job_id, type, data) VALUES (%s, %s, %s, %s)) "
        "SELECT pg_notify('floor_jobs', %s)",
        [row["org_id"], row["id"], event, Jsonb(dict(data)), row["id"] + (OVER if event in FINAL else "")],
    )
    if event in FINAL:
        events.job_over(connection, row["org_id"], row["id"], event)


def wake_dispatcher(connection: Connection, queue: str) -> None:
    """Tell the dispatcher, when the transaction commits, that a queue has work or a free slot; a hint, never needed."""
    connection.execute("SELECT pg_notify('floor_dispatch', %s)", [queue])


def wake_dependants(connection: Connection, row: Mapping[str, Any]) -> None:
    """Tell the dispatcher, when the transaction commits, to look at jobs that wait for this one, if there are any."""
    connection.execute(
        "SELECT pg_notify('floor_dispatch', 'dependants') WHERE EXISTS "
        "(SELECT 1 FROM job_dependencies WHERE org_id = %s AND depends_on = %s)",
        [row["org_id"], row["id"]],
    )
