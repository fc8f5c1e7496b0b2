"""Uploads: a place in the object store that a client fills itself, checked by size and digest before it is read."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from infra.files import safe_name
from infra.ids import new_id
from tasks.errors import Conflict, Gone, NotFound

if TYPE_CHECKING:
    from infra.database import Connection

PENDING_FOR: Final = dt.timedelta(hours=24)
PART_BYTES: Final = 64 << 20
SINGLE_MAX: Final = 100_000_000  # more than this goes in parts


def start(
    connection: Connection,
    org_id: str,
    *,
    filename: str,
    media_type: str,
    size: int,
    sha256: str | None,
    by: str | None,
    upload_id: str | None = None,
    multipart_id: str | None = None,
) -> dict[str, Any]:
    """Write a pending upload and return its row."""
    upload_id = upload_id or new_id("upl")
    row = connection.execute(
        "INSERT INTO uploads (org_id, id, filename, media_type, bytes, sha256, state, key, multipart_id, created_by, "
        "expires_at) VALUES (%s, %s, %s, %s, %s, %s, 'pending', %s, %s, %s, now() + %s) RETURNING *",
        [
            org_id,
            upload_id,
            filename,
            media_type,
            size,
            sha256,
            key_of(org_id, upload_id, filename),
            multipart_id,
            by,
            PENDING_FOR,
        ],
    ).fetchone()
    assert row is not None
    return row


def key_of(org_id: str, upload_id: str, filename: str) -> str:
    """Return where an upload's bytes lie in the object store."""
    return f"orgs/{org_id}/uploads/{upload_id}/{safe_name(filename)}"


def get(connection: Connection, upload_id: str) -> dict[str, Any]:
    """Return an upload's row; raises NotFound, or Gone once its bytes have been deleted."""
    row = connection.execute("SELECT * FROM uploads WHERE id = %s", [upload_id]).fetchone()
    if row is None:
        raise NotFound
    if row["deleted_at"] is not None:
        raise Gone
    return row


def finish(connection: Connection, upload_id: str, state: str, sha256: str) -> dict[str, Any]:
    """Make a pending upload completed or rejected, with the digest that was found.

    Of two that finish it at once the second raises Conflict.
    """
    row = connection.execute(
        "UPDATE uploads SET state = %s, sha256 = %s, completed_at = now() WHERE id = %s AND state = 'pending' "
        "RETURNING *",
        [state, sha256, upload_id],
    ).fetchone()
    if row is None:
        raise Conflict("The upload was finished by another request a moment ago.")
    return row


def parts_of(size: int) -> list[int]:
    """Return the sizes of an upload's parts: all of PART_BYTES but the last."""
    whole, rest = divmod(size, PART_BYTES)
    return [PART_BYTES] * whole + ([rest] if rest else [])
