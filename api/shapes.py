"""The resources as clients see them: their schemas for the document, and the functions that make them from rows."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from marshmallow import fields

from api.call import moment
from tasks.job import FINAL, PRIORITIES, STATES
from tasks.kind import QUEUES
from tasks.params import Choice, Flag, Number, Params, Whole
from tasks.permissions import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.call import Call


class Shape(Params):
    """A resource: every field is always there, null where there is nothing to say."""


def time_field(*, null: bool = True) -> fields.String:
    """Declare a time in RFC 3339."""
    return fields.String(allow_none=null, metadata={"format": "date-time"})


def open_object(*, null: bool = False, summary: str = "") -> fields.Field[Any]:
    """Declare a JSON object whose fields are described elsewhere."""
    return fields.Dict(keys=fields.String(), allow_none=null, metadata={"description": summary})


class ArtifactShape(Shape):
    """A file that a job left. `url` needs no other credential; in lists it is null, `links.download` makes one."""

    name = fields.String()
    media_type = fields.String()
    bytes = Whole(minimum=0)
    sha256 = fields.String()
    rows = Whole(allow_none=True)
    url = fields.String(allow_none=True)
    url_expires_at = time_field()
    links = open_object()


class ProgressShape(Shape):
    """How far a job is."""

    fraction = Number(minimum=0, maximum=1)
    stage = fields.String()
    message = fields.String()


class JobShape(Shape):
    """A job."""

    id = fields.String()
    kind = fields.String()
    state = Choice(STATES)
    params = open_object(summary="as validated, every default filled in")
    priority = Choice(tuple(PRIORITIES))
    tags = open_object()
    progress = fields.Nested(ProgressShape)
    attempt = Whole(minimum=0)
    cancel_requested = Flag()
    created_at = time_field(null=False)
    queued_at = time_field()
    started_at = time_field()
    finished_at = time_field()
    queue_wait_s = Number(allow_none=True)
    run_s = Number(allow_none=True)
    input_digest = fields.String(allow_none=True)
    code_version = fields.String(allow_none=True)
    cached_from = fields.String(allow_none=True)
    retry_of = fields.String(allow_none=True)
    depends_on = fields.List(fields.String())
    pipeline = fields.String(allow_none=True)
    result = open_object(null=True, summary="the kind's result")
    error = open_object(null=True, summary="the problem that ended it")
    artifacts = fields.List(fields.Nested(ArtifactShape))
    links = open_object()


class EventShape(Shape):
    """One thing that happened to a job."""

    seq = Whole()
    at = time_field(null=False)
    type = fields.String()
    data = open_object()


class LogShape(Shape):
    """One line of a job's log."""

    seq = Whole()
    attempt = Whole()
    at = time_field(null=False)
    level = fields.String()
    message = fields.String()


class UploadShape(Shape):
    """An upload. `method`, `url` and `headers` are the one request that stores the bytes; `parts` for large files."""

    id = fields.String()
    state = Choice(("pending", "completed", "rejected"))
    filename = fields.String()
    media_type = fields.String()
    bytes = Whole(minimum=0)
    sha256 = fields.String(allow_none=True)
    created_at = time_field(null=False)
    expires_at = time_field()
    completed_at = time_field()
    method = fields.String(allow_none=True)
    url = fields.String(allow_none=True)
    headers = open_object(null=True)
    parts = fields.List(open_object(), allow_none=True)
    links = open_object()


class VersionShape(Shape):
    """One immutable version of a dataset."""

    version = Whole(minimum=1)
    job = fields.String()
    artifact = fields.String()
    sha256 = fields.String()
    bytes = Whole(minimum=0)
    rows = Whole(minimum=0)
    symbols = Whole(minimum=0)
    start = fields.String(allow_none=True, metadata={"format": "date"})
    end = fields.String(allow_none=True, metadata={"format": "date"})
    schema = fields.List(open_object())
    health = open_object()
    created_at = time_field(null=False)
    deleted_at = time_field()


class DatasetShape(Shape):
    """A dataset with its current version, null before the first."""

    id = fields.String()
    name = fields.String()
    type = fields.String()
    created_at = time_field(null=False)
    version = Whole(allow_none=True)
    sha256 = fields.String(allow_none=True)
    bytes = Whole(allow_none=True)
    rows = Whole(allow_none=True)
    symbols = Whole(allow_none=True)
    start = fields.String(allow_none=True, metadata={"format": "date"})
    end = fields.String(allow_none=True, metadata={"format": "date"})
    schema = fields.List(open_object(), allow_none=True)
    health = open_object(null=True)
    updated_at = time_field()
    links = open_object()


class PreviewShape(Shape):
    """Rows of the sample kept with a dataset's version; `complete` when the sample is the whole version."""

    dataset = fields.String()
    version = Whole(minimum=1)
    columns = fields.List(fields.String())
    rows = fields.List(fields.List(fields.Raw(allow_none=True)))
    total_rows = Whole(minimum=0)
    sample_rows = Whole(minimum=0)
    complete = Flag()
    links = open_object()


class KindShape(Shape):
    """A kind of job."""

    name = fields.String()
    summary = fields.String()
    queue = Choice(QUEUES)
    permission = fields.String()
    limits = open_object()
    params = open_object(summary="JSON Schema")
    result = open_object(summary="JSON Schema")
    artifacts = fields.List(open_object())
    example = open_object(summary="a body for POST /v1/jobs")


class PipelineShape(Shape):
    """Jobs made together, each a named step."""

    id = fields.String()
    state = Choice(STATES)
    steps = open_object(summary="each step's job")
    tags = open_object()
    created_at = time_field(null=False)
    cancelled_at = time_field()
    links = open_object()


class KeyShape(Shape):
    """An API key, without anything secret."""

    id = fields.String()
    name = fields.String()
    role = Choice(ROLES)
    created_by = fields.String(allow_none=True)
    created_at = time_field(null=False)
    expires_at = time_field()
    last_used_at = time_field()
    revoked_at = time_field()


class NewKeyShape(KeyShape):
    """An API key just made; `key` is shown this once."""

    key = fields.String()


class OrgShape(Shape):
    """The caller's organisation."""

    id = fields.String()
    name = fields.String()
    created_at = time_field(null=False)
    settings = open_object()


class MemberShape(Shape):
    """Somebody who belongs to the organisation."""

    id = fields.String()
    name = fields.String()
    email = fields.String(allow_none=True)
    role = Choice(ROLES)
    created_at = time_field(null=False)


class AuditShape(Shape):
    """One link of the audit log's chain; `before` and `after` are digests."""

    seq = Whole(minimum=1)
    at = time_field(null=False)
    actor = fields.String(allow_none=True)
    request_id = fields.String(allow_none=True)
    action = fields.String()
    target = fields.String(allow_none=True)
    before = fields.String(allow_none=True)
    after = fields.String(allow_none=True)
    prev_hash = fields.String()
    hash = fields.String()


class ProblemShape(Params):
    """RFC 9457, with the request's id and, for validation, every violation."""

    class Meta:
        """Problems may carry members of their own type."""

        additional = ()

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = Whole(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(open_object())


def job_resource(row: Mapping[str, Any], artifacts: list[dict[str, Any]]) -> dict[str, Any]:
    """Make a job's resource from its row and its artifacts' resources."""
    here = f"/v1/jobs/{row['id']}"
    first_run, queued = row["started_at"], row["queued_at"]
    waited = ((first_run or row["finished_at"] or dt.datetime.now(dt.UTC)) - queued).total_seconds() if queued else None
    names = ("id", "kind", "state", "params", "priority", "tags", "progress", "attempt")
    links = {"self": here, "events": f"{here}/events", "logs": f"{here}/logs", "artifacts": f"{here}/artifacts"}
    if row["state"] not in FINAL:
        links["cancel"] = f"{here}/cancel"
    if row["state"] in {"failed", "cancelled"}:
        links["retry"] = f"{here}/retry"
    return {
        **{name: row[name] for name in names},
        "cancel_requested": row["cancel_requested_at"] is not None,
        **{name: moment(row[name]) for name in ("created_at", "queued_at", "started_at", "finished_at")},
        "queue_wait_s": None if waited is None else round(max(waited, 0.0), 6),
        **{name: row[name] for name in ("run_s", "input_digest", "code_version", "cached_from", "retry_of")},
        "depends_on": list(row["depends_on"]),
        "pipeline": row["pipeline_id"],
        "result": row["result"],
        "error": row["error"],
        "artifacts": artifacts,
        "links": links,
    }


def artifact_resource(call: Call, job_id: str, row: Mapping[str, Any], ttl_s: int | None) -> dict[str, Any]:
    """Make an artifact's resource; with a signed address if a lifetime is given and the bytes are still there."""
    there = ttl_s is not None and row["deleted_at"] is None
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ttl_s or 0)
    return {
        **{name: row[name] for name in ("name", "media_type", "bytes", "sha256", "rows")},
        "url": signed(call, row, ttl_s) if there and ttl_s else None,
        "url_expires_at": moment(expires) if there else None,
        "links": {"download": f"/v1/jobs/{job_id}/artifacts/{row['name']}"},
    }


def signed(call: Call, row: Mapping[str, Any], ttl_s: int) -> str:
    """Return a fresh signed address of an artifact."""
    return call.services.files.presign_get(call.org_id, row["key"], row["filename"], row["media_type"], ttl_s)
