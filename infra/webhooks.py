"""Webhooks as their owners keep them: where to, of what, with which secret; what is sent lies in `infra.deliveries`.

Every function works inside the caller's transaction of one organisation; row-level security draws the line.
"""

from __future__ import annotations

import base64
import datetime as dt
import os
from typing import TYPE_CHECKING, Any, Final

from infra import addresses, secrets
from infra.ids import new_id
from infra.secrets import Owner
from tasks.errors import Invalid, NotFound, QuotaExceeded, Violation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.database import Connection
    from infra.secrets import Secret, Vault
    from infra.settings import Settings

EVENT_TYPES: Final = (
    "job.succeeded",
    "job.failed",
    "job.cancelled",
    "pipeline.finished",
    "dataset.ready",
    "order.updated",
    "fill.created",
    "compliance.decided",
    "killswitch.changed",
    "webhook.test",
)
MAX_WEBHOOKS: Final = 100
PURPOSE: Final = "webhook"
SECRET_BYTES: Final = 32
OVERLAP: Final = dt.timedelta(hours=24)  # how long both secrets sign after a rotation


def check_url(settings: Settings, url: str, pointer: str) -> None:
    """Raise Invalid unless an address may be registered; what its name resolves to is asked at each call."""
    own = (settings.public_url, settings.s3_public_endpoint, settings.s3_endpoint)
    refused = addresses.refusal(url, allow_private=settings.webhooks_allow_private, own=own)
    if refused:
        raise Invalid(None, Violation(pointer, refused))


def create(
    connection: Connection,
    vault: Vault,
    org_id: str,
    *,
    url: str,
    event_types: Sequence[str],
    description: str = "",
    by: str | None = None,
) -> tuple[dict[str, Any], str]:
    """Register a webhook and return its row and its secret; raises QuotaExceeded at the hundred-and-first."""
    connection.execute("SELECT 1 FROM orgs WHERE id = %s FOR UPDATE", [org_id])  # two at once count one after the other
    held = connection.execute("SELECT count(*) AS n FROM webhooks WHERE org_id = %s", [org_id]).fetchone()
    if held and held["n"] >= MAX_WEBHOOKS:
        raise QuotaExceeded(f"The organisation has {MAX_WEBHOOKS} webhooks, as many as it may have; delete one first.")
    row = connection.execute(
        "INSERT INTO webhooks (org_id, id, url, event_types, description, created_by) "
        "VALUES (%s, %s, %s, %s, %s, %s) RETURNING *",
        [org_id, new_id("whk"), url, list(event_types), description, by],
    ).fetchone()
    assert row is not None
    return row, text_of(_new_secret(connection, vault, org_id, row["id"]))


def get(connection: Connection, webhook_id: str) -> dict[str, Any]:
    """Return one webhook's row; raises NotFound."""
    row = connection.execute("SELECT * FROM webhooks WHERE id = %s", [webhook_id]).fetchone()
    if row is None:
        raise NotFound("There is no such webhook.")
    return row


def list_page(
    connection: Connection, before: tuple[dt.datetime, str] | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Return the organisation's webhooks, newest first, older than `before` (created_at, id)."""
    at, last = before or (None, None)
    return connection.execute(
        "SELECT * FROM webhooks WHERE %s::timestamptz IS NULL OR (created_at, id) < (%s, %s) "
        "ORDER BY created_at DESC, id DESC LIMIT %s",
        [at, at, last, limit],
    ).fetchall()


def change(connection: Connection, webhook_id: str, fields: Mapping[str, Any], now: dt.datetime) -> dict[str, Any]:
    """Change url, event_types, description or enabled; raises NotFound.

    Enabled again, a webhook starts with a clean record and whatever was left undelivered is sent.
    """
    row = get(connection, webhook_id)
    enabled = fields.get("enabled", row["disabled_at"] is None)
    changed = connection.execute(
        """
        UPDATE webhooks SET url = %(url)s, event_types = %(event_types)s, description = %(description)s,
               disabled_at = CASE WHEN %(enabled)s THEN NULL ELSE coalesce(disabled_at, %(now)s) END,
               disabled_reason = CASE WHEN %(enabled)s THEN NULL ELSE coalesce(disabled_reason, 'asked') END,
               failing_since = CASE WHEN %(enabled)s AND disabled_at IS NOT NULL THEN NULL ELSE failing_since END
        WHERE id = %(id)s RETURNING *
        """,
        {
            "url": fields.get("url", row["url"]),
            "event_types": list(fields.get("event_types", row["event_types"])),
            "description": fields.get("description", row["description"]),
            "enabled": enabled,
            "now": now,
            "id": webhook_id,
        },
    ).fetchone()
    assert changed is not None
    return changed


def delete(connection: Connection, webhook_id: str) -> dict[str, Any]:
    """Delete a webhook with its secrets and its deliveries, and return what it was; raises NotFound."""
    row = get(connection, webhook_id)
    secrets.forget(connection, Owner(row["org_id"], PURPOSE, webhook_id))
    connection.execute("DELETE FROM webhooks WHERE id = %s", [webhook_id])
    return row


def rotate(connection: Connection, vault: Vault, org_id: str, owner: str, now: dt.datetime) -> str:
    """Give an owner (a webhook's id, or the organisation's own for its default secret) a new secret and return it.

    What was in force signs beside it for 24 hours more.
    """
    secrets.expire(connection, Owner(org_id, PURPOSE, owner), now + OVERLAP)
    return text_of(_new_secret(connection, vault, org_id, owner))


def signing(connection: Connection, vault: Vault, org_id: str, owner: str, now: dt.datetime) -> list[Secret]:
    """Return the secrets that sign for an owner now, the newest first; the first is made when there is none yet."""
    found = secrets.in_force(connection, vault, Owner(org_id, PURPOSE, owner), now)
    return found or [_new_secret(connection, vault, org_id, owner)]


def text_of(secret: Secret) -> str:
    """Write a secret as Standard Webhooks' libraries read it."""
    return "whsec_" + base64.b64encode(secret.value).decode()


def _new_secret(connection: Connection, vault: Vault, org_id: str, owner: str) -> Secret:
    return secrets.add(connection, vault, Owner(org_id, PURPOSE, owner), os.urandom(SECRET_BYTES))
