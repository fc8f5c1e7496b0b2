"""What webhooks tell of, at the moment it becomes true: a job is over, a dataset has a new version."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from infra import comparisons, datasets, deliveries, resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.database import Connection


def job_over(connection: Connection, org_id: str, job_id: str, state: str) -> None:
    """Tell of a job that has just become final, in the transaction that ended it; costs one query if nobody asked."""
    type_ = f"job.{state}"
    row = connection.execute(
        "SELECT j.*, ARRAY(SELECT d.depends_on FROM job_dependencies d "
        "WHERE d.org_id = j.org_id AND d.job_id = j.id ORDER BY d.depends_on) AS depends_on "
        "FROM jobs j WHERE j.org_id = %(org_id)s AND j.id = %(id)s AND (j.callback_url IS NOT NULL OR EXISTS ("
        "SELECT 1 FROM webhooks w WHERE w.org_id = %(org_id)s AND w.disabled_at IS NULL "
        "AND %(type)s = ANY (w.event_types)))",
        {"org_id": org_id, "id": job_id, "type": type_},
    ).fetchone()
    if row is not None:
        data = _job(connection, row)
        deliveries.enqueue(connection, org_id, type_, data, callback_url=row["callback_url"])


def dataset_ready(connection: Connection, org_id: str, dataset_id: str) -> None:
    """Tell of a dataset's new version, in the organisation's transaction that makes it."""
    if deliveries.wanted(connection, org_id, "dataset.ready"):
        data = resources.dataset(datasets.get(connection, dataset_id))
        deliveries.enqueue(connection, org_id, "dataset.ready", data)


def _job(connection: Connection, row: Mapping[str, Any]) -> dict[str, Any]:
    artifacts = connection.execute(
        "SELECT * FROM artifacts WHERE org_id = %s AND job_id = %s ORDER BY name", [row["org_id"], row["id"]]
    ).fetchall()
    shown = [resources.artifact(row["id"], one) for one in artifacts]
    report = comparisons.reports(connection, [row]).get(row["id"])
    return resources.job(row, shown, dt.datetime.now(dt.UTC), report)
