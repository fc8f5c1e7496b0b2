"""The resources as clients know them, made from rows: the same in an answer and in a webhook's body."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from tasks.job import FINAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def moment(at: dt.datetime | None) -> str | None:
    """Write a time as RFC 3339 in UTC with a Z."""
    if at is None:
        return None
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def job(
    row: Mapping[str, Any],
    artifacts: Sequence[Mapping[str, Any]],
    now: dt.datetime,
    reproduction: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make a job's resource from its row and its artifacts' resources; `now` ends the wait of one still queued."""
    here = f"/v1/jobs/{row['id']}"
    queued = row["queued_at"]
    waited = ((row["started_at"] or row["finished_at"] or now) - queued).total_seconds() if queued else None
    names = ("id", "kind", "state", "params", "priority", "tags", "progress", "attempt")
    links = {"self": here, "events": f"{here}/events", "logs": f"{here}/logs", "artifacts": f"{here}/artifacts"}
    if row["state"] not in FINAL:
        links["cancel"] = f"{here}/cancel"
    if row["state"] in {"failed", "cancelled"}:
        links["retry"] = f"{here}/retry"
    if row["state"] == "succeeded":
        links["reproduce"] = f"{here}/reproduce"
    return {
        **{name: row[name] for name in names},
        "cancel_requested": row["cancel_requested_at"] is not None,
        **{name: moment(row[name]) for name in ("created_at", "queued_at", "started_at", "finished_at")},
        "queue_wait_s": None if waited is None else round(max(waited, 0.0), 6),
        **{name: row[name] for name in ("run_s", "input_digest", "code_version", "cached_from", "retry_of")},
        "depends_on": list(row["depends_on"]),
        "pipeline": row["pipeline_id"],
        "reproduction": dict(reproduction) if reproduction else None,
        "result": row["result"],
        "error": row["error"],
        "artifacts": list(artifacts),
        "links": links,
    }


def artifact(job_id: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Make an artifact's resource without a signed address; its download link makes one for whoever has a key."""
    return {
        **{name: row[name] for name in ("name", "media_type", "bytes", "sha256", "rows")},
        "url": None,
        "url_expires_at": None,
        "links": {"download": f"/v1/jobs/{job_id}/artifacts/{row['name']}"},
    }


def pipeline(row: Mapping[str, Any], steps: Mapping[str, Any]) -> dict[str, Any]:
    """Make a pipeline's resource from its row and its steps' resources."""
    here = f"/v1/pipelines/{row['id']}"
    return {
        "id": row["id"],
        "state": row["state"],
        "steps": dict(steps),
        "tags": row["tags"],
        "created_at": moment(row["created_at"]),
        "cancelled_at": moment(row["cancelled_at"]),
        "links": {"self": here, "cancel": f"{here}/cancel"},
    }


def dataset(row: Mapping[str, Any]) -> dict[str, Any]:
    """Make a dataset's resource from its row and that of its current version, nulls before the first."""
    here = f"/v1/datasets/{row['id']}"
    return {
        **{name: row[name] for name in ("id", "name", "type")},
        "created_at": moment(row["created_at"]),
        **_described(row),
        "updated_at": moment(row["updated_at"]),
        "links": {"self": here, "versions": f"{here}/versions", "preview": f"{here}/preview"},
    }


def dataset_version(row: Mapping[str, Any]) -> dict[str, Any]:
    """Make the resource of one version of a dataset."""
    return {
        **_described(row),
        "job": row["job_id"],
        "artifact": row["artifact"],
        "created_at": moment(row["created_at"]),
        "deleted_at": moment(row["deleted_at"]),
    }


def _described(row: Mapping[str, Any]) -> dict[str, Any]:
    """Say what a version holds; the sample in its health is left out, for the preview shows it."""
    health = row["health"]
    return {
        **{name: row[name] for name in ("version", "sha256", "bytes", "rows", "symbols", "schema")},
        "start": _day(row["start_date"]),
        "end": _day(row["end_date"]),
        "health": None if health is None else {name: value for name, value in health.items() if name != "sample"},
    }


def _day(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()
