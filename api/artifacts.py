"""What a job leaves behind, over HTTP: its artifacts behind signed addresses, and its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api import examples
from api.call import Reply
from api.endpoint import Answer, Example, endpoint
from api.fields import Count
from api.job_views import UrlQuery, found, ttl_of
from api.jobs import TAG
from api.lists import list_of
from api.shapes import ArtifactShape, LogShape, artifact_resource, signed
from infra import jobs
from infra.resources import moment
from tasks.errors import Gone, NotFound
from tasks.params import Params

if TYPE_CHECKING:
    from api.call import Call


class LogQuery(Params):
    """Where in the log to start."""

    after = Count(minimum=0, load_default=0, metadata={"description": "the last `seq` seen"})


@endpoint(
    "GET",
    "/v1/jobs/{job_id}/logs",
    tag=TAG,
    summary="Read a job's log",
    permission="read",
    query=LogQuery,
    answers={200: Answer("Lines, oldest first.", list_of(LogShape))},
    example=Example(path={"job_id": examples.SUCCEEDED_JOB}, query={"after": "0"}),
)
def get_logs(call: Call) -> Reply:
    """Return up to 1,000 lines of all attempts; ask again `after` the last `seq` for more."""
    job = found(call.connection, call.path["job_id"])
    rows = jobs.logs(call.connection, job["id"], call.query["after"])
    return Reply({"data": [row | {"at": moment(row["at"])} for row in rows], "next_cursor": None})


@endpoint(
    "GET",
    "/v1/jobs/{job_id}/artifacts",
    tag=TAG,
    summary="List a job's artifacts",
    permission="read",
    query=UrlQuery,
    answers={200: Answer("Artifacts by name, each with a signed address.", list_of(ArtifactShape))},
    example=Example(path={"job_id": examples.SUCCEEDED_JOB}, query={"url_ttl_s": "3600"}),
)
def list_artifacts(call: Call) -> Reply:
    """Return all artifacts; an unfinished job has none yet."""
    job = found(call.connection, call.path["job_id"])
    ttl = ttl_of(call, call.connection)
    rows = jobs.artifacts(call.connection, job["id"])
    return Reply({"data": [artifact_resource(call, job["id"], row, ttl) for row in rows], "next_cursor": None})


@endpoint(
    "GET",
    "/v1/jobs/{job_id}/artifacts/{name}",
    tag=TAG,
    summary="Download an artifact",
    permission="read",
    query=UrlQuery,
    answers={307: Answer("The bytes are at a fresh signed address.", headers={"Location": "the address"})},
    refusals=(Gone,),
    example=Example(path={"job_id": examples.SUCCEEDED_JOB, "name": "manifest.json"}),
)
def get_artifact(call: Call) -> Reply:
    """Redirect to a signed address that needs no other credential and downloads under a sensible file name."""
    job = found(call.connection, call.path["job_id"])
    row = next((one for one in jobs.artifacts(call.connection, job["id"]) if one["name"] == call.path["name"]), None)
    if row is None:
        raise NotFound
    if row["deleted_at"] is not None:
        raise Gone
    return Reply(None, 307, {"Location": signed(call, row, ttl_of(call, call.connection))})
