"""The audit log: every change appends one row to its organisation's hash chain, in the transaction that makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.canonical import digest

if TYPE_CHECKING:
    from infra.database import Connection

COLUMNS: Final = "seq, at, actor, request_id, action, target, before, after, prev_hash, hash"


@dataclass(frozen=True)
class Verdict:
    """What a verification found: how many links hold, and where and how the chain first breaks, if it does."""

    links: int
    broken_at: int | None
    reason: str | None
    head: str | None


def record(
    connection: Connection,
    *,
    org_id: str,
    actor: str | None,
    request_id: str | None,
    action: str,
    target: str | None = None,
    before: Any = None,
    after: Any = None,
) -> None:
    """Append one change; call it last in the transaction, for the chain's head stays locked until its end.

    `before` and `after` are JSON values; only their digests are kept. `actor` is a key's id, or None for the platform.
    """
    connection.execute(
        "INSERT INTO audit (org_id, actor, request_id, action, target, before, after) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [org_id, actor, request_id, action, target, _digest(before), _digest(after)],
    )


def list_page(connection: Connection, *, before: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """Return the organisation's audit rows below a sequence number, newest first."""
    return connection.execute(
        f"SELECT {COLUMNS} FROM audit WHERE %s::bigint IS NULL OR seq < %s ORDER BY seq DESC LIMIT %s",
        [before, before, limit],
    ).fetchall()


def verify(connection: Connection) -> Verdict:
    """Recompute the whole chain of the transaction's organisation and name the first link that does not hold."""
    broken = connection.execute(
        """
        SELECT seq, CASE
                 WHEN seq <> place THEN 'a row before it is missing'
                 WHEN prev_hash <> came_before THEN 'it does not continue the row before it'
                 ELSE 'its content was changed' END AS reason
        FROM (SELECT a.seq, a.hash, a.prev_hash, row_number() OVER chain AS place,
                     lag(a.hash, 1, repeat('0', 64)) OVER chain AS came_before,
                     encode(sha256(convert_to(a.prev_hash || audit_text(a), 'UTF8')), 'hex') AS expected
              FROM audit a WINDOW chain AS (ORDER BY a.seq)) links
        WHERE seq <> place OR prev_hash <> came_before OR hash <> expected
        ORDER BY seq LIMIT 1
        """
    ).fetchone()
    last = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    head = connection.execute("SELECT seq, hash FROM audit_heads").fetchone()
    links = last["seq"] if last else 0
    end = head["hash"] if head else None
    if broken is not None:
        return Verdict(broken["seq"] - 1, broken["seq"], broken["reason"], end)
    if last != head:
        return Verdict(links, links + 1, "rows after this point are missing: the chain's head is further on", end)
    return Verdict(links, None, None, end)


def _digest(value: Any) -> str | None:
    return None if value is None else digest(value)
