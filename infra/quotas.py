"""What an organisation may use: limits it sets itself, up to the ceilings that the operator has set for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra import orgs
from tasks.errors import Invalid, Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.database import Connection

NAMES: Final = ("max_queued", "max_running", "rate_burst", "rate_minute", "compute_s_month", "stored_bytes")
# How much of a shared machine one organisation gets beside the others is not its own to raise.
CEILINGS: Final[dict[str, float]] = {"weight": 1.0}

# An organisation that has used up its month's compute seconds is held until the next month begins.
HOLD: Final = """
    UPDATE orgs SET held_until = found.until FROM (
        SELECT o.id, CASE WHEN coalesce(spent.run_s, 0) >= (o.settings->>'compute_s_month')::float8
                          THEN date_trunc('month', now(), 'UTC') + interval '1 month' END AS until
        FROM orgs o LEFT JOIN LATERAL (
            SELECT sum(j.run_s) AS run_s FROM jobs j WHERE o.settings->>'compute_s_month' IS NOT NULL
            AND j.org_id = o.id AND j.run_s IS NOT NULL AND j.finished_at >= date_trunc('month', now(), 'UTC')
        ) spent ON true
        WHERE o.held_until IS NOT NULL OR o.settings->>'compute_s_month' IS NOT NULL) found
    WHERE orgs.id = found.id AND orgs.held_until IS DISTINCT FROM found.until
"""


def get(connection: Connection) -> dict[str, Any]:
    """Return the organisation's quotas and its ceilings; None is no limit of its own."""
    row = orgs.get(connection)
    limits = {name: row["settings"].get(name) for name in NAMES}
    return limits | {"weight": row["weight"], "ceilings": CEILINGS | row["settings"].get("ceilings", {})}


def change(connection: Connection, limits: Mapping[str, Any]) -> dict[str, Any]:
    """Set some quotas, None for the platform's own limit or none; raises Invalid for what is above a ceiling."""
    ceilings = get(connection)["ceilings"]
    above = [_violation(name, ceilings[name]) for name in limits if _above(limits[name], ceilings.get(name))]
    if above:
        raise Invalid(None, *above)
    orgs.change(connection, {name: limits[name] for name in limits if name != "weight"}, weight=limits.get("weight"))
    hold_spent(connection)
    return get(connection)


def hold_spent(connection: Connection) -> int:
    """Hold the organisations whose month's compute seconds are used up, and free those that have some again."""
    return connection.execute(HOLD).rowcount


def _above(value: Any, ceiling: float | None) -> bool:
    """Say whether a limit, or one of those by queue, is above the operator's; no limit at all is above any."""
    if ceiling is None:
        return False
    values = list(value.values()) if isinstance(value, dict) else [value]
    return any(one is None or one > ceiling for one in values)


def _violation(name: str, ceiling: float) -> Violation:
    return Violation(f"/{name}", f"is above {ceiling:g}, which the operator has set as the most; ask for less.")
