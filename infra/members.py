"""An organisation's members: who belongs to it, in which role, and which keys go with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.ids import new_id
from tasks.errors import Conflict, NotFound
from tasks.permissions import PERMISSIONS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from infra.database import Connection

COLUMNS: Final = "id, name, email, role, created_at"


def list_page(
    connection: Connection, *, before: tuple[dt.datetime, str] | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Return the organisation's members, newest first, older than `before` (created_at, id)."""
    at, last = before or (None, None)
    return connection.execute(
        f"SELECT {COLUMNS} FROM members "
        "WHERE %(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s, %(last)s) "
        "ORDER BY created_at DESC, id DESC LIMIT %(limit)s",
        {"at": at, "last": last, "limit": limit},
    ).fetchall()


def get(connection: Connection, member_id: str) -> dict[str, Any]:
    """Return one member; raises NotFound."""
    row = connection.execute(f"SELECT {COLUMNS} FROM members WHERE id = %s", [member_id]).fetchone()
    if row is None:
        raise NotFound("There is no such member.")
    return row


def add(connection: Connection, org_id: str, *, name: str, email: str | None, role: str) -> dict[str, Any]:
    """Add a member; whether the role is its maker's to give is `keys.require_grant`'s question, asked before."""
    row = connection.execute(
        f"INSERT INTO members (org_id, id, name, email, role) VALUES (%s, %s, %s, %s, %s) RETURNING {COLUMNS}",
        [org_id, new_id("usr"), name, email, role],
    ).fetchone()
    assert row is not None
    return row


def change(connection: Connection, member_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Change name, email or role; with a lesser role, the keys that hold more than it are revoked.

    Raises NotFound, and Conflict where it would leave the organisation without an owner.
    """
    before = _locked(connection, member_id)
    after = before | dict(fields)
    if before["role"] == "owner" != after["role"]:
        _require_another_owner(connection, member_id)
    connection.execute(
        "UPDATE members SET name = %s, email = %s, role = %s WHERE id = %s",
        [after["name"], after["email"], after["role"], member_id],
    )
    _revoke_keys(connection, member_id, [role for role in PERMISSIONS_OF if not _within(role, after["role"])])
    return after


def remove(connection: Connection, member_id: str) -> dict[str, Any]:
    """Remove a member and revoke every key of theirs; raises NotFound, and Conflict for the last owner."""
    row = _locked(connection, member_id)
    if row["role"] == "owner":
        _require_another_owner(connection, member_id)
    _revoke_keys(connection, member_id, list(PERMISSIONS_OF))
    connection.execute("UPDATE api_keys SET member_id = NULL WHERE member_id = %s", [member_id])
    connection.execute("DELETE FROM members WHERE id = %s", [member_id])
    return row


def may_hold(member: Mapping[str, Any], role: str) -> bool:
    """Say whether a key of this role gives no more than its member's own role does."""
    return _within(role, member["role"])


PERMISSIONS_OF: Final = {
    role: frozenset(name for name, roles in PERMISSIONS.items() if role in roles)
    for role in frozenset().union(*PERMISSIONS.values())
}


def _within(role: str, other: str) -> bool:
    return PERMISSIONS_OF[role] <= PERMISSIONS_OF[other]


def _locked(connection: Connection, member_id: str) -> dict[str, Any]:
    connection.execute("SELECT 1 FROM orgs FOR UPDATE")  # two owners who remove each other take turns
    return get(connection, member_id)


def _require_another_owner(connection: Connection, member_id: str) -> None:
    other = connection.execute("SELECT 1 FROM members WHERE role = 'owner' AND id <> %s", [member_id]).fetchone()
    if other is None:
        raise Conflict("This is the organisation's last owner; make another member an owner before.")


def _revoke_keys(connection: Connection, member_id: str, roles: list[str]) -> None:
    """Revoke a member's keys of these roles; raises Conflict if no owner key were left."""
    revoked = connection.execute(
        "UPDATE api_keys SET revoked_at = now() WHERE member_id = %s AND role = ANY (%s) AND revoked_at IS NULL "
        "RETURNING role",
        [member_id, roles],
    ).fetchall()
    left = connection.execute(
        "SELECT 1 FROM api_keys WHERE role = 'owner' AND revoked_at IS NULL "
        "AND (expires_at IS NULL OR expires_at > now())"
    ).fetchone()
    if any(row["role"] == "owner" for row in revoked) and left is None:
        raise Conflict("The organisation's last owner key is this member's; make another before.")
