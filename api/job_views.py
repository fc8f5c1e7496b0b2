"""What the endpoints about jobs share: a job found or 404, its resource, who may act on it, how long addresses live."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from api.call import Reply
from api.fields import Count
from api.shapes import artifact_resource
from infra import audit, comparisons, jobs, orgs, resources
from tasks.errors import NotFound
from tasks.job import FINAL
from tasks.params import Params
from tasks.registry import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api.call import Call
    from infra.database import Connection

POLL_HINT_S: Final = "1"


class UrlQuery(Params):
    """How long signed addresses are to live."""

    url_ttl_s = Count(
        minimum=1,
        maximum=604_800,
        load_default=None,
        metadata={"description": "seconds that signed addresses live; the organisation may cap it"},
    )


def found(connection: Connection, job_id: str) -> dict[str, Any]:
    """Return a job's row; raises NotFound."""
    row = jobs.get(connection, job_id)
    if row is None:
        raise NotFound
    return row


def require_kind(call: Call, kind: str) -> None:
    """Raise Forbidden unless the caller may run jobs of this kind; of a kind that is gone, only an admin may."""
    declared = kinds().get(kind)
    call.caller.require(declared.permission if declared else "admin")


def ttl_of(call: Call, connection: Connection) -> int:
    """Return how many seconds signed addresses live: as asked, or as the platform says, capped by the organisation."""
    asked = call.query.get("url_ttl_s") or call.services.settings.url_ttl_s
    return min(int(asked), int(orgs.get(connection)["settings"]["url_ttl_cap_s"]))


def resource(call: Call, connection: Connection, row: Mapping[str, Any], ttl_s: int | None) -> dict[str, Any]:
    """Return a job's resource, its artifacts with signed addresses if a lifetime is given."""
    artifacts = jobs.artifacts(connection, row["id"]) if row["state"] == "succeeded" else []
    shown = [artifact_resource(call, row["id"], one, ttl_s) for one in artifacts]
    report = comparisons.reports(connection, [row]).get(row["id"])
    return resources.job(row, shown, dt.datetime.now(dt.UTC), report)


def unsigned(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return many jobs' resources, their artifacts without signed addresses."""
    artifacts = jobs.artifacts_of(connection, [row["id"] for row in rows if row["state"] == "succeeded"])
    reports, now = comparisons.reports(connection, rows), dt.datetime.now(dt.UTC)
    return [
        resources.job(
            row,
            [resources.artifact(row["id"], one) for one in artifacts.get(row["id"], ())],
            now,
            reports.get(row["id"]),
        )
        for row in rows
    ]


def made(call: Call, row: Mapping[str, Any]) -> Reply:
    """Answer 202 with a job that has just been made."""
    ttl = ttl_of(call, call.connection) if row["state"] == "succeeded" else None
    hint = "0" if row["state"] in FINAL else POLL_HINT_S
    headers = {"Location": f"/v1/jobs/{row['id']}", "Retry-After": hint}
    return Reply(resource(call, call.connection, row, ttl), 202, headers)


def record(call: Call, action: str, row: Mapping[str, Any]) -> None:
    """Write a change of a job to the audit log; call it last."""
    audit.record(
        call.connection,
        org_id=call.org_id,
        actor=call.caller.key_id,
        request_id=call.request_id,
        action=action,
        target=row["id"],
        after={"kind": row["kind"], "params": row["params"], "state": row["state"]},
    )
