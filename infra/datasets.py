"""Datasets as their owners see them: named, versioned, never changed; made by ingest jobs, read here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.errors import Gone, NotFound

if TYPE_CHECKING:
    import datetime as dt

    from infra.database import Connection

CURRENT: Final = """
    SELECT d.id, d.name, d.type, d.created_at, v.version, v.job_id, v.artifact, v.sha256, v.bytes, v.key, v.rows,
           v.symbols, v.start_date, v.end_date, v.schema, v.health, v.created_at AS updated_at, v.deleted_at
    FROM datasets d LEFT JOIN dataset_versions v
      ON v.org_id = d.org_id AND v.dataset_id = d.id AND v.version = d.current_version
"""


def get(connection: Connection, dataset_id: str) -> dict[str, Any]:
    """Return a dataset with its current version (null before the first); raises NotFound."""
    row = connection.execute(f"{CURRENT} WHERE d.id = %s", [dataset_id]).fetchone()
    if row is None:
        raise NotFound
    return row


def list_page(
    connection: Connection,
    *,
    name: str | None = None,
    type_: str | None = None,
    before: tuple[dt.datetime, str] | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Return datasets newest first, older than `before` (created_at, id)."""
    at, last = before or (None, None)
    return connection.execute(
        f"{CURRENT} WHERE (%(name)s::text IS NULL OR d.name = %(name)s) "
        "AND (%(type)s::text IS NULL OR d.type = %(type)s) "
        "AND (%(at)s::timestamptz IS NULL OR (d.created_at, d.id) < (%(at)s, %(last)s)) "
        "ORDER BY d.created_at DESC, d.id DESC LIMIT %(limit)s",
        {"name": name, "type": type_, "at": at, "last": last, "limit": limit},
    ).fetchall()


def versions(
    connection: Connection, dataset_id: str, *, before: int | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Return a dataset's versions, newest first, below a number; raises NotFound."""
    get(connection, dataset_id)
    return connection.execute(
        "SELECT * FROM dataset_versions WHERE dataset_id = %s AND (%s::integer IS NULL OR version < %s) "
        "ORDER BY version DESC LIMIT %s",
        [dataset_id, before, before, limit],
    ).fetchall()


def version(connection: Connection, dataset_id: str, number: int | None) -> dict[str, Any]:
    """Return one version, the current one for None; raises NotFound, or Gone once its bytes have been deleted."""
    row = connection.execute(
        "SELECT v.* FROM dataset_versions v JOIN datasets d ON d.org_id = v.org_id AND d.id = v.dataset_id "
        "WHERE v.dataset_id = %s AND v.version = coalesce(%s::integer, d.current_version)",
        [dataset_id, number],
    ).fetchone()
    if row is None:
        raise NotFound
    if row["deleted_at"] is not None:
        raise Gone
    return row
