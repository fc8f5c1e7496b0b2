"""Deletes from the object store what is to be kept no longer: a round of the dispatcher's errands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra import retention

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.database import Database
    from infra.files import Files


def tidy(database: Database, files: Files) -> int:
    """Expire uploads, apply retention, delete what is due; returns how many objects were dealt with.

    Raises Unavailable while a part is away; what was not done is still written down.
    """
    with database.system() as connection:
        retention.expire_uploads(connection)
    with database.system() as connection:
        retention.apply(connection)
    with database.system() as connection:
        rows = retention.due(connection)
        for row in rows:
            if not row["used"] and not row["pinned"]:
                _delete(files, row)
            retention.settle(connection, row)
    return len(rows)


def _delete(files: Files, row: Mapping[str, Any]) -> None:
    if row["multipart_id"]:
        files.abort_multipart(row["org_id"], row["key"], row["multipart_id"])
    if row["key"].endswith("/"):
        files.delete_below(row["org_id"], row["key"])
    else:
        files.delete(row["key"])
