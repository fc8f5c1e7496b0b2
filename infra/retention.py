"""What is to be kept no longer: rows are marked or removed in a transaction, their objects deleted when they are due.

All of it in the system's transactions. A row's object is deleted an hour after the row, and only if nothing has come
to refer to it meanwhile: a repeated job shares the bytes of the one it repeats.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from infra import audit

if TYPE_CHECKING:
    from infra.database import Connection

BATCH: Final = 500

EXPIRED: Final = """
    WITH gone AS (
        DELETE FROM uploads WHERE (org_id, id) IN (
            SELECT org_id, id FROM uploads WHERE state = 'pending' AND expires_at < now()
            ORDER BY expires_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
        RETURNING org_id, key, multipart_id)
    INSERT INTO doomed_objects (org_id, key, multipart_id, due_at) SELECT org_id, key, multipart_id, now() FROM gone
    ON CONFLICT DO NOTHING
"""

# What an unfinished job is to read is kept until it has.
PINNED: Final = """
    SELECT j.org_id, input.value->>'key' AS key
    FROM orgs o JOIN jobs j ON j.org_id = o.id AND j.finished_at IS NULL, jsonb_each(j.inputs) input
    WHERE o.settings->>'retention_days' IS NOT NULL
"""
CUT: Final = "now() - make_interval(days => (o.settings->>'retention_days')::integer)"
KEPT_LONG: Final = f"""
    WITH pinned AS ({PINNED}), artifacts_gone AS (
        UPDATE artifacts a SET deleted_at = now() FROM (
            SELECT f.org_id, f.job_id, f.name FROM orgs o
            JOIN jobs j ON j.org_id = o.id AND j.created_at < {CUT} AND j.finished_at < {CUT}
            JOIN artifacts f ON f.org_id = j.org_id AND f.job_id = j.id AND f.deleted_at IS NULL
            WHERE o.settings->>'retention_days' IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM pinned p WHERE p.org_id = f.org_id AND p.key = f.key)
              AND NOT EXISTS (SELECT 1 FROM dataset_versions v WHERE v.org_id = f.org_id AND v.key = f.key
                              AND v.deleted_at IS NULL)
            LIMIT %(batch)s) old
        WHERE a.org_id = old.org_id AND a.job_id = old.job_id AND a.name = old.name
        RETURNING a.org_id, a.key
    ), uploads_gone AS (
        UPDATE uploads u SET deleted_at = now() FROM (
            SELECT f.org_id, f.id FROM orgs o
            JOIN uploads f ON f.org_id = o.id AND f.completed_at < {CUT} AND f.deleted_at IS NULL
            WHERE o.settings->>'retention_days' IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM pinned p WHERE p.org_id = f.org_id AND p.key = f.key)
            LIMIT %(batch)s) old
        WHERE u.org_id = old.org_id AND u.id = old.id
        RETURNING u.org_id, u.key
    ), gone AS (SELECT * FROM artifacts_gone UNION ALL SELECT * FROM uploads_gone
    ), doomed AS (
        INSERT INTO doomed_objects (org_id, key, due_at)
        SELECT DISTINCT org_id, key, now() + interval '1 hour' FROM gone ON CONFLICT DO NOTHING)
    SELECT org_id, key FROM gone
"""

DUE: Final = """
    SELECT d.org_id, d.key, d.multipart_id,
           EXISTS (SELECT 1 FROM artifacts a WHERE a.org_id = d.org_id AND a.key = d.key AND a.deleted_at IS NULL)
           OR EXISTS (SELECT 1 FROM uploads u WHERE u.org_id = d.org_id AND u.key = d.key AND u.deleted_at IS NULL)
           OR EXISTS (SELECT 1 FROM dataset_versions v WHERE v.org_id = d.org_id AND v.key = d.key
                      AND v.deleted_at IS NULL) AS used,
           EXISTS (SELECT 1 FROM jobs j, jsonb_each(j.inputs) input WHERE j.org_id = d.org_id
                   AND j.finished_at IS NULL AND input.value->>'key' = d.key) AS pinned
    FROM doomed_objects d WHERE d.due_at <= now() ORDER BY d.due_at LIMIT %(batch)s FOR UPDATE OF d SKIP LOCKED
"""


def expire_uploads(connection: Connection) -> int:
    """Remove uploads that were never completed in time; their objects and open parts are due at once."""
    return connection.execute(EXPIRED, {"batch": BATCH}).rowcount


def apply(connection: Connection) -> int:
    """Mark as deleted what is older than its organisation keeps files, and return how many files that were.

    A dataset's versions stay, and so does what an unfinished job is to read.
    """
    gone = connection.execute(KEPT_LONG, {"batch": BATCH}).fetchall()
    for org_id, files in sorted(Counter(row["org_id"] for row in gone).items()):
        audit.record(
            connection, org_id=org_id, actor=None, request_id=None, action="retention.applied", after={"files": files}
        )
    return len(gone)


def due(connection: Connection) -> list[dict[str, Any]]:
    """Return, locked, objects that are to be deleted now: `used` by a row again, or `pinned` by an unfinished job."""
    return connection.execute(DUE, {"batch": BATCH}).fetchall()


def settle(connection: Connection, row: dict[str, Any]) -> None:
    """Forget an object that is deleted, or is used again; look at a pinned one an hour later."""
    statement = (
        "UPDATE doomed_objects SET due_at = now() + interval '1 hour' WHERE org_id = %s AND key = %s"
        if row["pinned"]
        else "DELETE FROM doomed_objects WHERE org_id = %s AND key = %s"
    )
    connection.execute(statement, [row["org_id"], row["key"]])
