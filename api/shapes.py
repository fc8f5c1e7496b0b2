"""The resources as clients see them: their schemas for the document, and the functions that make them from rows."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from marshmallow import fields

from infra import resources
from tasks.job import PRIORITIES, STATES
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


class SameShape(Shape):
    """One artifact of a reproduction beside the original's; a digest is null where one of the two has no such file."""

    name = fields.String()
    same = Flag()
    sha256 = fields.String(allow_none=True)
    original_sha256 = fields.String(allow_none=True)


class ReproductionShape(Shape):
    """How a job compares with the one whose manifest it runs again; `same` is null until it has succeeded.

    `same_code` says whether both were computed by the same version of the code: where it is false, `manifest.json`
    differs in any case.
    """

    of = fields.String()
    same = Flag(allow_none=True)
    same_code = Flag(allow_none=True)
    artifacts = fields.List(fields.Nested(SameShape))


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
    reproduction = fields.Nested(ReproductionShape, allow_none=True)
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
    member = fields.String(allow_none=True)
    created_by = fields.String(allow_none=True)
    created_at = time_field(null=False)
    expires_at = time_field()
    last_used_at = time_field()
    revoked_at = time_field()


class NewKeyShape(KeyShape):
    """An API key just made; `key` is shown this once."""

    key = fields.String()


class MeasureShape(Shape):
    """One measure: what is used, and the quota, null for none."""

    used = Number(minimum=0)
    quota = fields.Raw(allow_none=True, metadata={"description": "a number, or one per queue"})


class UsageShape(Shape):
    """Use against quota."""

    jobs_queued = fields.Nested(MeasureShape)
    jobs_running = fields.Nested(MeasureShape)
    compute_s_month = fields.Nested(MeasureShape)
    stored_bytes = fields.Nested(MeasureShape)


class QuotasShape(Shape):
    """What an organisation may use; null is the platform's own limit, or none. `ceilings` are the operator's."""

    max_queued = Whole(allow_none=True)
    max_running = fields.Raw(allow_none=True, metadata={"description": "a number, or one per queue"})
    rate_burst = Whole(allow_none=True)
    rate_minute = Whole(allow_none=True)
    compute_s_month = Number(allow_none=True)
    stored_bytes = Whole(allow_none=True)
    weight = Number()
    ceilings = open_object()


class ChainShape(Shape):
    """What a verification of the audit log found; `broken_at` is the first link that does not hold."""

    intact = Flag()
    links = Whole(minimum=0)
    broken_at = Whole(allow_none=True)
    reason = fields.String(allow_none=True)
    head = fields.String(allow_none=True)


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


def artifact_resource(call: Call, job_id: str, row: Mapping[str, Any], ttl_s: int | None) -> dict[str, Any]:
    """Make an artifact's resource; with a signed address if a lifetime is given and the bytes are still there."""
    whole = resources.artifact(job_id, row)
    if ttl_s is None or row["deleted_at"] is not None:
        return whole
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ttl_s)
    return whole | {"url": signed(call, row, ttl_s), "url_expires_at": resources.moment(expires)}


def signed(call: Call, row: Mapping[str, Any], ttl_s: int) -> str:
    """Return a fresh signed address of an artifact."""
    return call.services.files.presign_get(call.org_id, row["key"], row["filename"], row["media_type"], ttl_s)
