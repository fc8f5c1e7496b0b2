"""A pipeline is finished when its last step is over: noticed by the dispatcher, told of once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra import deliveries, resources
from infra.pipelines import get_pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.database import Database


def finish_pipelines(database: Database, limit: int = 100) -> int:
    """Mark pipelines whose last step is over as finished, and tell of each once; returns how many.

    Asked again and again, for two last steps that end at once would each see the other one running.
    """
    with database.system() as connection:
        rows = connection.execute(
            "SELECT p.org_id, p.id FROM pipelines p WHERE p.finished_at IS NULL AND p.steps <> '{}' AND NOT EXISTS ("
            "SELECT 1 FROM jobs j WHERE j.org_id = p.org_id AND j.pipeline_id = p.id "
            "AND j.state IN ('waiting', 'queued', 'running')) LIMIT %s",
            [limit],
        ).fetchall()
    return sum(_finish(database, row["org_id"], row["id"]) for row in rows)


def _finish(database: Database, org_id: str, pipeline_id: str) -> int:
    with database.org(org_id) as connection:
        marked = connection.execute(
            "UPDATE pipelines SET finished_at = clock_timestamp() WHERE id = %s AND finished_at IS NULL RETURNING id",
            [pipeline_id],
        ).fetchone()
        if marked is None:  # another dispatcher told of it
            return 0
        if deliveries.wanted(connection, org_id, "pipeline.finished"):
            whole = get_pipeline(connection, pipeline_id)
            steps = {name: _step(job) for name, job in whole["steps"].items()}
            deliveries.enqueue(connection, org_id, "pipeline.finished", resources.pipeline(whole, steps))
        return 1


def _step(job: Mapping[str, Any]) -> dict[str, Any]:
    """Name a step's job and how it ended; whoever wants more asks for the job."""
    links = {"self": f"/v1/jobs/{job['id']}"}
    return {"id": job["id"], "kind": job["kind"], "state": job["state"], "error": job["error"], "links": links}
