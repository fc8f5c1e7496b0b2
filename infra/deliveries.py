"""What is to be sent to webhooks, and what came of it: enqueued with the change it tells of, claimed, logged, retried.

A delivery belongs to a lane: its webhook, or its callback's host. Of each lane only a few are under way at once, so
that a slow receiver holds up its own messages and nobody else's.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.addresses import host_of
from infra.canonical import canonical
from infra.ids import new_id
from infra.resources import moment
from tasks.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.database import Connection

PER_LANE: Final = 2
PER_ORG: Final = 8
CLAIMED_FOR: Final = dt.timedelta(seconds=60)  # longer than any call lasts: after it the sender is taken for dead
KEPT_FOR: Final = dt.timedelta(days=30)
BODY_MAX: Final = 256 * 1024
RESPONSE_KEPT: Final = 2048

# Lanes with something due by a loose index scan, and of each lane and organisation as many as it has room for; what a
# disabled webhook is owed waits.
CLAIM: Final = """
WITH RECURSIVE lanes AS (
    (SELECT lane, org_id FROM deliveries WHERE state = 'pending' ORDER BY lane LIMIT 1)
    UNION ALL
    SELECT next.lane, next.org_id FROM lanes CROSS JOIN LATERAL (
        SELECT d.lane, d.org_id FROM deliveries d
        WHERE d.state = 'pending' AND d.lane > lanes.lane ORDER BY d.lane LIMIT 1) next
), busy AS (
    SELECT org_id, lane, count(*) AS n FROM deliveries
    WHERE state = 'pending' AND claimed_until >= %(now)s GROUP BY org_id, lane
), due AS (
    SELECT next.org_id, next.id, row_number() OVER (PARTITION BY next.org_id ORDER BY next.due_at, next.id) AS place
    FROM lanes LEFT JOIN webhooks w ON w.org_id = lanes.org_id AND w.id = lanes.lane
    CROSS JOIN LATERAL (
        SELECT d.org_id, d.id, d.due_at FROM deliveries d
        WHERE d.state = 'pending' AND d.lane = lanes.lane AND d.due_at <= %(now)s
          AND (d.claimed_until IS NULL OR d.claimed_until < %(now)s)
        ORDER BY d.due_at, d.id
        LIMIT greatest(0, %(per_lane)s - coalesce((SELECT sum(n) FROM busy WHERE busy.lane = lanes.lane), 0))) next
    WHERE w.disabled_at IS NULL
), picked AS (
    SELECT d.org_id, d.id FROM deliveries d JOIN due USING (org_id, id)
    WHERE due.place <= %(per_org)s - coalesce((SELECT sum(n) FROM busy WHERE busy.org_id = d.org_id), 0)
    ORDER BY due.place, d.due_at LIMIT %(limit)s FOR UPDATE OF d SKIP LOCKED
)
UPDATE deliveries d SET claim = gen_random_uuid(), claimed_until = %(until)s
FROM picked
WHERE d.org_id = picked.org_id AND d.id = picked.id AND (d.claimed_until IS NULL OR d.claimed_until < %(now)s)
RETURNING d.*
"""


@dataclass(frozen=True)
class Attempt:
    """One attempt as the log keeps it: when, what came back (or one word why nothing did), and how long it took."""

    at: dt.datetime
    status: int | None
    error: str | None
    latency_ms: int
    response: str


@dataclass(frozen=True)
class Next:
    """What becomes of a delivery after an attempt: its state, when it is due again, why its webhook is disabled."""

    state: str
    due_at: dt.datetime | None = None
    disable: str | None = None


def enqueue(
    connection: Connection, org_id: str, type_: str, data: Mapping[str, Any], *, callback_url: str | None = None
) -> int:
    """Enqueue an event for every webhook of the organisation that asked for it, and for a callback; returns how many.

    It is sent if and when the transaction commits. Works in the organisation's and in the system's transactions.
    """
    targets: list[tuple[str | None, str | None]] = [(row["id"], None) for row in _asking(connection, org_id, type_)]
    if callback_url is not None:
        targets.append((None, callback_url))
    if targets:
        body = body_of(type_, data, _now(connection))
        for webhook_id, url in targets:
            _insert(connection, org_id, (type_, body), webhook_id=webhook_id, url=url)
    return len(targets)


def wanted(connection: Connection, org_id: str, type_: str) -> bool:
    """Say whether any webhook of the organisation asked for an event; spares making what nobody reads."""
    return bool(_asking(connection, org_id, type_))


def enqueue_test(connection: Connection, org_id: str, webhook_id: str) -> dict[str, Any]:
    """Enqueue a `webhook.test` for one webhook, whatever it asked for, and return the delivery."""
    body = body_of("webhook.test", {"webhook": webhook_id}, _now(connection))
    return _insert(connection, org_id, ("webhook.test", body), webhook_id=webhook_id)


def body_of(type_: str, data: Mapping[str, Any], at: dt.datetime) -> str:
    """Return the text that is signed and sent; a job's parameters are left out (null) where it would be too long."""
    body = {"type": type_, "timestamp": moment(at), "data": dict(data)}
    text = canonical(body)
    if len(text) > BODY_MAX and "params" in data:
        text = canonical(body | {"data": {**data, "params": None}})
    return text


def claim_due(connection: Connection, now: dt.datetime, limit: int) -> list[dict[str, Any]]:
    """Claim deliveries that are due, a few of each lane, in a system transaction; two senders never get the same."""
    given = {"now": now, "until": now + CLAIMED_FOR, "per_lane": PER_LANE, "per_org": PER_ORG, "limit": limit}
    return connection.execute(CLAIM, given).fetchall()


def settle(connection: Connection, held: Mapping[str, Any], attempt: Attempt, then: Next) -> bool:
    """Log an attempt and move its delivery on; False, and nothing written, if the claim was lost."""
    row = connection.execute(
        """
        UPDATE deliveries SET state = %(state)s, due_at = coalesce(%(due_at)s, due_at), attempts = attempts + 1,
               tries = tries + 1, claim = NULL, claimed_until = NULL,
               ended_at = CASE WHEN %(state)s = 'pending' THEN NULL ELSE %(at)s::timestamptz END
        WHERE org_id = %(org_id)s AND id = %(id)s AND claim = %(claim)s RETURNING attempts
        """,
        {
            "state": then.state,
            "due_at": then.due_at,
            "at": attempt.at,
            "org_id": held["org_id"],
            "id": held["id"],
            "claim": held["claim"],
        },
    ).fetchone()
    if row is None:
        return False
    connection.execute(
        "INSERT INTO delivery_attempts (org_id, delivery_id, number, at, status, error, latency_ms, response) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            held["org_id"],
            held["id"],
            row["attempts"],
            attempt.at,
            attempt.status,
            attempt.error,
            attempt.latency_ms,
            attempt.response[:RESPONSE_KEPT],
        ],
    )
    return True


def mark(
    connection: Connection, org_id: str, webhook_id: str, *, good: bool, at: dt.datetime, disable: str | None
) -> bool:
    """Keep a webhook's record after an attempt, and disable it if so decided; returns whether this call disabled it."""
    connection.execute(
        "UPDATE webhooks SET failing_since = CASE WHEN %s THEN NULL ELSE coalesce(failing_since, %s) END "
        "WHERE org_id = %s AND id = %s",
        [good, at, org_id, webhook_id],
    )
    if disable is None:
        return False
    row = connection.execute(
        "UPDATE webhooks SET disabled_at = %s, disabled_reason = %s "
        "WHERE org_id = %s AND id = %s AND disabled_at IS NULL RETURNING id",
        [at, disable, org_id, webhook_id],
    ).fetchone()
    return row is not None


def list_page(
    connection: Connection, *, webhook_id: str, before: tuple[dt.datetime, str] | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Return a webhook's deliveries, newest first, each with its attempts (`log`, oldest first)."""
    at, last = before or (None, None)
    rows = connection.execute(
        "SELECT * FROM deliveries WHERE webhook_id = %s "
        "AND (%s::timestamptz IS NULL OR (created_at, id) < (%s, %s)) ORDER BY created_at DESC, id DESC LIMIT %s",
        [webhook_id, at, at, last, limit],
    ).fetchall()
    tried: dict[str, list[dict[str, Any]]] = {row["id"]: [] for row in rows}
    for one in connection.execute(
        "SELECT * FROM delivery_attempts WHERE delivery_id = ANY (%s) ORDER BY number", [list(tried)]
    ).fetchall():
        tried[one["delivery_id"]].append(one)
    return [row | {"log": tried[row["id"]]} for row in rows]


def redeliver(connection: Connection, webhook_id: str, delivery_id: str, now: dt.datetime) -> dict[str, Any]:
    """Send a delivery again now, under the same id, its schedule of retries begun anew; raises NotFound, Conflict."""
    row = connection.execute(
        "SELECT d.id, w.disabled_at FROM deliveries d JOIN webhooks w ON w.org_id = d.org_id AND w.id = d.webhook_id "
        "WHERE d.id = %s AND d.webhook_id = %s",
        [delivery_id, webhook_id],
    ).fetchone()
    if row is None:
        raise NotFound("There is no such delivery.")
    if row["disabled_at"] is not None:
        raise Conflict('The webhook is disabled; enable it first: PATCH {"enabled": true}.')
    again = connection.execute(
        "UPDATE deliveries SET state = 'pending', ended_at = NULL, tries = 0, due_at = %s WHERE id = %s RETURNING *",
        [now, delivery_id],
    ).fetchone()
    assert again is not None
    return again | {"log": []}


def prune(connection: Connection, now: dt.datetime, limit: int = 1000) -> int:
    """Delete deliveries made more than 30 days ago that are not to be sent any more; returns how many."""
    return connection.execute(
        "DELETE FROM deliveries WHERE (org_id, id) IN (SELECT org_id, id FROM deliveries "
        "WHERE created_at < %s AND state <> 'pending' ORDER BY created_at LIMIT %s)",
        [now - KEPT_FOR, limit],
    ).rowcount


def _asking(connection: Connection, org_id: str, type_: str) -> list[dict[str, Any]]:
    return connection.execute(
        "SELECT id FROM webhooks WHERE org_id = %s AND disabled_at IS NULL AND %s = ANY (event_types) ORDER BY id",
        [org_id, type_],
    ).fetchall()


def _insert(
    connection: Connection, org_id: str, message: tuple[str, str], *, webhook_id: str | None, url: str | None = None
) -> dict[str, Any]:
    type_, body = message
    row = connection.execute(
        "INSERT INTO deliveries (org_id, id, webhook_id, url, lane, type, body, state) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, 'pending') RETURNING *",
        [org_id, new_id("del"), webhook_id, url, webhook_id or f"{org_id} {host_of(url or '')}", type_, body],
    ).fetchone()
    assert row is not None
    return row | {"log": []}


def _now(connection: Connection) -> dt.datetime:
    row = connection.execute("SELECT clock_timestamp() AS at").fetchone()
    assert row is not None
    at: dt.datetime = row["at"]
    return at
