"""Organisations: made by the operator, described and changed by their own members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg.types.json import Jsonb

from infra import audit, keys
from infra.ids import new_id
from tasks.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.database import Connection, Database

# What orgs.settings may hold, with the default of each; None is "the platform's, or no limit".
DEFAULTS: Final[dict[str, Any]] = {
    "max_queued": 10_000,
    "max_running": None,
    "rate_burst": None,
    "rate_minute": None,
    "compute_s_month": None,
    "stored_bytes": None,
    "url_ttl_cap_s": 604_800,
    "retention_days": None,
}


@dataclass(frozen=True)
class NewOrg:
    """An organisation just made, with the text of its first owner key, which is shown once."""

    org_id: str
    key_text: str


def create_org(db: Database, name: str) -> NewOrg:
    """Make an organisation with an owner member and an owner key, all or nothing."""
    org_id = new_id("org")
    with db.system() as connection:
        connection.execute("INSERT INTO orgs (id, name) VALUES (%s, %s)", [org_id, name])
        connection.execute(
            "INSERT INTO members (org_id, id, name, role) VALUES (%s, %s, %s, 'owner')",
            [org_id, new_id("usr"), "Owner"],
        )
        key = keys.create(connection, org_id, "first owner key", "owner")
        audit.record(
            connection,
            org_id=org_id,
            actor=None,
            request_id=None,
            action="org.created",
            target=org_id,
            after={"name": name},
        )
    return NewOrg(org_id, key.text)


def get(connection: Connection) -> dict[str, Any]:
    """Return the transaction's organisation, its settings filled with the defaults."""
    row = connection.execute("SELECT id, name, created_at, weight, settings FROM orgs").fetchone()
    if row is None:
        raise NotFound("There is no such organisation.")
    return row | {"settings": DEFAULTS | row["settings"]}


def change(
    connection: Connection, settings: Mapping[str, Any], *, name: str | None = None, weight: float | None = None
) -> None:
    """Change the transaction's organisation; a setting of None goes back to its default."""
    connection.execute(
        "UPDATE orgs SET name = coalesce(%(name)s, name), weight = coalesce(%(weight)s, weight), "
        "settings = jsonb_strip_nulls(settings || %(settings)s)",
        {"name": name, "weight": weight, "settings": Jsonb(dict(settings))},
    )
