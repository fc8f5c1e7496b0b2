"""What an organisation uses of what it may use, counted from its rows and never from a counter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra import orgs
from tasks.errors import QuotaExceeded

if TYPE_CHECKING:
    from infra.database import Connection

JOBS: Final = """
    SELECT count(*) FILTER (WHERE state IN ('waiting', 'queued')) AS jobs_queued,
           count(*) FILTER (WHERE state = 'running') AS jobs_running,
           coalesce(sum(run_s) FILTER (WHERE finished_at >= date_trunc('month', now(), 'UTC')), 0)::float8
             AS compute_s_month
    FROM jobs WHERE state IN ('waiting', 'queued', 'running') OR finished_at >= date_trunc('month', now(), 'UTC')
"""
# A repeated job's artifacts share the stored bytes of the one it repeats: counted once, under the key they lie at.
STORED: Final = """
    SELECT coalesce(sum(bytes), 0)::bigint AS stored_bytes FROM (
        SELECT DISTINCT ON (key) bytes FROM artifacts WHERE deleted_at IS NULL
        UNION ALL
        SELECT bytes FROM uploads WHERE state = 'completed' AND deleted_at IS NULL) files
"""
QUOTAS: Final = {
    "jobs_queued": "max_queued",
    "jobs_running": "max_running",
    "compute_s_month": "compute_s_month",
    "stored_bytes": "stored_bytes",
}


def against_quota(connection: Connection) -> dict[str, dict[str, Any]]:
    """Return each measure's use and quota; a quota of None is no limit."""
    settings = orgs.get(connection)["settings"]
    used = (connection.execute(JOBS).fetchone() or {}) | (connection.execute(STORED).fetchone() or {})
    return {name: {"used": value, "quota": settings.get(QUOTAS.get(name, ""))} for name, value in used.items()}


def require_room(connection: Connection, size: int) -> None:
    """Raise QuotaExceeded if so many bytes more would be more than the organisation may store."""
    quota = orgs.get(connection)["settings"]["stored_bytes"]
    if quota is None:
        return
    row = connection.execute(STORED).fetchone()
    used = row["stored_bytes"] if row else 0
    if used + size > quota:
        raise QuotaExceeded(
            f"{used} of {quota} bytes are stored already; {size} more do not fit.",
            measure="stored_bytes",
            used=used,
            limit=quota,
        )
